package guards_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/checks"
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
			if _, isFile := entry.(fs.Object); isFile {
				files++
			}
		}
		if len(entries) != 2 || files != 1 {
			t.Errorf("%d files in %v", files, entries)
		}
		if found, err := names(f, "name"); found != "name/b" || err != nil {
			t.Errorf("%q, %v", found, err)
		}
	}
}
