package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/hash"

	_ "bridge/backends"
	"bridge/checks"
	"bridge/drive"
	"bridge/fault"
	_ "bridge/quiet"
)

func TestMain(m *testing.M) {
	if os.Getenv(quietChild) != "" {
		Initialize()
		Finalize()
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

func newFake(_ context.Context, _, _ string, config configmap.Mapper) (fs.Fs, error) {
	id, _ := config.Get("id")
	f, found := fakes.Load(id)
	if !found {
		return nil, errors.New("no such fake")
	}
	fake := f.(*fakeFs)
	if fake.openErr != nil {
		if err := fake.openErr(); err != nil {
			return nil, err
		}
	}
	return fake, nil
}

type fakeFs struct {
	features fs.Features
	hashes   hash.Set
	// What a test may replace; nil for the plain behaviour.
	openErr func() error
	list    func(ctx context.Context, dir string) (fs.DirEntries, error)
	put     func(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error)
	mkdir   func(ctx context.Context, dir string) error

	mu     sync.Mutex
	lastID int
	files  map[string]*fakeFile
}

// fakeFile is what the server holds.
type fakeFile struct {
	id      string
	data    []byte
	sum     string
	modTime time.Time
}

func newFakeFs() *fakeFs {
	return &fakeFs{hashes: hash.Set(hash.MD5), files: map[string]*fakeFile{}}
}

func (f *fakeFs) Name() string             { return "fake" }
func (f *fakeFs) Root() string             { return "" }
func (f *fakeFs) String() string           { return "fake" }
func (f *fakeFs) Precision() time.Duration { return time.Second }
func (f *fakeFs) Hashes() hash.Set         { return f.hashes }
func (f *fakeFs) Features() *fs.Features   { return &f.features }

// has sets what is under a name.
func (f *fakeFs) has(name, data string, modTime time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastID++
	f.files[name] = &fakeFile{fmt.Sprint(f.lastID), []byte(data), sumOf([]byte(data)), modTime}
}

// holds tells what is under every name.
func (f *fakeFs) holds() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]bool{}
	for name, file := range f.files {
		found[name+"="+string(file.data)] = true
	}
	return sorted(found)
}

func sumOf(data []byte) string {
	hasher, _ := hash.NewMultiHasherTypes(hash.Set(hash.MD5))
	_, _ = hasher.Write(data)
	return hasher.Sums()[hash.MD5]
}

func (f *fakeFs) object(name string, file *fakeFile) *fakeObject {
	return &fakeObject{f: f, name: name, id: file.id, size: int64(len(file.data)), sum: file.sum, modTime: file.modTime}
}

