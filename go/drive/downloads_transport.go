package drive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/fs/fshttp"

	"bridge/fault"
)

// isDownload tells whether a request asks for the content of a file, by its address or as the redirection of such a one.
func isDownload(req *http.Request) bool {
	for ; req != nil; req = redirectedFrom(req) {
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, downloadPath) {
			return true
		}
	}
	return false
}

func redirectedFrom(req *http.Request) *http.Request {
	if req.Response == nil {
		return nil
	}
	return req.Response.Request
}

// idleConnections is how many connections are kept for the content of files: downloads, and as many uploads as most people allow.
const idleConnections = 32

// onConnections sends what brings content, either way, over connections of its own, by HTTP/1.1: OpenDrive gives each connection so
// many bytes per second, and HTTP/2 would put all of them on one.
type onConnections struct {
	http.RoundTripper
	content http.RoundTripper
}

func newOnConnections(ctx context.Context, rest http.RoundTripper) http.RoundTripper {
	// Tests have others.
	if _, real := rest.(*fshttp.Transport); !real {
		return rest
	}
	return onConnections{rest, fshttp.NewTransportCustom(ctx, func(t *http.Transport) {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		t.ForceAttemptHTTP2 = false
		t.MaxIdleConnsPerHost = idleConnections
		// What arrives are the bytes, and their number is known.
		t.DisableCompression = true
	})}
}

func (c onConnections) RoundTrip(req *http.Request) (*http.Response, error) {
	if isDownload(req) || contentOf(req.Context()) > 0 {
		return c.content.RoundTrip(req)
	}
	return c.RoundTripper.RoundTrip(req)
}

// CloseIdleConnections is what http.Client looks for.
func (c onConnections) CloseIdleConnections() {
	closeIdle(c.RoundTripper)
	closeIdle(c.content)
}

// downloadTransport gives each download its turn, and looks at what comes in place of bytes.
type downloadTransport struct {
	http.RoundTripper
	line *Line
	used volume
}

func newDownloadTransport(ctx context.Context, proxy string, next http.RoundTripper) *downloadTransport {
	return &downloadTransport{RoundTripper: next, line: &Line{budget: budgetOf(proxy, openingIn(ctx).downloads()), calls: 1}}
}

// CloseIdleConnections is what http.Client looks for.
func (t *downloadTransport) CloseIdleConnections() { closeIdle(t.RoundTripper) }

func (t *downloadTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !isDownload(req) {
		return t.RoundTripper.RoundTrip(req)
	}
	want := wantIn(req.Context())
	resp, place, err := t.download(req, want)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		// No content comes, and what comes is short.
		place.end()
		return resp, nil
	}
	t.used.isOver()
	body := &downloadBody{transport: t, req: req, want: want, asked: rangeOf(req), body: resp.Body, place: place, left: resp.ContentLength, idleSince: time.Now()}
	place.begun(body.giveUp)
	resp.Body = body
	return resp, nil
}

// download sends a request when its turn has come, again while the drive refuses it because the address has too many downloads. The
// answer is one that was looked at.
func (t *downloadTransport) download(req *http.Request, want *Want) (*http.Response, *turn, error) {
	ctx := req.Context()
	if err := t.used.up(); err != nil {
		return nil, nil, err
	}
	place, err := t.line.budget.take(ctx, want)
	if err != nil {
		return nil, nil, err
	}
	resp, err := t.ask(req, want, place)
	if err != nil {
		place.end()
		return nil, nil, err
	}
	return resp, place, nil
}

// ask sends a request, with a place that it has.
func (t *downloadTransport) ask(req *http.Request, want *Want, place *turn) (*http.Response, error) {
	ctx := req.Context()
	firstRefusal := time.Time{}
	for {
		// It may have been found out while this one waited.
		if err := t.used.up(); err != nil {
			return nil, err
		}
		resp, err := t.RoundTripper.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		found, err := t.look(resp, rangeOf(req), want)
		switch {
		case err != nil:
			_ = resp.Body.Close()
			return nil, err
		case found == tooMany:
			_ = resp.Body.Close()
			if firstRefusal.IsZero() {
				firstRefusal = time.Now()
			}
			if place.refusedAgain(firstRefusal) {
				return nil, fault.New(fault.RateLimited, "", fmt.Sprintf("%s has refused all downloads for %d minutes: it allows an address %d at once, and other programs or computers behind this one's have them", req.URL.Host, refusedTime/time.Minute, maxDownloads))
			}
		default:
			return resp, nil
		}
		if err := place.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// downloadBody is the content of a file. It gives its connection back at the last byte, at an error, when it is closed, and when nobody has
// read from it for a while and others wait; reading on then asks for the rest.
type downloadBody struct {
	transport *downloadTransport
	req       *http.Request
	want      *Want
	asked     asked

	mu    sync.Mutex
	body  io.ReadCloser
	place *turn
	// at is how many bytes were read, left how many are to come; -1 if that is not known.
	at, left  int64
	reading   bool
	idleSince time.Time
	closed    bool
}

func (b *downloadBody) Read(buffer []byte) (n int, err error) {
	b.mu.Lock()
	body := b.body
	b.reading = true
	b.mu.Unlock()
	if body == nil {
		if body, err = b.resume(); err != nil {
			return 0, err
		}
	}
	n, err = body.Read(buffer)
	b.mu.Lock()
	b.reading, b.idleSince = false, time.Now()
	b.at += int64(n)
	if b.left >= 0 {
		b.left -= int64(n)
	}
	over := err != nil || b.left == 0
	place := b.place
	b.mu.Unlock()
	if over {
		place.end()
	}
	return n, err
}

// resume asks for the rest after the connection was given up.
func (b *downloadBody) resume() (io.ReadCloser, error) {
	b.mu.Lock()
	at, left, closed := b.at, b.left, b.closed
	b.mu.Unlock()
	switch {
	case closed:
		return nil, http.ErrBodyReadAfterClose
	case left == 0:
		return http.NoBody, nil
	}
	req := b.req.Clone(b.req.Context())
	req.Header.Set("Range", b.asked.after(at).header())
	resp, place, err := b.transport.download(req, b.want)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	fits := resp.StatusCode < 300 && resp.ContentLength == left
	if b.closed || !fits {
		b.mu.Unlock()
		_ = resp.Body.Close()
		place.end()
		// Whoever reads asks again by himself, and learns what it is.
		return nil, fmt.Errorf("the rest of a download was answered with %s, %d bytes: %w", resp.Status, resp.ContentLength, io.ErrUnexpectedEOF)
	}
	b.body, b.place = resp.Body, place
	b.mu.Unlock()
	place.begun(b.giveUp)
	return resp.Body, nil
}

// giveUp lets go of the connection if nobody has read for so long; the rest is asked for when it is read.
func (b *downloadBody) giveUp(idle time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Without its length the rest cannot be told from something else.
	if b.body == nil || b.reading || b.left < 0 || time.Since(b.idleSince) < idle {
		return false
	}
	// Hangs up, and may wait for that.
	go b.body.Close()
	b.body = nil
	return true
}

func (b *downloadBody) Close() error {
	b.mu.Lock()
	body, place := b.body, b.place
	b.body, b.closed = nil, true
	b.mu.Unlock()
	var err error
	if body != nil {
		err = body.Close()
	}
	place.end()
	return err
}
