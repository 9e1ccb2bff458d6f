package core

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"

	"bridge/checks"
	"bridge/fault"
)

// stuck is a drive that waits in Put: before reading, or after it has read all.
func stuck(readFirst bool) (*fakeFs, chan struct{}) {
	reached := make(chan struct{}, 1)
	f := newFakeFs()
	f.put = func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error) {
		if readFirst {
			_, _ = io.ReadFull(in, make([]byte, src.Size()))
		}
		_, err := waiting{ctx, reached}.Read(nil)
		o, _ := f.driveLikePut(ctx, broken{err}, src)
		return o, err
	}
	return f, reached
}

func TestCloseEndsWriteAndCommit(t *testing.T) {
	for _, during := range []string{"write", "commit", "last byte"} {
		for _, how := range []string{"close", "close remote"} {
			t.Run(during+", "+how, func(t *testing.T) {
				tidy(t)
				f, reached := stuck(during == "commit")
				remote := fakeRemote(t, f)
				size := int64(5)
				if during == "last byte" {
					size = 1
				}
				w := create(t, remote, "a", size)
				inFlight, err := findWriter(w)
				checks.OK(t, err)
				if during == "last byte" {
					checks.OK(t, Write(w, []byte("x")))
				}
				result := checks.Started(func() error {
					if during != "last byte" {
						if err := Write(w, make([]byte, size)); err != nil || during == "write" {
							return err
						}
					}
					_, err := commit(context.Background(), commitIn{w})
					return err
				})
				checks.Within(t, "Put", reached)
				// Whoever is at work has the lock.
				for inFlight.mu.TryLock() {
					inFlight.mu.Unlock()
					time.Sleep(time.Millisecond)
				}
				switch how {
				case "close":
					checks.OK(t, checks.Within(t, "the close", checks.Started(func() error { return CloseStream(w) })))
				case "close remote":
					checks.Within(t, "the close", checks.Started(func() empty { return call[empty](t, "close", m{"remote": remote}) }))
				}
				checks.HasKind(t, checks.Within(t, during, result), fault.Cancelled)
				if got := f.holds(); got != "" {
					t.Error(got)
				}
			})
		}
	}
}

func TestConcurrentWriters(t *testing.T) {
	tidy(t)
	for name, r := range allRemotes(t) {
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				text := strings.Repeat(fmt.Sprint(i), 5000)
				w, err := Create(r, fmt.Sprint("d/", i), int64(len(text)), 0)
				if err != nil {
					t.Error(err)
					return
				}
				for rest := text; rest != ""; rest = rest[min(997, len(rest)):] {
					if err := Write(w, []byte(rest[:min(997, len(rest))])); err != nil {
						t.Error(err)
					}
				}
				// Every fourth is given up.
				if i%4 == 0 {
					if err := CloseStream(w); err != nil {
						t.Error(err)
					}
					return
				}
				e, err := commit(context.Background(), commitIn{w})
				if err != nil || e.Size != int64(len(text)) {
					t.Error(e, err)
				}
			})
		}
		wait.Wait()
		if got := names(t, r, "d"); got != "1 10 11 13 14 15 2 3 5 6 7 9" {
			t.Error(name, got)
		}
	}
}

// Two commits, a close and a write at any moment: either it is stored whole and one commit says
// so, or nothing is.
func TestCommitCloseRaces(t *testing.T) {
	tidy(t)
	for name, place := range everywhere(t) {
		for i := range 100 {
			w := create(t, place.remote, "new", 1000)
			checks.OK(t, Write(w, make([]byte, 600)))
			var wait sync.WaitGroup
			var mu sync.Mutex
			committed := []entry{}
			for range 2 {
				wait.Go(func() {
					_ = Write(w, make([]byte, 400))
					if e, err := commit(context.Background(), commitIn{w}); err == nil {
						mu.Lock()
						committed = append(committed, e)
						mu.Unlock()
					}
				})
			}
			if i%2 == 0 {
				wait.Go(func() {
					time.Sleep(time.Duration(i) * 3 * time.Microsecond)
					_ = CloseStream(w)
				})
			}
			checks.Within(t, "all to end", checks.Started(func() bool { wait.Wait(); return true }))
			_ = CloseStream(w)
			want := "there=old"
			if len(committed) == 1 {
				want = "new=" + string(make([]byte, 1000)) + " there=old"
			}
			if got := place.holds(); got != want || len(committed) > 1 {
				t.Fatalf("%s: %d commits, holds %q", name, len(committed), strings.ReplaceAll(got, "\x00", ""))
			}
			for _, e := range committed {
				call[empty](t, "delete", m{"object": e.Object})
			}
		}
	}
}

// A remote that is closed while uploads begin on it.
func TestCreateCloseRaces(t *testing.T) {
	tidy(t)
	for range 200 {
		r := fakeRemote(t, newFakeFs())
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				if w, err := Create(r, "a", 10, 0); err == nil {
					_ = Write(w, make([]byte, 10))
				}
			})
		}
		wait.Go(func() { _, _ = request(t, "close", m{"remote": r}) })
		checks.Within(t, "all to end", checks.Started(func() bool { wait.Wait(); return true }))
	}
}

// On an empty upload there is no write to wait for: the end of one must not be waited for either.
func TestEmptyWrites(t *testing.T) {
	tidy(t)
	r := fakeRemote(t, newFakeFs())
	for _, size := range []int64{0, 3} {
		w := create(t, r, "a", size)
		checks.OK(t, checks.Within(t, "an empty write", checks.Started(func() error { return Write(w, nil) })))
		checks.OK(t, Write(w, make([]byte, size)))
		checks.OK(t, checks.Within(t, "an empty write", checks.Started(func() error { return Write(w, []byte{}) })))
		call[entry](t, "commit", commitIn{w})
	}
}