func (f *fakeFs) List(ctx context.Context, dir string) (entries fs.DirEntries, err error) {
	if f.list != nil {
		return f.list(ctx, dir)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, file := range maps.All(f.files) {
		if drive.Parent(name) == dir {
			entries = append(entries, f.object(name, file))
		}
	}
	return entries, ctx.Err()
}

func (f *fakeFs) NewObject(_ context.Context, name string) (fs.Object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if file, found := f.files[name]; found {
		return f.object(name, file), nil
	}
	return nil, fs.ErrorObjectNotFound
}

// Put is in the manner of that on OpenDrive (go/drive/upload.go).
func (f *fakeFs) Put(ctx context.Context, in io.Reader, src fs.ObjectInfo, _ ...fs.OpenOption) (fs.Object, error) {
	if f.put != nil {
		return f.put(ctx, in, src)
	}
	return f.driveLikePut(ctx, in, src)
}

func (f *fakeFs) driveLikePut(ctx context.Context, in io.Reader, src fs.ObjectInfo) (fs.Object, error) {
	f.mu.Lock()
	file, found := f.files[src.Remote()]
	if !found {
		f.lastID++
		file = &fakeFile{id: fmt.Sprint(f.lastID), modTime: time.Now()}
		f.files[src.Remote()] = file
	}
	f.mu.Unlock()
	failed := func(err error) (fs.Object, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !found {
			delete(f.files, src.Remote())
		}
		return nil, fmt.Errorf("failed to create file: %w", err)
	}
	data := make([]byte, src.Size())
	// Not a byte more than announced is read.
	if _, err := io.ReadFull(in, data); err != nil {
		return failed(err)
	}
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file.data, file.sum, file.modTime = data, sumOf(data), src.ModTime(ctx)
	return f.object(src.Remote(), file), nil
}

func (f *fakeFs) Mkdir(ctx context.Context, dir string) error {
	if f.mkdir != nil {
		return f.mkdir(ctx, dir)
	}
	return nil
}

func (f *fakeFs) Rmdir(context.Context, string) error { return nil }

type fakeObject struct {
	f       *fakeFs
	name    string
	id      string
	size    int64
	sum     string
	modTime time.Time
	// open replaces the content on the server.
	open func(ctx context.Context, offset, limit int64) (io.ReadCloser, error)
}

func (o *fakeObject) String() string                                  { return o.name }
func (o *fakeObject) Remote() string                                  { return o.name }
func (o *fakeObject) Fs() fs.Info                                     { return o.f }
func (o *fakeObject) ID() string                                      { return o.id }
func (o *fakeObject) Size() int64                                     { return o.size }
func (o *fakeObject) ModTime(context.Context) time.Time               { return o.modTime }
func (o *fakeObject) Hash(context.Context, hash.Type) (string, error) { return o.sum, nil }
func (o *fakeObject) Storable() bool                                  { return true }
func (o *fakeObject) SetModTime(context.Context, time.Time) error     { return nil }
func (o *fakeObject) Update(context.Context, io.Reader, fs.ObjectInfo, ...fs.OpenOption) error {
	return fs.ErrorNotImplemented
}

func (o *fakeObject) Open(ctx context.Context, options ...fs.OpenOption) (io.ReadCloser, error) {
	var offset, limit int64 = 0, -1
	for _, option := range options {
		if r, isRange := option.(*fs.RangeOption); isRange {
			offset, limit = r.Decode(o.size)
		}
	}
	if o.open != nil {
		return o.open(ctx, offset, limit)
	}
	o.f.mu.Lock()
	defer o.f.mu.Unlock()
	for _, file := range o.f.files {
		if file.id == o.id {
			return body(string(file.data), offset, limit)
		}
	}
	return nil, fs.ErrorObjectNotFound
}

// body is an answer to a ranged request, from a server that is strict about its beginning.
func body(data string, offset, limit int64) (io.ReadCloser, error) {
	if offset > 0 && offset >= int64(len(data)) {
		return nil, errors.New("416 range not satisfiable")
	}
	rest := data[offset:]
	if limit >= 0 && limit < int64(len(rest)) {
		rest = rest[:limit]
	}
	return io.NopCloser(strings.NewReader(rest)), nil
}

func (o *fakeObject) Remove(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.f.mu.Lock()
	defer o.f.mu.Unlock()
	for name, file := range o.f.files {
		if file.id == o.id {
			delete(o.f.files, name)
			return nil
		}
	}
	return fs.ErrorObjectNotFound
}

// waiting is a body that blocks in Read until its context ends.
type waiting struct {
	ctx     context.Context
	reached chan<- struct{}
}

func (w waiting) Read([]byte) (int, error) {
	select {
	case w.reached <- struct{}{}:
	default:
	}
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

func (w waiting) Close() error { return nil }

// closing is a body that tells when it is closed.
type closing struct {
	io.Reader
	closed func()
}

func (c closing) Close() error {
	c.closed()
	return nil
}

// kept puts objects of a fake into a listing and gives the handle of the first.
func kept(t *testing.T, items ...*fakeObject) uint64 {
	t.Helper()
	f := newFakeFs()
	f.list = func(context.Context, string) (entries fs.DirEntries, err error) {
		for _, o := range items {
			o.f = f
			entries = append(entries, o)
		}
		return entries, nil
	}
	r := fakeRemote(t, f)
	return call[listOut](t, "list", m{"remote": r, "keep": true}).Entries[0].Object
}
