package guards_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/checks"
	"bridge/fault"
)

// nobody has a number that no file belongs to.
const nobody = 65534

// asNobody does something without the rights of root, who may read everything: on this thread, which is nobody else's meanwhile.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		checks.OK(t, syscall.Setfsuid(nobody))
		defer func() { _ = syscall.Setfsuid(0) }()
	}
	do()
}

func TestLocalFoldersThatMayNotBeRead(t *testing.T) {
	base := t.TempDir()
	// The folder above is its owner's alone.
	checks.OK(t, os.Chmod(filepath.Dir(base), 0o755))
	checks.OK(t, os.Chmod(base, 0o755))
	write(t, filepath.Join(base, "locked", "in it", "a"), "a")
	write(t, filepath.Join(base, "listed", "file"), "a")
	write(t, filepath.Join(base, "listed", "folder", "a"), "a")
	write(t, filepath.Join(base, "open", "b"), "b")
	checks.OK(t, os.Mkdir(filepath.Join(base, "empty"), 0o700))
	for name, mode := range map[string]os.FileMode{"locked": 0, "listed": 0o444, "open": 0o755, "empty": 0o755} {
		folder := filepath.Join(base, name)
		checks.OK(t, os.Chmod(folder, mode))
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	}
	f, err := opened(t, "alias", configmap.Simple{"remote": base})
	checks.OK(t, err)
	asNobody(t, func() {
		if _, err := os.ReadDir(base); err != nil {
			t.Skip("the folder of the test cannot be reached:", err)
		}
		if _, err := os.ReadDir(filepath.Join(base, "locked")); !errors.Is(err, os.ErrPermission) {
			t.Skip("everything may be read here:", err)
		}
		for _, dir := range []string{"locked", "locked/in it", "listed/folder"} {
			found, err := names(f, dir)
			if err == nil {
				t.Errorf("%s lists %q", dir, found)
				continue
			}
			checks.HasKind(t, err, fault.Permission)
		}
		for dir, want := range map[string]string{"open": "open/b", "empty": "", "listed": "listed/file listed/folder", "": "empty listed locked open"} {
			if found, err := names(f, dir); err != nil || len(found) != len(want) || dir == "listed" && found != want {
				t.Errorf("%s: %q, %v", dir, found, err)
			}
		}
		// What nothing can be learned of is an error when it is read, and no file that is missing.
		entries, err := f.List(context.Background(), "listed")
		checks.OK(t, err)
		for _, entry := range entries {
			if o, isFile := entry.(fs.Object); isFile {
				_, err := o.Open(context.Background())
				checks.HasKind(t, err, fault.Permission)
			}
		}
		if _, err := names(f, "nowhere"); !errors.Is(err, fs.ErrorDirNotFound) {
			t.Error(err)
		}
	})
}
