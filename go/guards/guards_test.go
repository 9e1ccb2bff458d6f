package guards_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/rclone/rclone/backend/alias"
	_ "github.com/rclone/rclone/backend/chunker"
	_ "github.com/rclone/rclone/backend/combine"
	_ "github.com/rclone/rclone/backend/hasher"
	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/memory"
	_ "github.com/rclone/rclone/backend/union"
	_ "github.com/rclone/rclone/backend/webdav"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/object"

	"bridge/checks"
	"bridge/fault"
	"bridge/guards"
)

// away is a backend whose folders cannot be listed, but for its base.
type away struct{ fs.Fs }

func (a away) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	if dir == "" {
		return a.Fs.List(ctx, dir)
	}
	return nil, errors.New("the cable is out")
}

func (a away) NewObject(ctx context.Context, path string) (fs.Object, error) {
	return nil, errors.New("the cable is out")
}

func init() {
	fs.Register(&fs.RegInfo{Name: "away", NewFs: func(ctx context.Context, name, root string, m configmap.Mapper) (fs.Fs, error) {
		f, err := fs.NewFs(ctx, root)
		return away{f}, err
	}})
}

// opened opens a remote of a backend as a section of a configuration does, at its base.
func opened(t *testing.T, backend string, options configmap.Simple) (fs.Fs, error) {
	t.Helper()
	guards.Install()
	// hasher keeps a data base there.
	checks.OK(t, config.SetCacheDir(t.TempDir()))
	t.Cleanup(cache.Clear)
	info, err := fs.Find(backend)
	checks.OK(t, err)
	return info.NewFs(context.Background(), "test", "", fs.ConfigMap(info.Prefix, info.Options, "", options))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	checks.OK(t, os.MkdirAll(filepath.Dir(path), 0o700))
	checks.OK(t, os.WriteFile(path, []byte(text), 0o600))
}

func put(t *testing.T, f fs.Fs, path, text string) fs.Object {
	t.Helper()
	o, err := f.Put(context.Background(), strings.NewReader(text), object.NewStaticObjectInfo(path, time.Unix(1_700_000_000, 0), int64(len(text)), true, nil, nil))
	checks.OK(t, err)
	return o
}

// names lists a folder.
func names(f fs.Fs, dir string) (string, error) {
	entries, err := f.List(context.Background(), dir)
	found := []string{}
	for _, entry := range entries {
		found = append(found, entry.Remote())
	}
	return strings.Join(found, " "), err
}

func TestUnionWithAnUpstreamThatIsNotThere(t *testing.T) {
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "not mounted")
	write(t, filepath.Join(one, "a"), "a")
	_, err := opened(t, "union", configmap.Simple{"upstreams": one + ` "` + two + `"`})
	if err == nil || !strings.Contains(err.Error(), "upstream 2 of 2") || !strings.Contains(err.Error(), two) {
		t.Fatal(err)
	}
	if kind := fault.As(err, "").Kind; kind == fault.NotFound {
		t.Error("whoever makes what is missing would go on")
	}
	checks.OK(t, os.Mkdir(two, 0o700))
	f, err := opened(t, "union", configmap.Simple{"upstreams": one + `:ro "` + two + `"`})
	checks.OK(t, err)
	if found, err := names(f, ""); found != "a" || err != nil {
		t.Error(found, err)
	}
}

func TestUnionWithAFolderThatCannotBeListed(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "folder", "a"), "a")
	write(t, filepath.Join(two, "folder", "b"), "b")
	f, err := opened(t, "union", configmap.Simple{"upstreams": one + " :away:" + two})
	checks.OK(t, err)
	if found, err := names(f, ""); found != "folder" || err != nil {
		t.Error(found, err)
	}
	if found, err := names(f, "folder"); err == nil || !strings.Contains(err.Error(), "the cable is out") {
		t.Errorf("%q, %v", found, err)
	}
}

