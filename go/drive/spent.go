package drive

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// Spent is what all OpenDrive remotes of a process have asked of their drives.
type Spent struct {
	// Calls are requests that were sent, each time that one was sent again too. One that found nobody to connect to is none.
	Calls int64
	// Waits are the answers that were to wait: 429, or 503 with a time.
	Waits int64
	// Down and Up are bytes of files, without what is around them; what was sent again counts again.
	Down, Up int64
}

// tally counts for a process.
type tally struct{ calls, waits, down, up atomic.Int64 }

// spent is one for all drives of this process.
var spent tally

// SpentSoFar tells what was asked of all drives since the process began.
func SpentSoFar() Spent { return spent.soFar() }

func (s *tally) soFar() Spent {
	return Spent{Calls: s.calls.Load(), Waits: s.waits.Load(), Down: s.down.Load(), Up: s.up.Load()}
}

// loggedIn takes note of a login of the backend's, one call that goes past our transports.
func (s *tally) loggedIn(err error) {
	if !unsent(err) {
		s.calls.Add(1)
	}
	if statusOf(err) == http.StatusTooManyRequests {
		s.waits.Add(1)
	}
}

// countingTransport counts what goes out and comes in; below it there is the network only.
type countingTransport struct {
	http.RoundTripper
	count *tally
}

// CloseIdleConnections is what http.Client looks for.
func (t countingTransport) CloseIdleConnections() { closeIdle(t.RoundTripper) }

func (t countingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Err() != nil {
		// Nothing will be sent.
		return t.RoundTripper.RoundTrip(req)
	}
	// Before it is sent: nobody waits for the answer to the last one.
	t.count.calls.Add(1)
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		if unsent(err) {
			t.count.calls.Add(-1)
		}
		return resp, err
	}
	if resp.StatusCode == http.StatusTooManyRequests || (resp.StatusCode == http.StatusServiceUnavailable && retryAfter(resp.Header) > 0) {
		t.count.waits.Add(1)
	}
	t.count.up.Add(contentOf(req.Context()))
	if (isDownload(req) || strings.HasSuffix(req.URL.Path, archivePath)) && resp.StatusCode < 300 {
		resp.Body = countedBody{resp.Body, &t.count.down}
	}
	return resp, nil
}

// unsent tells whether a request found nobody to connect to.
func unsent(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// countedBody counts the bytes that are read from it.
type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (b countedBody) Read(buffer []byte) (int, error) {
	n, err := b.ReadCloser.Read(buffer)
	b.read.Add(int64(n))
	return n, err
}

type contentKey struct{}

// withContent marks a call that brings so many bytes of a file.
func withContent(ctx context.Context, length int64) context.Context {
	return context.WithValue(ctx, contentKey{}, length)
}

func contentOf(ctx context.Context) int64 {
	length, _ := ctx.Value(contentKey{}).(int64)
	return length
}
