package core

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bridge/checks"
	"bridge/fault"
)

// wholly begins an object and reads what follows, as the callers do.
func wholly(object uint64, buffer []byte) (text string, more bool, err error) {
	n, rest, err := Begin(object, 0, buffer)
	text = string(buffer[:n])
	if rest == 0 || err != nil {
		return text, rest != 0, err
	}
	following, err := drain(rest, make([]byte, 7))
	if closed := CloseStream(rest); err == nil {
		err = closed
	}
	return text + following, true, err
}

func TestBegin(t *testing.T) {
	tidy(t)
	text := strings.Repeat("0123456789", 20)
	remotes := allRemotes(t)
	remotes["drive"] = fakeRemote(t, newFakeFs())
	for name, r := range remotes {
		for _, size := range []int{0, 1, 200} {
			object := upload(t, r, fmt.Sprint("f", size), text[:size]).Object
			for _, buffer := range []int{0, 1, 7, 199, 200, 201, 1 << 16} {
				got, more, err := wholly(object, make([]byte, buffer))
				// Only a buffer that is larger than the object shows its end.
				if err != nil || got != text[:size] || more != (buffer <= size) {
					t.Errorf("%s %d by %d: %q %v %v", name, size, buffer, got, more, err)
				}
			}
		}
	}
	if n := streams.len(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
	_, _, err := Begin(9999999, 0, make([]byte, 1))
	checks.HasKind(t, err, fault.Handle)
}

// What is read in one call is checked as what is read in several.
func TestBeginChecks(t *testing.T) {
	tidy(t)
	sum := sumOf([]byte("0123456789"))
	for name, test := range map[string]struct {
		comes []string
		kind  fault.Kind
	}{
		"as listed":     {[]string{"0123456789"}, ""},
		"damaged once":  {[]string{"0123456780", "0123456789"}, ""},
		"damaged twice": {[]string{"0123456780", "0123456780"}, fault.Corrupt},
		"shorter":       {[]string{"01234", "01234"}, fault.Corrupt},
		"longer":        {[]string{"0123456789x", "0123456789x"}, fault.Corrupt},
	} {
		count := 0
		object := kept(t, &fakeObject{name: "a", size: 10, sum: sum, open: func(context.Context, int64, int64) (io.ReadCloser, error) {
			count++
			return io.NopCloser(strings.NewReader(test.comes[count-1])), nil
		}})
		got, more, err := wholly(object, make([]byte, 100))
		if test.kind != "" {
			checks.HasKind(t, err, test.kind)
		} else if err != nil || got != "0123456789" {
			t.Errorf("%s: %q %v", name, got, err)
		}
		if more || count != len(test.comes) {
			t.Errorf("%s: %d downloads, more %v", name, count, more)
		}
	}
	r, dir := localRemote(t)
	object := upload(t, r, "grown", "abc").Object
	checks.OK(t, os.WriteFile(filepath.Join(dir, "grown"), []byte("abcdef"), 0o600))
	_, _, err := wholly(object, make([]byte, 100))
	checks.HasKind(t, err, fault.Corrupt)
	object = upload(t, r, "gone", "abc").Object
	checks.OK(t, os.Remove(filepath.Join(dir, "gone")))
	_, _, err = wholly(object, make([]byte, 100))
	checks.HasKind(t, err, fault.NotFound)
	if fault.As(err, "").Path != "gone" {
		t.Error(err)
	}
}

func TestBeginEnds(t *testing.T) {
	for _, how := range []string{"cancel", "cancel before", "close remote"} {
		t.Run(how, func(t *testing.T) {
			tidy(t)
			reached := make(chan struct{}, 1)
			closed := false
			object := kept(t, &fakeObject{name: "a", size: 3, open: func(ctx context.Context, _, _ int64) (io.ReadCloser, error) {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				return closing{waiting{ctx, reached}, func() { closed = true }}, nil
			}})
			o, err := objects.get(object)
			checks.OK(t, err)
			const number = 5000
			if how == "cancel before" {
				call[empty](t, "cancel", cancelIn{number})
			}
			result := checks.Started(func() error {
				_, _, err := Begin(object, number, make([]byte, 10))
				return err
			})
			if how != "cancel before" {
				checks.Within(t, "the read to block", reached)
				if got := call[statsOut](t, "stats", m{}); got.Calls != 1 || got.Streams != 0 {
					t.Errorf("%+v", got)
				}
			}
			switch how {
			case "cancel":
				call[empty](t, "cancel", cancelIn{number})
			case "close remote":
				checks.Within(t, "the close", checks.Started(func() empty { return closeWith(t, o.remote) }))
			}
			checks.HasKind(t, checks.Within(t, "the call to end", result), fault.Cancelled)
			if how != "cancel before" && !closed {
				t.Error("the download is open still")
			}
		})
	}
}

// The reader that follows outlives the number of the call that gave it.
func TestBeginGoesOn(t *testing.T) {
	tidy(t)
	object := upload(t, memoryRemote(t), "a", "abcdef").Object
	n, rest, err := Begin(object, 6000, make([]byte, 2))
	checks.OK(t, err)
	call[empty](t, "cancel", cancelIn{6000})
	checks.OK(t, Release([]uint64{object}))
	if got, err := drain(rest, make([]byte, 3)); n != 2 || got != "cdef" || err != nil {
		t.Error(n, got, err)
	}
	checks.OK(t, CloseStream(rest))
}

func TestPanicInBegin(t *testing.T) {
	tidy(t)
	o := &fakeObject{name: "a", id: "1", size: 5}
	o.open = func(context.Context, int64, int64) (io.ReadCloser, error) { return panickingBody{}, nil }
	object := kept(t, o)
	func() {
		defer func() {
			if cause := recover(); cause != "a test" {
				t.Errorf("recovered %v", cause)
			}
		}()
		_, _, _ = Begin(object, 7000, make([]byte, 5))
		t.Error("no panic")
	}()
}

// An object that is fetched whole is compared with its hash, and begun once more.
func TestFetchOfAWholeObjectIsChecked(t *testing.T) {
	tidy(t)
	for _, size := range []int{1000, 3 << 20} {
		content := noise(size)
		damaged := bytes.Clone(content)
		damaged[size/2]++
		for _, times := range []int{1, 2} {
			left := times
			o := &fakeObject{name: "file", size: int64(size), sum: sumOf(content), open: func(ctx context.Context, offset, limit int64) (io.ReadCloser, error) {
				from := content
				if left > 0 {
					left--
					from = damaged
				}
				return io.NopCloser(bytes.NewReader(from[offset : offset+min(limit&(1<<62-1), int64(size)-offset)])), nil
			}}
			buffer := make([]byte, size)
			err := Fetch(kept(t, o), 0, 0, false, buffer)
			if times == 2 {
				checks.HasKind(t, err, fault.Corrupt)
			} else if err != nil || !bytes.Equal(buffer, content) {
				t.Error(size, err)
			}
		}
	}
}
