package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/hash"

	_ "bridge/backends"
	"bridge/drive"
	_ "bridge/quiet"
)

func newFake(ctx context.Context, _, _ string, config configmap.Mapper) (fs.Fs, error) {
	id, _ := config.Get("id")
	f, found := fakes.Load(id)
	if !found {
		return nil, errors.New("no such fake")
	}
	fake := f.(*fakeFs)
	fake.kept = ctx
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
	// kept is the context that it was opened with, as some backends keep it.
	kept context.Context
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
	// hashErr is what asking for the hash fails with.
	hashErr error
	// open replaces the content on the server.
	open func(ctx context.Context, offset, limit int64) (io.ReadCloser, error)
}

func (o *fakeObject) String() string                                  { return o.name }
func (o *fakeObject) Remote() string                                  { return o.name }
func (o *fakeObject) Fs() fs.Info                                     { return o.f }
func (o *fakeObject) ID() string                                      { return o.id }
func (o *fakeObject) Size() int64                                     { return o.size }
func (o *fakeObject) ModTime(context.Context) time.Time               { return o.modTime }
func (o *fakeObject) Hash(context.Context, hash.Type) (string, error) { return o.sum, o.hashErr }
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
