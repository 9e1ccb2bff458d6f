package core

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"

	"bridge/checks"
	"bridge/drive"
	"bridge/fault"
)

// abcMD5 is of "abc".
const abcMD5 = "900150983cd24fb0d6963f7d28e17f72"

func byName(t *testing.T, r uint64, dir string, keep bool) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	for _, e := range call[listOut](t, "list", m{"remote": r, "path": dir, "keep": keep}).Entries {
		found[e.Name] = e
	}
	return found
}

func TestListMemory(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	if got := names(t, r, ""); got != "" {
		t.Fatal(got)
	}
	modTime := time.Unix(1700000000, 0).UnixNano()
	upload(t, r, "a", "abc")
	upload(t, r, "dir/b c", "")
	upload(t, r, "dir/deep/ü", "x")
	got := byName(t, r, "", false)
	if a := got["a"]; a.Folder || a.Size != 3 || a.Hash != abcMD5 || a.ModTimeNs == nil || *a.ModTimeNs != modTime || a.Object != 0 {
		t.Errorf("%+v", a)
	}
	if dir := got["dir"]; !dir.Folder || dir.ModTimeNs != nil || dir.Size != 0 || dir.Hash != "" {
		t.Errorf("%+v", dir)
	}
	if got := names(t, r, "dir"); got != "b c deep/" {
		t.Error(got)
	}
	if got := names(t, r, "dir/deep"); got != "ü" {
		t.Error(got)
	}
	// Names are bare also where the base is not the root, and kept objects can be read.
	keep := byName(t, r, "dir", true)
	if keep["deep"].Object != 0 || content(t, byName(t, r, "dir/deep", true)["ü"].Object) != "x" {
		t.Errorf("%+v", keep)
	}
}

// A file whose hash cannot be had is listed without one, and reading it fails for itself; the folder is told of all the same.
func TestAHashThatCannotBeHadIsOneFilesError(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	r := fakeRemote(t, f)
	f.has("good", "abc", time.Unix(1700000000, 0))
	f.has("gone", "xyz", time.Unix(1700000000, 0))
	var reason error
	f.list = func(context.Context, string) (fs.DirEntries, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		good, gone := f.object("good", f.files["good"]), f.object("gone", f.files["gone"])
		gone.hashErr = reason
		return fs.DirEntries{good, gone}, nil
	}
	for _, reason = range []error{fs.ErrorObjectNotFound, fs.ErrorPermissionDenied, errors.New("HEAD failed: 403 Forbidden")} {
		found := byName(t, r, "", true)
		if found["good"].Hash != abcMD5 || found["gone"].Hash != "" || found["gone"].Object == 0 {
			t.Errorf("%v: %+v", reason, found)
		}
		if text := content(t, found["good"].Object); text != "abc" {
			t.Errorf("%v: %q", reason, text)
		}
		stream, err := OpenReader(found["gone"].Object, 0, -1)
		checks.OK(t, err)
		if text, err := drain(stream, make([]byte, 100)); err == nil {
			t.Errorf("%v: %q passes for a whole file", reason, text)
		}
		checks.OK(t, CloseStream(stream))
		call[empty](t, "release", m{"objects": []uint64{found["good"].Object, found["gone"].Object}})
	}
	for _, kind := range []fault.Kind{fault.Away, fault.Authentication, fault.RateLimited, fault.Timeout, fault.VolumeUsedUp} {
		reason = fault.New(kind, "", "not for this file alone")
		if failure := refused(t, "list", m{"remote": r}, kind); failure.Path != "gone" {
			t.Errorf("%+v", failure)
		}
	}
}

