package core

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"bridge/checks"
	"bridge/fault"
)

func TestCloseEndsRead(t *testing.T) {
	inOpen := func(reached chan struct{}) *fakeObject {
		return &fakeObject{name: "a", size: 3, open: func(ctx context.Context, _, _ int64) (io.ReadCloser, error) {
			_, err := waiting{ctx, reached}.Read(nil)
			return nil, err
		}}
	}
	inRead := func(reached chan struct{}) *fakeObject {
		return &fakeObject{name: "a", size: 3, open: func(ctx context.Context, _, _ int64) (io.ReadCloser, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return waiting{ctx, reached}, nil
		}}
	}
	for name, object := range map[string]func(chan struct{}) *fakeObject{"open": inOpen, "read": inRead} {
		for _, how := range []string{"close", "close remote"} {
			t.Run(name+", "+how, func(t *testing.T) {
				tidy(t)
				reached := make(chan struct{}, 1)
				handle := kept(t, object(reached))
				o, err := objects.get(handle)
				checks.OK(t, err)
				stream, err := OpenReader(handle, 0, -1)
				checks.OK(t, err)
				read := func() error {
					_, err := Read(stream, make([]byte, 10))
					return err
				}
				result := checks.Started(read)
				checks.Within(t, "the read to block", reached)
				// A second reader waits for the first.
				second := checks.Started(read)
				switch how {
				case "close":
					checks.OK(t, checks.Within(t, "the close", checks.Started(func() error { return CloseStream(stream) })))
				case "close remote":
					checks.Within(t, "the close", checks.Started(func() empty { return closeWith(t, o.remote) }))
				}
				checks.HasKind(t, checks.Within(t, "the read to end", result), fault.Cancelled)
				if err := checks.Within(t, "the second read to end", second); err == nil {
					t.Error("the second read has not failed")
				}
				checks.HasKind(t, read(), fault.Handle)
			})
		}
	}
}

// closeWith closes a remote by what stands behind its handle.
func closeWith(t *testing.T, r *remote) empty {
	t.Helper()
	remotes.mu.RLock()
	var handle uint64
	for h, other := range remotes.items {
		if other == r {
			handle = h
		}
	}
	remotes.mu.RUnlock()
	return call[empty](t, "close", m{"remote": handle})
}

func TestConcurrentReads(t *testing.T) {
	tidy(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	r, _ := cryptRemote(t)
	object := upload(t, r, "a", string(data)).Object
	shared, err := OpenReader(object, 0, -1)
	checks.OK(t, err)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			stream, err := OpenReader(object, int64(i*1000), 100_000)
			if err != nil {
				t.Error(err)
				return
			}
			got, err := drain(stream, make([]byte, 777))
			if err != nil || got != string(data[i*1000:i*1000+100_000]) {
				t.Error(len(got), err)
			}
			if err := CloseStream(stream); err != nil {
				t.Error(err)
			}
		})
		// Readers of one stream share it, each byte goes to one of them.
		wait.Go(func() {
			if _, err := drain(shared, make([]byte, 999)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	checks.OK(t, CloseStream(shared))
}

// Reading, closing and closing the remote at any moment: nothing hangs, nothing stays.
func TestReadCloseRaces(t *testing.T) {
	tidy(t)
	for i := range 200 {
		r := memoryRemote(t)
		object := upload(t, r, "a", strings.Repeat("x", 10000)).Object
		var wait sync.WaitGroup
		wait.Go(func() {
			if stream, err := OpenReader(object, 0, -1); err == nil {
				wait.Go(func() { _, _ = drain(stream, make([]byte, 100)) })
				time.Sleep(time.Duration(i) * time.Microsecond)
				_ = CloseStream(stream)
			}
		})
		wait.Go(func() { _, _ = request(t, "list", m{"remote": r, "keep": true}) })
		wait.Go(func() { _, _ = request(t, "close", m{"remote": r}) })
		checks.Within(t, "all to end", checks.Started(func() bool { wait.Wait(); return true }))
	}
}