// A file that one upstream has is there; one that none of those that answer has may be on the one that does not.
func TestUnionWithAnUpstreamThatCannotBeAsked(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(two, "b"), "b")
	f, err := opened(t, "union", configmap.Simple{"upstreams": one + " :away:" + two})
	checks.OK(t, err)
	if o, err := f.NewObject(context.Background(), "b"); err == nil || !strings.Contains(err.Error(), "the cable is out") {
		t.Error(o, err)
	}
	// Both upstreams have the same name there.
	cache.Clear()
	f, err = opened(t, "union", configmap.Simple{"upstreams": one + " " + two})
	checks.OK(t, err)
	for path, expected := range map[string]error{"b": nil, "c": fs.ErrorObjectNotFound, "c/d": fs.ErrorObjectNotFound} {
		if _, err := f.NewObject(context.Background(), path); !errors.Is(err, expected) {
			t.Error(path, err)
		}
	}
}

// What looks like a mode behind the name of a remote is a folder.
func TestUnionWithAFolderThatIsCalledAsAMode(t *testing.T) {
	memory, err := opened(t, "memory", nil)
	checks.OK(t, err)
	put(t, memory, "ro/a", "a")
	put(t, memory, "x/b", "b")
	f, err := opened(t, "union", configmap.Simple{"upstreams": ":memory:ro :memory:x:ro"})
	checks.OK(t, err)
	if found, err := names(f, ""); !slices.Contains([]string{"a b", "b a"}, found) || err != nil {
		t.Error(found, err)
	}
}

func TestUnionTakesAFolderFromEitherUpstream(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "folder", "a"), "a")
	f, err := opened(t, "union", configmap.Simple{"upstreams": one + " " + two})
	checks.OK(t, err)
	if found, err := names(f, "folder"); found != "folder/a" || err != nil {
		t.Error(found, err)
	}
	if _, err := names(f, "nowhere"); !errors.Is(err, fs.ErrorDirNotFound) {
		t.Error(err)
	}
}

func TestChunkerWithAMissingPart(t *testing.T) {
	dir := t.TempDir()
	f, err := opened(t, "chunker", configmap.Simple{"remote": dir, "chunk_size": "10B"})
	checks.OK(t, err)
	put(t, f, "a", strings.Repeat("0123456789", 3))
	if found, err := names(f, ""); found != "a" || err != nil {
		t.Fatal(found, err)
	}
	checks.OK(t, os.Remove(filepath.Join(dir, "a.rclone_chunk.002")))
	if found, err := names(f, ""); err == nil {
		t.Errorf("lists %q", found)
	}
	f, err = opened(t, "chunker", configmap.Simple{"remote": dir, "chunk_size": "10B", "fail_hard": "false"})
	checks.OK(t, err)
	if found, err := names(f, ""); found != "" || err != nil {
		t.Errorf("whoever has chosen gets what it is told: %q, %v", found, err)
	}
}

func TestHasherTellsNoHashOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	f, err := opened(t, "hasher", configmap.Simple{"remote": dir, "hashes": "md5", "auto_size": "1Mi"})
	checks.OK(t, err)
	o := put(t, f, "a", "abc")
	// As if by a server's disk that goes bad: size and time are what they were.
	path := filepath.Join(dir, "a")
	info, err := os.Stat(path)
	checks.OK(t, err)
	write(t, path, "xyz")
	checks.OK(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	const ofABC = "900150983cd24fb0d6963f7d28e17f72"
	if sum, err := o.Hash(context.Background(), hash.MD5); sum == ofABC {
		t.Errorf("the hash of what was sent: %q, %v", sum, err)
	}
	memory, err := opened(t, "hasher", configmap.Simple{"remote": ":memory:hashed", "hashes": "sha1"})
	checks.OK(t, err)
	if got := memory.Hashes(); got != hash.NewHashSet(hash.MD5) {
		t.Errorf("hashes %v", got)
	}
	if sum, err := put(t, memory, "a", "abc").Hash(context.Background(), hash.MD5); sum != ofABC || err != nil {
		t.Errorf("that of what is wrapped: %q, %v", sum, err)
	}
}

