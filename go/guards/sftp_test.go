package guards

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/object"
)

// fixed is a remote whose answers are given.
type fixed struct {
	fs.Fs
	root     string
	features fs.Features
	entries  fs.DirEntries
	// asked is the answer to a question after a file.
	asked error
	// late is that to the reading of one that nobody was asked for.
	late error
	// questions counts those.
	questions int
}

func (f *fixed) Root() string           { return f.root }
func (f *fixed) Features() *fs.Features { return &f.features }

func (f *fixed) List(context.Context, string) (fs.DirEntries, error) {
	return append(fs.DirEntries{}, f.entries...), nil
}

func (f *fixed) NewObject(_ context.Context, path string) (fs.Object, error) {
	f.questions++
	for _, entry := range f.entries {
		if o, isFile := entry.(fs.Object); isFile && o.Remote() == path {
			return o, nil
		}
	}
	if f.late != nil {
		return unasked{object.NewMemoryObject(path, time.Time{}, nil), f.late}, nil
	}
	return nil, f.asked
}

// unasked is a file that may not be there.
type unasked struct {
	fs.Object
	answer error
}

func (u unasked) Open(context.Context, ...fs.OpenOption) (io.ReadCloser, error) { return nil, u.answer }

// behind opens a remote behind a guard.
func behind(t *testing.T, guard func(newFs) newFs, f fs.Fs) fs.Fs {
	t.Helper()
	open := func(context.Context, string, string, configmap.Mapper) (fs.Fs, error) { return f, nil }
	opened, err := guard(open)(context.Background(), "test", "", configmap.Simple{})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// pipe is one on a server: who opens it waits for ever.
type pipe struct{ fs.Object }

func (pipe) Storable() bool { return false }

func (pipe) Open(context.Context, ...fs.OpenOption) (io.ReadCloser, error) {
	return nil, errors.New("it was opened")
}

func (pipe) Hash(context.Context, hash.Type) (string, error) { return "", errors.New("it was read") }

func TestSftpOpensRegularFilesOnly(t *testing.T) {
	ctx := context.Background()
	made := func(name string) fs.Object {
		return object.NewMemoryObject(name, time.Unix(1_700_000_000, 0), []byte("abc"))
	}
	f := behind(t, guardSftp, &fixed{asked: fs.ErrorObjectNotFound, entries: fs.DirEntries{made("file"), pipe{made("pipe")}, fs.NewDir("folder", time.Time{})}})
	entries, err := f.List(ctx, "")
	if err != nil || len(entries) != 3 {
		t.Fatal(entries, err)
	}
	for _, name := range []string{"file", "pipe"} {
		found := []fs.Object{}
		for _, entry := range entries {
			if o, isFile := entry.(fs.Object); isFile && o.Remote() == name {
				found = append(found, o)
			}
		}
		asked, err := f.NewObject(ctx, name)
		if err != nil || len(found) != 1 {
			t.Fatal(name, found, err)
		}
		for _, o := range append(found, asked) {
			_, err := o.Open(ctx)
			if (err == nil) != (name == "file") || (err != nil && !strings.Contains(err.Error(), "is no regular file")) {
				t.Error(name, err)
			}
			if _, err := o.Hash(ctx, hash.MD5); err != nil && err.Error() == "it was read" {
				t.Error(name, err)
			}
		}
	}
	if _, err := f.NewObject(ctx, "nothing"); !errors.Is(err, fs.ErrorObjectNotFound) {
		t.Error(err)
	}
}
