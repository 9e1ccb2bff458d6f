package guards_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/checks"
	"bridge/guards"
)

// What a local remote leaves out is counted also where others wrap it.
func TestWhatIsLeftOutBelowAnotherBackendIsCounted(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "folder", "file"), "a")
	for _, link := range []string{filepath.Join(one, "folder", "b"), filepath.Join(two, "folder", "c")} {
		checks.OK(t, os.MkdirAll(filepath.Dir(link), 0o700))
		checks.OK(t, os.Symlink("nowhere", link))
	}
	for backend, test := range map[string]struct {
		options configmap.Simple
		links   int
	}{
		"alias":  {configmap.Simple{"remote": one}, 1},
		"hasher": {configmap.Simple{"remote": one, "hashes": "md5"}, 1},
		"union":  {configmap.Simple{"upstreams": one + " " + two}, 2},
	} {
		f, err := opened(t, backend, test.options)
		checks.OK(t, err)
		ctx, leftOut := guards.CountLeftOut(context.Background())
		if entries, err := f.List(ctx, "folder"); err != nil || len(entries) != 1 {
			t.Errorf("%s: %v, %v", backend, entries, err)
		}
		if left := leftOut(); left == nil || left.Links != test.links || left.Example == "" {
			t.Errorf("%s: %+v", backend, left)
		}
	}
}
