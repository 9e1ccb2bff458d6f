package core

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"

	"bridge/checks"
	"bridge/fault"
)

// failingPut is a drive whose uploads break off after some bytes.
func failingPut(after int64) *fakeFs {
	f := newFakeFs()
	f.put = func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error) {
		return f.driveLikePut(ctx, io.MultiReader(io.LimitReader(in, after), broken{checks.DriveError(507, "No space left")}), src)
	}
	return f
}

func TestFailedPut(t *testing.T) {
	for name, test := range map[string]struct {
		after int64
		old   string
		holds string
	}{
		"new":            {3, "", ""},
		"new, at once":   {0, "", ""},
		"there":          {3, "old", "a=old"},
		"there, at once": {0, "old", "a=old"},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			f := failingPut(test.after)
			if test.old != "" {
				f.has("a", test.old, time.Unix(1600000000, 0))
			}
			r := fakeRemote(t, f)
			for _, known := range []bool{true, false} {
				w := create(t, r, "a", 1<<20)
				failed := checks.Within(t, "the write", checks.Started(func() error {
					for range 8 {
						if err := Write(w, make([]byte, 1<<16)); err != nil {
							return err
						}
					}
					return nil
				}))
				checks.HasKind(t, failed, fault.NoSpace)
				checks.HasKind(t, Write(w, []byte("x")), fault.NoSpace)
				if known {
					refused(t, "commit", commitIn{w}, fault.NoSpace)
				} else {
					checks.OK(t, CloseStream(w))
				}
				if got := f.holds(); got != test.holds {
					t.Errorf("holds %q, want %q", got, test.holds)
				}
			}
		})
	}
}

// What a Put that failed gives may be the old content: only Put knows, and it is not removed.
func TestFailedPutWithObject(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	f.has("a", "old", time.Unix(1600000000, 0))
	f.put = func(context.Context, io.Reader, fs.ObjectInfo) (fs.Object, error) {
		return f.object("a", f.files["a"]), errors.New("no")
	}
	w := create(t, fakeRemote(t, f), "a", 5)
	refused(t, "commit", commitIn{w}, fault.Corrupt)
	if got := f.holds(); got != "a=old" {
		t.Error(got)
	}
}

// As crypt does: the object is stored, then Put fails and does not give it.
func TestFailedPutWithoutObject(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	f.features.PartialUploads = true
	f.features.Move = func(context.Context, fs.Object, string) (fs.Object, error) { return nil, fs.ErrorCantMove }
	f.put = func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error) {
		if _, err := f.driveLikePut(ctx, in, src); err != nil {
			return nil, err
		}
		return nil, errors.New("failed to read destination hash")
	}
	w := create(t, fakeRemote(t, f), "a", 5)
	checks.OK(t, Write(w, []byte("abcde")))
	refused(t, "commit", commitIn{w}, fault.Other)
	if got := f.holds(); got != "" {
		t.Error(got)
	}
}

// What the server stored is not what was sent.
func TestDamagedUpload(t *testing.T) {
	for name, damage := range map[string]func(o *fakeObject){
		"hash":      func(o *fakeObject) { o.sum = strings.Repeat("0", 32) },
		"size":      func(o *fakeObject) { o.size++ },
		"size zero": func(o *fakeObject) { o.size = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			f := newFakeFs()
			f.put = func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error) {
				o, err := f.driveLikePut(ctx, in, src)
				if err == nil {
					damage(o.(*fakeObject))
				}
				return o, err
			}
			w := create(t, fakeRemote(t, f), "a", 5)
			checks.OK(t, Write(w, []byte("abcde")))
			if failure := refused(t, "commit", commitIn{w}, fault.Corrupt); failure.Path != "a" {
				t.Error(failure)
			}
			if got := f.holds(); got != "" {
				t.Error(got)
			}
		})
	}
}

// A Put that goes wrong in odd ways is an error, and nobody waits for it.
func TestOddPuts(t *testing.T) {
	for name, test := range map[string]struct {
		put  func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error)
		says string
	}{
		"panics": {func(context.Context, io.Reader, fs.ObjectInfo) (fs.Object, error) { panic("a test") }, "a test"},
		"panics later": {func(_ context.Context, in io.Reader, _ fs.ObjectInfo) (fs.Object, error) {
			_, _ = in.Read(make([]byte, 2))
			panic("a test")
		}, "a test"},
		"gives nothing": {func(_ context.Context, in io.Reader, _ fs.ObjectInfo) (fs.Object, error) {
			_, err := io.Copy(io.Discard, in)
			return nil, err
		}, "does not tell"},
		"reads nothing": {func(context.Context, io.Reader, fs.ObjectInfo) (fs.Object, error) { return nil, nil }, "aborted"},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t)
			f := newFakeFs()
			f.put = test.put
			r := fakeRemote(t, f)
			w := create(t, r, "a", 5)
			_ = checks.Within(t, "the write", checks.Started(func() error { return Write(w, []byte("abcde")) }))
			failure := refused(t, "commit", commitIn{w}, fault.Other)
			if !strings.Contains(failure.Message, test.says) {
				t.Error(failure)
			}
			checks.HasKind(t, CloseStream(w), fault.Handle)
			if name != "gives nothing" {
				w = create(t, r, "a", 5)
				checks.OK(t, checks.Within(t, "the close", checks.Started(func() error { return CloseStream(w) })))
			}
		})
	}
}