func TestUploadsGetTheirNamesWhenTheyAreComplete(t *testing.T) {
	dir := t.TempDir()
	bucket, err := opened(t, "memory", nil)
	checks.OK(t, err)
	put(t, bucket, "x/a", "")
	server := ":webdav,url='http://127.0.0.1:1/',vendor="
	for name, test := range map[string]struct {
		backend string
		options configmap.Simple
		partial bool
	}{
		"unknown server": {"webdav", configmap.Simple{"url": "http://127.0.0.1:1/"}, true},
		"rclone's":       {"webdav", configmap.Simple{"url": "http://127.0.0.1:1/", "vendor": "rclone"}, true},
		"ownCloud":       {"webdav", configmap.Simple{"url": "http://127.0.0.1:1/", "vendor": "owncloud"}, false},
		"one of two":     {"combine", configmap.Simple{"upstreams": `a=:memory:x "b=` + server + `other:"`}, true},
		"none of two":    {"combine", configmap.Simple{"upstreams": `a=:memory:x "b=` + server + `owncloud:"`}, false},
		"of a union":     {"union", configmap.Simple{"upstreams": ":memory:x " + dir}, true},
	} {
		f, err := opened(t, test.backend, test.options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if f.Features().PartialUploads != test.partial {
			t.Errorf("%s: %v", name, f.Features().PartialUploads)
		}
	}
}

// Where two names that differ in case only are one on an upstream, a restore must know: it would write both files into one.
func TestNamesThatAreOneOnAnUpstream(t *testing.T) {
	folding, exact := ":local,case_insensitive=true:"+t.TempDir(), ":local,case_sensitive=true:"+t.TempDir()
	alsoFolding, alsoExact := ":local,case_insensitive=true:"+t.TempDir(), ":local,case_sensitive=true:"+t.TempDir()
	for name, test := range map[string]struct {
		backend string
		options configmap.Simple
		folds   bool
	}{
		"union":                    {"union", configmap.Simple{"upstreams": folding + " " + exact}, true},
		"union, the other way":     {"union", configmap.Simple{"upstreams": exact + " " + folding + ":ro"}, true},
		"union of those that do":   {"union", configmap.Simple{"upstreams": folding + " " + alsoFolding}, true},
		"union of exact ones":      {"union", configmap.Simple{"upstreams": exact + " " + alsoExact}, false},
		"combine":                  {"combine", configmap.Simple{"upstreams": "a=" + folding + " b=" + exact}, true},
		"combine of exact ones":    {"combine", configmap.Simple{"upstreams": "a=" + alsoExact + " b=" + exact}, false},
		"hasher":                   {"hasher", configmap.Simple{"remote": folding, "hashes": "md5"}, true},
		"hasher over an exact one": {"hasher", configmap.Simple{"remote": exact, "hashes": "md5"}, false},
	} {
		f, err := opened(t, test.backend, test.options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if f.Features().CaseInsensitive != test.folds {
			t.Errorf("%s: %v", name, f.Features().CaseInsensitive)
		}
	}
}

// That names may be one on an upstream takes nothing away that is on the other one under two.
func TestUnionListsNamesThatDifferInCase(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(two, "A"), "upper")
	write(t, filepath.Join(two, "a"), "lower")
	if entries, err := os.ReadDir(two); err != nil || len(entries) < 2 {
		t.Skip("this disk has one of both:", err)
	}
	f, err := opened(t, "union", configmap.Simple{"upstreams": ":local,case_insensitive=true:" + one + " :local,case_sensitive=true:" + two})
	checks.OK(t, err)
	if !f.Features().CaseInsensitive {
		t.Error("nothing says that two names may be one")
	}
	found, err := names(f, "")
	checks.OK(t, err)
	for _, name := range []string{"A", "a"} {
		if !slices.Contains(strings.Fields(found), name) {
			t.Errorf("%s is missing: %q", name, found)
		}
	}
}
