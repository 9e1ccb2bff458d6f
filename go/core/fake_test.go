package core

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"

	_ "bridge/backends"
	"bridge/checks"
	"bridge/fault"
	_ "bridge/quiet"
)

func TestMain(m *testing.M) {
	if os.Getenv(quietChild) != "" {
		Initialize()
		os.Exit(0)
	}
	// Initialised first, rclone is silent about a backend that its documentation does not have.
	Initialize()
	fs.Register(&fs.RegInfo{Name: "fake", NewFs: newFake, Options: []fs.Option{
		{Name: "id", Required: true},
		{Name: "secret", IsPassword: true},
		{Name: "count", Default: 1},
	}})
	os.Exit(m.Run())
}

// Requests and answers.

type m map[string]any

// request makes a control call and gives its answer as it came.
func request(t testing.TB, method string, in any) (string, int) {
	t.Helper()
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return RPC(Prefix+method, string(input))
}

// call makes a control call that must succeed.
func call[Out any](t testing.TB, method string, in any) (out Out) {
	t.Helper()
	output, status := request(t, method, in)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", method, status, output)
	}
	if err := json.Unmarshal([]byte(output), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// refused makes a control call that must fail with a kind.
func refused(t *testing.T, method string, in any, kind fault.Kind) *fault.Error {
	t.Helper()
	output, status := request(t, method, in)
	if status == http.StatusOK {
		t.Fatalf("%s: got %s, want an error of kind %s", method, output, kind)
	}
	failure := new(fault.Error)
	if err := json.Unmarshal([]byte(output), failure); err != nil {
		t.Fatal(err)
	}
	if failure.Kind != kind {
		t.Fatalf("%s: got %s, want kind %s", method, output, kind)
	}
	return failure
}

// tidy checks at the end of a test that it left no handles, calls and goroutines. Call it first:
// what closes remotes must run before it.
func tidy(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		// Goroutines that were told to end need a moment.
		for limit := time.Now().Add(checks.Patience); ; time.Sleep(5 * time.Millisecond) {
			now := call[statsOut](t, "stats", m{})
			if now.Remotes+now.Objects+now.Streams+now.Calls == 0 && now.Goroutines <= before {
				return
			}
			if time.Now().After(limit) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("left behind: %+v, %d goroutines before\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

// Remotes.

var bucketNumber int

// opened opens a remote until the end of the test, whichever comes first.
func opened(t *testing.T, config map[string]string, base string) openOut {
	t.Helper()
	out := call[openOut](t, "open", openIn{Name: "test", Config: config, Path: base})
	t.Cleanup(func() { _, _ = request(t, "close", m{"remote": out.Remote}) })
	return out
}

// memoryRemote gives an empty bucket.
func memoryRemote(t *testing.T) uint64 {
	t.Helper()
	bucketNumber++
	bucket := fmt.Sprintf("bucket%d", bucketNumber)
	r := opened(t, map[string]string{"type": "memory"}, bucket).Remote
	call[empty](t, "mkdir", m{"remote": r, "path": ""})
	return r
}

func localRemote(t *testing.T) (r uint64, dir string) {
	t.Helper()
	dir = t.TempDir()
	return opened(t, map[string]string{"type": "local"}, dir).Remote, dir
}

func cryptRemote(t *testing.T) (r uint64, dir string) {
	t.Helper()
	dir = t.TempDir()
	out := call[openOut](t, "open", openIn{Name: "test", Plain: []string{"password"}, Config: map[string]string{
		"type": "crypt", "remote": dir, "password": "correct horse",
	}})
	t.Cleanup(func() { _, _ = request(t, "close", m{"remote": out.Remote}) })
	return out.Remote, dir
}

// fakeRemote opens a fake.
func fakeRemote(t *testing.T, f *fakeFs) uint64 {
	t.Helper()
	id := fmt.Sprintf("%p", f)
	fakes.Store(id, f)
	t.Cleanup(func() { fakes.Delete(id) })
	return opened(t, map[string]string{"type": "fake", "id": id}, "").Remote
}

// upload stores an object whole.
func upload(t *testing.T, r uint64, name, content string) entry {
	t.Helper()
	w, err := Create(r, name, int64(len(content)), time.Unix(1700000000, 0).UnixNano())
	checks.OK(t, err)
	checks.OK(t, Write(w, []byte(content)))
	return call[entry](t, "commit", commitIn{w})
}

// drain reads a stream to its end through a buffer.
func drain(stream uint64, buffer []byte) (string, error) {
	text := ""
	for {
		n, err := Read(stream, buffer)
		if n == 0 || err != nil {
			return text, err
		}
		text += string(buffer[:n])
	}
}

// content reads an object whole.
func content(t *testing.T, object uint64) string {
	t.Helper()
	stream, err := OpenReader(object, 0, -1)
	checks.OK(t, err)
	text, err := drain(stream, make([]byte, 1000))
	checks.OK(t, err)
	checks.OK(t, CloseStream(stream))
	return text
}

// names lists a folder; folders end with a slash.
func names(t *testing.T, r uint64, dir string) string {
	t.Helper()
	found := map[string]bool{}
	for _, e := range call[listOut](t, "list", m{"remote": r, "path": dir}).Entries {
		if e.Folder {
			e.Name += "/"
		}
		found[e.Name] = true
	}
	return sorted(found)
}

// onDisk lists the files below a folder of the machine.
func onDisk(t *testing.T, dir string) string {
	t.Helper()
	found := map[string]bool{}
	checks.OK(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, p)
			found[name] = true
		}
		return err
	}))
	return sorted(found)
}

func sorted(set map[string]bool) string {
	list := []string{}
	for name := range set {
		list = append(list, name)
	}
	for i := range list {
		for j := range i {
			if list[i] < list[j] {
				list[i], list[j] = list[j], list[i]
			}
		}
	}
	return strings.Join(list, " ")
}

// A backend whose every step a test can replace. By itself it behaves like our uploads to OpenDrive: Put makes
// the name first and goes on from there; when it fails, it removes what it made and gives no object. There are
// hashes, and ids by which objects are removed.

var fakes sync.Map
