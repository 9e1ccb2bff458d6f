package guards_test

import (
	"context"
	"io"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/checks"
	"bridge/guards"
)

// A name that is a file's on one upstream and a folder's on another hides neither.
func TestUnionWithAFileAndAFolderOfOneName(t *testing.T) {
	one, two, three := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "name"), "a file")
	write(t, filepath.Join(two, "name", "b"), "b")
	write(t, filepath.Join(three, "name"), "another file")
	for _, upstreams := range []string{one + " " + two + " " + three, two + " " + one + " " + three} {
		cache.Clear()
		f, err := opened(t, "union", configmap.Simple{"upstreams": upstreams})
		checks.OK(t, err)
		entries, err := f.List(context.Background(), "")
		checks.OK(t, err)
		files := 0
		for _, entry := range entries {
			if o, isFile := entry.(fs.Object); isFile {
				files++
				// It is that of the first upstream that has one, whichever answers first.
				if text := textOf(t, o); text != "a file" {
					t.Errorf("%q", text)
				}
			}
		}
		if len(entries) != 2 || files != 1 {
			t.Errorf("%d files in %v", files, entries)
		}
		if found, err := names(f, "name"); found != "name/b" || err != nil {
			t.Errorf("%q, %v", found, err)
		}
		// Both are also found by their names.
		for name, want := range map[string]string{"name": "a file", "name/b": "b"} {
			if o, err := f.NewObject(context.Background(), name); err != nil {
				t.Error(name, err)
			} else if text := textOf(t, o); text != want {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
}

func textOf(t *testing.T, o fs.Object) string {
	t.Helper()
	body, err := o.Open(context.Background())
	checks.OK(t, err)
	defer body.Close()
	text, err := io.ReadAll(body)
	checks.OK(t, err)
	return string(text)
}

// rclone's cache compares what two spellings of one remote were opened as.
func TestWrappersInTheCacheCanBeCompared(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	guards.Install()
	t.Cleanup(cache.Clear)
	for _, remote := range []string{":union,upstreams='" + one + " " + two + "':", ":combine,upstreams='a=" + one + " b=" + two + "':"} {
		for _, path := range []string{"a", "a/"} {
			_, err := cache.Get(context.Background(), remote+path)
			checks.OK(t, err)
		}
	}
}

// closing is a backend that can clean up.
type closing struct {
	fs.Fs
	features *fs.Features
}

func (c closing) Features() *fs.Features { return c.features }
func (c closing) Name() string           { return ":closing" }

// closed is how often one has.
var closed atomic.Int32

func init() {
	fs.Register(&fs.RegInfo{Name: "closing", NewFs: func(ctx context.Context, _, root string, _ configmap.Mapper) (fs.Fs, error) {
		f, err := fs.NewFs(ctx, root)
		if err != nil {
			return nil, err
		}
		features := *f.Features()
		features.Shutdown = func(context.Context) error {
			closed.Add(1)
			return nil
		}
		return closing{f, &features}, nil
	}})
}

// What the cache drops may clean up, also behind a guard.
func TestWhatTheCacheDropsCleansUp(t *testing.T) {
	_, err := opened(t, "union", configmap.Simple{"upstreams": ":closing:" + t.TempDir() + " " + t.TempDir()})
	checks.OK(t, err)
	before := closed.Load()
	cache.Clear()
	if closed.Load() == before {
		t.Error("nothing was told to clean up")
	}
}
