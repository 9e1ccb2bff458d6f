package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bridge/checks"
	"bridge/fault"
)

// fakeDrive answers downloads as OpenDrive does: six at once, the seventh is refused; so many bytes per second for each.
type fakeDrive struct {
	mu sync.Mutex
	// content is that of every file.
	content []byte
	speed   int
	// others are downloads of other processes.
	others int
	// answer replaces the answer to a download.
	answer func(*http.Request) *http.Response

	open, peak, refused, requests int
	ranges                        []string
	order                         []string
}

func (d *fakeDrive) RoundTrip(req *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	if d.answer != nil {
		if resp := d.answer(req); resp != nil {
			resp.Request = req
			return resp, nil
		}
	}
	if d.open+d.others >= 6 {
		d.refused++
		resp := plainAnswer(429, `{"error":{"code":429,"message":"Too many downloads from same IP"}}`, "application/json")
		resp.Request = req
		return resp, nil
	}
	d.open++
	d.peak = max(d.peak, d.open)
	d.order = append(d.order, path.Base(req.URL.Path))
	d.ranges = append(d.ranges, req.Header.Get("Range"))
	content, status, header := d.content, http.StatusOK, http.Header{"Content-Type": {"application/octet-stream"}}
	if a := rangeOf(req); a.ranged {
		end := int64(len(content))
		if a.end >= 0 {
			end = min(end, a.end+1)
		}
		content, status = content[a.start:end], http.StatusPartialContent
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a.start, end-1, len(d.content)))
	}
	body := &slowBody{drive: d, content: content}
	return &http.Response{StatusCode: status, Header: header, Body: body, ContentLength: int64(len(content)), Request: req}, nil
}

// slowBody is open until its last byte or its end.
type slowBody struct {
	drive   *fakeDrive
	content []byte
	closed  bool
}

func (b *slowBody) Read(buffer []byte) (int, error) {
	if len(b.content) == 0 {
		return 0, io.EOF
	}
	n := copy(buffer[:min(len(buffer), 1000)], b.content)
	if b.drive.speed > 0 {
		time.Sleep(time.Duration(n) * time.Second / time.Duration(b.drive.speed))
	}
	if b.content = b.content[n:]; len(b.content) == 0 {
		_ = b.Close()
	}
	return n, nil
}

func (b *slowBody) Close() error {
	b.drive.mu.Lock()
	defer b.drive.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.drive.open--
	}
	return nil
}

func plainAnswer(status int, body, kind string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {kind}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func transportTo(d http.RoundTripper) *downloadTransport {
	return &downloadTransport{RoundTripper: d, line: NewLine(DefaultDownloads)}
}

// want is how much a download is wanted, of a file of known size.
func wanting(ctx context.Context, size int, urgent bool) (context.Context, *Want) {
	w := &Want{Urgent: new(atomic.Bool), size: int64(size)}
	w.Urgent.Store(urgent)
	return context.WithValue(ctx, wantKey{}, w), w
}

// get begins a download.
func get(ctx context.Context, t *downloadTransport, id, byteRange string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://dev.opendrive.com/api/v1/download/file.json/"+id+"?session_id=S", nil)
	if err != nil {
		return nil, err
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	return t.RoundTrip(req)
}

// fetched is the content of a download.
func fetched(ctx context.Context, t *downloadTransport, id, byteRange string) ([]byte, error) {
	resp, err := get(ctx, t, id, byteRange)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

func TestDownloadsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDrive{content: make([]byte, 10_000), speed: 1000}
		transport := transportTo(d)
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() {
				ctx, _ := wanting(t.Context(), 10_000, true)
				got, err := fetched(ctx, transport, "F", "")
				checks.OK(t, err)
				if len(got) != 10_000 {
					t.Error(len(got))
				}
			})
		}
		begun := time.Now()
		all.Wait()
		// 24 times 10 s over 5 connections.
		if d.refused != 0 || d.peak != DefaultDownloads || time.Since(begun) != 50*time.Second {
			t.Error(d.refused, d.peak, time.Since(begun))
		}
	})
}

func TestWhatIsWaitedForComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDrive{content: make([]byte, 1000), speed: 1000}
		transport := transportTo(d)
		transport.line.budget.allow(1)
		var all sync.WaitGroup
		begin := func(id string, urgent, further bool) *Want {
			ctx, w := wanting(t.Context(), 1000, urgent)
			w.Further.Store(further)
			all.Go(func() {
				_, err := fetched(ctx, transport, id, "")
				checks.OK(t, err)
			})
			synctest.Wait()
			return w
		}
		begin("running", true, false)
		begin("ahead1", false, false)
		taken := begin("ahead2", false, false)
		begin("further", true, true)
		begin("first", true, false)
		// Somebody takes it over while it waits.
		taken.Urgent.Store(true)
		all.Wait()
		if want := []string{"running", "ahead2", "first", "further", "ahead1"}; !slices.Equal(d.order, want) {
			t.Error(d.order)
		}
	})
}

func TestATurnThatIsWaitedForIsLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDrive{content: make([]byte, 10_000), speed: 1000}
		transport := transportTo(d)
		transport.line.budget.allow(1)
		running := checks.Started(func() error { _, err := fetched(t.Context(), transport, "running", ""); return err })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		waiting := checks.Started(func() error { _, err := fetched(ctx, transport, "waiting", ""); return err })
		time.Sleep(time.Second)
		begun := time.Now()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) || time.Since(begun) != 0 {
			t.Error(err, time.Since(begun))
		}
		checks.OK(t, <-running)
		_, err := fetched(t.Context(), transport, "next", "")
		checks.OK(t, err)
	})
}

// Another process has some of the six: what is refused waits, and nobody hears of it.
func TestRefusedDownloadsWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDrive{content: make([]byte, 10_000), speed: 1000, others: 4}
		transport := transportTo(d)
		read := func(count int) {
			var all sync.WaitGroup
			for range count {
				all.Go(func() {
					_, err := fetched(t.Context(), transport, "F", "")
					checks.OK(t, err)
				})
			}
			all.Wait()
		}
		read(24)
		if d.peak != 2 || d.refused == 0 || d.refused > 24 {
			t.Errorf("%d at once, %d refused", d.peak, d.refused)
		}
		// The other one is done: after a while there are five again.
		d.mu.Lock()
		d.others, d.peak, d.refused = 0, 0, 0
		d.mu.Unlock()
		time.Sleep(4 * growTime)
		read(40)
		if d.peak < 3 || d.refused != 0 {
			t.Errorf("%d at once, %d refused", d.peak, d.refused)
		}
	})
}

func TestNoDownloadForLongIsALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDrive{content: make([]byte, 10), others: 6}
		transport := transportTo(d)
		// It ends, and then this one gets through.
		time.AfterFunc(2*time.Minute, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.others = 0
		})
		_, err := fetched(t.Context(), transport, "F", "")
		checks.OK(t, err)
		d.mu.Lock()
		d.others = 6
		d.mu.Unlock()
		begun := time.Now()
		_, err = fetched(t.Context(), transport, "F", "")
		checks.HasKind(t, err, fault.RateLimited)
		if waited := time.Since(begun); waited < refusedTime || waited > refusedTime+maxRefusedPause {
			t.Error(waited)
		}
	})
}

func TestAnIdleDownloadLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := []byte(strings.Repeat("0123456789", 1000))
		d := &fakeDrive{content: content, speed: 10_000}
		transport := transportTo(d)
		transport.line.budget.allow(1)
		for _, byteRange := range []string{"", "bytes=100-8999"} {
			want := content
			if byteRange != "" {
				want = content[100:9000]
			}
			ctx, _ := wanting(t.Context(), len(content), true)
			resp, err := get(ctx, transport, "idle", byteRange)
			checks.OK(t, err)
			got := make([]byte, 1000)
			_, err = io.ReadFull(resp.Body, got)
			checks.OK(t, err)
			begun := time.Now()
			_, err = fetched(ctx, transport, "other", "")
			checks.OK(t, err)
			if waited := time.Since(begun); waited < idleTime || waited > 2*idleTime+time.Second {
				t.Error(waited)
			}
			rest, err := io.ReadAll(resp.Body)
			checks.OK(t, err)
			checks.OK(t, resp.Body.Close())
			if got = append(got, rest...); !bytes.Equal(got, want) {
				t.Errorf("%d bytes", len(got))
			}
			checks.OK(t, resp.Body.Close())
		}
		if want := []string{"", "", "bytes=1000-", "bytes=100-8999", "", "bytes=1100-8999"}; !slices.Equal(d.ranges, want) {
			t.Error(d.ranges)
		}
		// Nobody waits: it stays.
		resp, err := get(t.Context(), transport, "idle", "")
		checks.OK(t, err)
		time.Sleep(time.Minute)
		_, err = io.ReadAll(resp.Body)
		checks.OK(t, err)
		checks.OK(t, resp.Body.Close())
		if len(d.ranges) != 7 || transport.line.budget.inUse() != 0 {
			t.Error(d.ranges, transport.line.budget.inUse())
		}
	})
}