func TestListLocal(t *testing.T) {
	tidy(t)
	r, dir := localRemote(t)
	when := time.Unix(1600000000, 123456789)
	checks.OK(t, os.WriteFile(filepath.Join(dir, "a"), []byte("abc"), 0o600))
	checks.OK(t, os.Mkdir(filepath.Join(dir, "d"), 0o700))
	for _, name := range []string{"a", "d"} {
		checks.OK(t, os.Chtimes(filepath.Join(dir, name), when, when))
	}
	for name, e := range byName(t, r, "", true) {
		if e.ModTimeNs == nil || *e.ModTimeNs != when.UnixNano() || e.Hash != "" || e.Folder != (name == "d") || (e.Object == 0) != e.Folder {
			t.Errorf("%s: %+v", name, e)
		}
	}
	// A clock that is ahead makes no folder timeless.
	ahead := time.Now().Add(time.Hour)
	checks.OK(t, os.Chtimes(filepath.Join(dir, "d"), ahead, ahead))
	if e := byName(t, r, "", false)["d"]; e.ModTimeNs == nil || *e.ModTimeNs != ahead.UnixNano() {
		t.Errorf("%+v", e)
	}
}

func TestNotFound(t *testing.T) {
	tidy(t)
	memory := memoryRemote(t)
	local, dir := localRemote(t)
	checks.OK(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for _, test := range []struct {
		remote uint64
		method string
		path   string
		kind   fault.Kind
	}{
		{local, "list", "no", fault.NotFound},
		{local, "list", "no/such", fault.NotFound},
		{local, "list", "file", fault.IsFile},
		{local, "stat", "no", fault.NotFound},
		{local, "stat", "no/such", fault.NotFound},
		{local, "purge", "no", fault.NotFound},
		{local, "mkdir", "file/sub", fault.IsFile},
		{memory, "stat", "no", fault.NotFound},
		{12345678, "list", "", fault.Handle},
		{12345678, "stat", "x", fault.Handle},
		{12345678, "mkdir", "x", fault.Handle},
		{0, "list", "", fault.Handle},
	} {
		failure := refused(t, test.method, m{"remote": test.remote, "path": test.path}, test.kind)
		if test.kind != fault.Handle && failure.Path != test.path {
			t.Errorf("%s %s: path %q", test.method, test.path, failure.Path)
		}
	}
	refused(t, "list", m{"remote": opened(t, map[string]string{"type": "memory"}, "nobucket").Remote}, fault.NotFound)
}

func TestStatAndRelease(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	call[empty](t, "release", m{"objects": []uint64{upload(t, r, "dir/a", "abc").Object}})
	e := call[entry](t, "stat", m{"remote": r, "path": "dir/a"})
	if e.Name != "a" || e.Size != 3 || e.Hash != abcMD5 || e.Object == 0 {
		t.Fatalf("%+v", e)
	}
	call[empty](t, "release", m{"objects": []uint64{e.Object}})
	refused(t, "release", m{"objects": []uint64{e.Object}}, fault.Handle)
	_, err := OpenReader(e.Object, 0, -1)
	checks.HasKind(t, err, fault.Handle)
	// One that is gone does not spare the others.
	e = call[entry](t, "stat", m{"remote": r, "path": "dir/a"})
	refused(t, "release", m{"objects": []uint64{9999999, e.Object}}, fault.Handle)
	e = call[entry](t, "stat", m{"remote": r, "path": "dir/a"})
	checks.OK(t, Release([]uint64{e.Object}))
	checks.HasKind(t, Release([]uint64{e.Object}), fault.Handle)
	call[empty](t, "release", m{})
	if objects.len() != 0 {
		t.Error("kept", objects.len())
	}
}

func TestReaderOutlivesRelease(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	object := upload(t, r, "a", "abc").Object
	stream, err := OpenReader(object, 0, -1)
	checks.OK(t, err)
	call[empty](t, "release", m{"objects": []uint64{object}})
	if got, err := drain(stream, make([]byte, 2)); err != nil || got != "abc" {
		t.Error(got, err)
	}
	checks.OK(t, CloseStream(stream))
}

func TestFolders(t *testing.T) {
	tidy(t)
	r, dir := localRemote(t)
	call[empty](t, "mkdir", m{"remote": r, "path": "a/b/c"})
	call[empty](t, "mkdir", m{"remote": r, "path": "a/b/c"})
	upload(t, r, "a/b/file", "x")
	if got := names(t, r, "a/b"); got != "c/ file" {
		t.Error(got)
	}
	call[empty](t, "purge", m{"remote": r, "path": "a"})
	if got, err := os.ReadDir(dir); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestDelete(t *testing.T) {
	tidy(t)
	for name, r := range allRemotes(t) {
		e := upload(t, r, "a", "abc")
		again := call[entry](t, "stat", m{"remote": r, "path": "a"})
		call[empty](t, "delete", m{"object": e.Object})
		refused(t, "delete", m{"object": e.Object}, fault.Handle)
		if failure := refused(t, "delete", m{"object": again.Object}, fault.NotFound); failure.Path != "a" {
			t.Error(name, failure)
		}
		if got := names(t, r, ""); got != "" {
			t.Error(name, got)
		}
	}
}

func allRemotes(t *testing.T) map[string]uint64 {
	t.Helper()
	local, _ := localRemote(t)
	crypted, _ := cryptRemote(t)
	return map[string]uint64{"memory": memoryRemote(t), "local": local, "crypt": crypted}
}

func TestMove(t *testing.T) {
	tidy(t)
	for name, r := range allRemotes(t) {
		e := upload(t, r, "a", "abc")
		upload(t, r, "d/there", "old")
		for _, to := range []string{"b", "d/c", "d/there"} {
			moved := call[entry](t, "move", m{"object": e.Object, "path": to})
			if moved.Name != filepath.Base(to) || moved.Size != 3 || moved.ModTimeNs == nil || *moved.ModTimeNs != *e.ModTimeNs || moved.Object == 0 {
				t.Errorf("%s to %s: %+v", name, to, moved)
			}
			refused(t, "move", m{"object": e.Object, "path": "x"}, fault.Handle)
			e = moved
		}
		if got := names(t, r, "") + " " + names(t, r, "d"); got != "d/ there" && got != " there" {
			t.Error(name, got)
		}
		if got := content(t, e.Object); got != "abc" {
			t.Error(name, got)
		}
	}
}

// A backend that can only copy would lose the object.
func TestMoveOntoItself(t *testing.T) {
	tidy(t)
	for name, r := range allRemotes(t) {
		e := call[entry](t, "move", m{"object": upload(t, r, "a", "abc").Object, "path": "a"})
		if got := names(t, r, ""); got != "a" || content(t, e.Object) != "abc" {
			t.Error(name, got)
		}
	}
}

func TestMoveUnsupported(t *testing.T) {
	tidy(t)
	object := kept(t, &fakeObject{name: "a"})
	refused(t, "move", m{"object": object, "path": "b"}, fault.Unsupported)
	refused(t, "move", m{"object": 9999999, "path": "b"}, fault.Handle)
	// The handle still stands for the object.
	call[empty](t, "release", m{"objects": []uint64{object}})
}

func TestConcurrentMkdirsTakeTurns(t *testing.T) {
	tidy(t)
	inside := make(chan struct{}, 1)
	f := newFakeFs()
	f.mkdir = func(context.Context, string) error {
		select {
		case inside <- struct{}{}:
		default:
			t.Error("two at once")
		}
		time.Sleep(time.Millisecond)
		<-inside
		return nil
	}
	r := fakeRemote(t, f)
	ended := make(chan empty)
	for range 8 {
		go func() { ended <- call[empty](t, "mkdir", m{"remote": r, "path": "x"}) }()
	}
	for range 8 {
		checks.Within(t, "a mkdir", ended)
	}
}

func TestNanoseconds(t *testing.T) {
	for _, test := range []struct {
		time time.Time
		want int64
	}{
		{time.Unix(0, 0), 0},
		{time.Unix(-1, 5), -999999995},
		{time.Unix(1700000000, 7), 1700000000000000007},
		{time.Time{}, math.MinInt64},
		{time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), math.MinInt64},
	} {
		f := newFakeFs()
		f.has("a", "", test.time)
		e := call[entry](t, "stat", m{"remote": fakeRemote(t, f), "path": "a"})
		if got := e.ModTimeNs; (got == nil) != (test.want == math.MinInt64) || (got != nil && *got != test.want) {
			t.Errorf("%s: %v", test.time, got)
		}
	}
}

func TestParent(t *testing.T) {
	for path, want := range map[string]string{"a": "", "a/b": "a", "a/b/c": "a/b", "": ""} {
		if got := drive.Parent(path); got != want {
			t.Errorf("%q: %q", path, got)
		}
	}
}
