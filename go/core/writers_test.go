package core

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
			var got string
			if name == "memory" || name == "drive" {
				got = place.holds()
			} else {
				// Local and crypt show their temporary name meanwhile. What is there grows at any moment, so it is not read.
				e := call[entry](t, "stat", m{"remote": place.remote, "path": "there"})
				got = "there=" + content(t, e.Object)
				call[empty](t, "release", m{"objects": []uint64{e.Object}})
			}
			if got != before {
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
