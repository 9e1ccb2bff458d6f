package core

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"bridge/checks"
	"bridge/fault"
)

// panicking is an object whose hash cannot be had without a panic.
type panicking struct{ *fakeObject }

func (panicking) Hash(context.Context, hash.Type) (string, error) { panic("a test") }

// A backend that panics after it has stored everything leaves neither a file nor a handle.
func TestPanicInCommit(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	f.put = func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error) {
		o, err := f.driveLikePut(ctx, in, src)
		return panicking{o.(*fakeObject)}, err
	}
	w := create(t, fakeRemote(t, f), "a", 5)
	checks.OK(t, Write(w, []byte("abcde")))
	failure := refused(t, "commit", commitIn{w}, fault.Other)
	if !strings.Contains(failure.Message, "panic in the Go code: a test") {
		t.Error(failure)
	}
	if got := f.holds(); got != "" {
		t.Errorf("%q stays", got)
	}
	checks.HasKind(t, CloseStream(w), fault.Handle)
}

type panickingBody struct{}

func (panickingBody) Read([]byte) (int, error) { panic("a test") }
func (panickingBody) Close() error             { return nil }

// After a panic, which guard in main.go makes an error, nothing is locked: the reader can be closed.
func TestPanicInRead(t *testing.T) {
	tidy(t)
	o := &fakeObject{name: "a", id: "1", size: 5}
	o.open = func(context.Context, int64, int64) (io.ReadCloser, error) { return panickingBody{}, nil }
	r, err := OpenReader(kept(t, o), 0, -1)
	checks.OK(t, err)
	func() {
		defer func() {
			if cause := recover(); cause != "a test" {
				t.Errorf("recovered %v", cause)
			}
		}()
		_, _ = Read(r, make([]byte, 5))
		t.Error("no panic")
	}()
	checks.OK(t, checks.Within(t, "the close", checks.Started(func() error { return CloseStream(r) })))
}

// A panic while the drive's entries are locked leaves them unlocked.
func TestPanicInMkdir(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	r := fakeRemote(t, f)
	f.mkdir = func(context.Context, string) error { panic("a test") }
	refused(t, "mkdir", m{"remote": r, "path": "a"}, fault.Other)
	f.mkdir = nil
	call[empty](t, "mkdir", m{"remote": r, "path": "a"})
}
