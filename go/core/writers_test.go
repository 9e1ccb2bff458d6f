package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"

	"bridge/checks"
	"bridge/fault"
)

func create(t *testing.T, r uint64, name string, size int64) uint64 {
	t.Helper()
	w, err := Create(r, name, size, time.Unix(1700000000, 0).UnixNano())
	checks.OK(t, err)
	return w
}

func TestCommit(t *testing.T) {
	tidy(t)
	text := strings.Repeat("0123456789", 20000)
	for name, r := range allRemotes(t) {
		for _, size := range []int{0, 1, 2, 1000, len(text)} {
			for _, known := range []bool{true, false} {
				for _, piece := range []int{1 << 10, 1 << 20} {
					announced := int64(size)
					if !known {
						announced = -1
					}
					w := create(t, r, "dir/ü a", announced)
					for rest := text[:size]; rest != ""; {
						n := min(piece, len(rest))
						checks.OK(t, Write(w, []byte(rest[:n])))
						checks.OK(t, Write(w, nil))
						rest = rest[n:]
					}
					e := call[entry](t, "commit", commitIn{w})
					if e.Name != "ü a" || e.Size != int64(size) || e.Object == 0 || e.ModTimeNs == nil || *e.ModTimeNs != 1700000000e9 {
						t.Errorf("%s %d known=%v: %+v", name, size, known, e)
					}
					if name == "memory" && e.Hash != sumOf([]byte(text[:size])) {
						t.Errorf("hash %s", e.Hash)
					}
					if content(t, e.Object) != text[:size] {
						t.Errorf("%s %d known=%v: other content", name, size, known)
					}
					call[empty](t, "release", m{"objects": []uint64{e.Object}})
					if got := names(t, r, "dir"); got != "ü a" {
						t.Error(name, got)
					}
				}
			}
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	for _, test := range []struct {
		remote uint64
		path   string
		size   int64
		kind   fault.Kind
	}{
		{r, "", 1, fault.Other},
		{r, "a", -2, fault.Other},
		{9999999, "a", 1, fault.Handle},
		// A backend without PutStream.
		{fakeRemote(t, newFakeFs()), "a", -1, fault.Unsupported},
	} {
		_, err := Create(test.remote, test.path, test.size, 0)
		checks.HasKind(t, err, test.kind)
	}
}

// everywhere are remotes with something under the name "there", and what they hold.
func everywhere(t *testing.T) map[string]struct {
	remote uint64
	holds  func() string
} {
	t.Helper()
	type place = struct {
		remote uint64
		holds  func() string
	}
	local, _ := localRemote(t)
	crypted, _ := cryptRemote(t)
	drive := newFakeFs()
	memory := memoryRemote(t)
	list := func(r uint64) func() string {
		return func() string {
			found := map[string]bool{}
			for name, e := range byName(t, r, "", true) {
				found[name+"="+content(t, e.Object)] = true
				call[empty](t, "release", m{"objects": []uint64{e.Object}})
			}
			return sorted(found)
		}
	}
	for _, r := range []uint64{local, crypted, memory} {
		upload(t, r, "there", "old")
	}
	drive.has("there", "old", time.Unix(1500000000, 0))
	return map[string]place{
		"local":  {local, list(local)},
		"crypt":  {crypted, list(crypted)},
		"memory": {memory, list(memory)},
		"drive":  {fakeRemote(t, drive), drive.holds},
	}
}

// Whatever ends an upload but a commit: nothing is under a new name, and an old content stays.
func TestNothingWithoutCommit(t *testing.T) {
	tidy(t)
	for name, place := range everywhere(t) {
		for _, target := range []string{"new", "there"} {
			for what, step := range map[string]struct {
				size int64
				do   func(w uint64) error
			}{
				"close at once":    {5, func(w uint64) error { return CloseStream(w) }},
				"close empty":      {0, func(w uint64) error { return CloseStream(w) }},
				"close half-way":   {5, func(w uint64) error { checks.OK(t, Write(w, []byte("abc"))); return CloseStream(w) }},
				"close when whole": {5, func(w uint64) error { checks.OK(t, Write(w, []byte("abcde"))); return CloseStream(w) }},
				"close one byte":   {1, func(w uint64) error { checks.OK(t, Write(w, []byte("a"))); return CloseStream(w) }},
				"too few": {5, func(w uint64) error {
					checks.OK(t, Write(w, []byte("abcd")))
					refused(t, "commit", commitIn{w}, fault.Corrupt)
					return nil
				}},
				"none": {5, func(w uint64) error {
					refused(t, "commit", commitIn{w}, fault.Corrupt)
					return nil
				}},
				"too many": {5, func(w uint64) error {
					checks.HasKind(t, Write(w, []byte("abcdef")), fault.Corrupt)
					return CloseStream(w)
				}},
				"too many, committed": {5, func(w uint64) error {
					checks.OK(t, Write(w, []byte("abcde")))
					checks.HasKind(t, Write(w, []byte("f")), fault.Corrupt)
					refused(t, "commit", commitIn{w}, fault.Corrupt)
					return nil
				}},
				"some for none": {0, func(w uint64) error {
					checks.HasKind(t, Write(w, []byte("f")), fault.Corrupt)
					return CloseStream(w)
				}},
				"unknown size": {-1, func(w uint64) error { checks.OK(t, Write(w, []byte("abc"))); return CloseStream(w) }},
			} {
				if name == "drive" && step.size < 0 {
					continue
				}
				w := create(t, place.remote, target, step.size)
				if err := step.do(w); err != nil {
					t.Errorf("%s, %s, %s: %v", name, target, what, err)
				}
				checks.HasKind(t, CloseStream(w), fault.Handle)
				if got := place.holds(); got != "there=old" {
					t.Errorf("%s, %s, %s: holds %s", name, target, what, got)
				}
			}
		}
	}
}

func TestReplacedOnlyByCommit(t *testing.T) {
	tidy(t)
	for name, place := range everywhere(t) {
		for _, text := range []string{"newer", ""} {
			before := place.holds()
			w := create(t, place.remote, "there", int64(len(text)))
			checks.OK(t, Write(w, []byte(text)))
			time.Sleep(10 * time.Millisecond)
			// Local and crypt show their temporary name meanwhile.
			if got := place.holds(); name == "memory" || name == "drive" {
				if got != before {
					t.Errorf("%s: holds %s before the commit", name, got)
				}
			} else if !strings.Contains(got, before) {
				t.Errorf("%s: holds %s before the commit", name, got)
			}
			call[entry](t, "commit", commitIn{w})
			if got := place.holds(); got != "there="+text {
				t.Errorf("%s: holds %s after the commit", name, got)
			}
		}
	}
}

func TestAfterCommit(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	w := create(t, r, "a", 1)
	checks.OK(t, Write(w, []byte("x")))
	s, err := findWriter(w)
	checks.OK(t, err)
	call[entry](t, "commit", commitIn{w})
	checks.HasKind(t, Write(w, []byte("x")), fault.Handle)
	checks.HasKind(t, CloseStream(w), fault.Handle)
	refused(t, "commit", commitIn{w}, fault.Handle)
	// Also for who has found the writer before it was committed.
	_, err = s.commit()
	checks.HasKind(t, err, fault.Handle)
	s.close()
	if got := names(t, r, ""); got != "a" {
		t.Error(got)
	}
}

// The longest names that a disk holds must work with temporary names too.
func TestLongNames(t *testing.T) {
	tidy(t)
	r, dir := localRemote(t)
	for _, name := range []string{strings.Repeat("n", 255), strings.Repeat("n", 101), "d/" + strings.Repeat("ü", 127), strings.Repeat("n", 100)} {
		upload(t, r, name, "abc")
		checks.OK(t, os.Remove(filepath.Join(dir, name)))
	}
	w := create(t, r, strings.Repeat("n", 256), 1)
	_ = Write(w, []byte("x"))
	refused(t, "commit", commitIn{w}, fault.NameTooLong)
	if got := onDisk(t, dir); got != "" {
		t.Error(got)
	}
}

// The name is taken by a folder: the temporary object must go.
func TestFailedMoveLeavesNothing(t *testing.T) {
	tidy(t)
	r, dir := localRemote(t)
	checks.OK(t, os.MkdirAll(filepath.Join(dir, "a"), 0o700))
	w := create(t, r, "a", 3)
	checks.OK(t, Write(w, []byte("abc")))
	if _, status := request(t, "commit", commitIn{w}); status == 200 {
		t.Error("committed over a folder")
	}
	if got := onDisk(t, dir); got != "" {
		t.Error(got)
	}
}

// Temporary names need a way to rename.
func TestNoTemporaryNameWithoutMove(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	f.features.PartialUploads = true
	upload(t, fakeRemote(t, f), "a", "abc")
	if got := f.holds(); got != "a=abc" {
		t.Error(got)
	}
}

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
		for _, how := range []string{"close", "close remote", "finalize"} {
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
				case "finalize":
					checks.Within(t, "the end", checks.Started(func() empty { Finalize(); return empty{} }))
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
