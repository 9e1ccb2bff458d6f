package guards

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"golang.org/x/text/unicode/norm"
)

// openedLocal opens a folder of this machine behind its guard.
func openedLocal(t *testing.T, root string, options configmap.Simple) localRemote {
	t.Helper()
	info, err := fs.Find("local")
	if err != nil {
		t.Fatal(err)
	}
	f, err := guardLocal(local.NewFs)(context.Background(), "test", root, fs.ConfigMap(info.Prefix, info.Options, "", options))
	if err != nil {
		t.Fatal(err)
	}
	return f.(localRemote)
}

// The name stands for one with a colon, which Windows does not have in names but after its disks.
func TestWhereALocalFolderIs(t *testing.T) {
	base := filepath.Join(t.TempDir(), "of a：b", "c.d")
	if err := os.MkdirAll(filepath.Join(base, "e：f"), 0o700); err != nil {
		t.Fatal(err)
	}
	l := openedLocal(t, filepath.ToSlash(base), configmap.Simple{})
	entries, err := l.List(context.Background(), "")
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	for _, dir := range []string{"", entries[0].Remote()} {
		if info, err := os.Stat(l.place(dir)); err != nil || !info.IsDir() {
			t.Error(dir, err)
		}
	}
}

// rclone tells such a base with its dots quoted, as if they were a name.
func TestWhereALocalFolderIsThatIsNamedFromHere(t *testing.T) {
	above := t.TempDir()
	for _, name := range []string{"here", "beside"} {
		if err := os.MkdirAll(filepath.Join(above, name, "below"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(above, "here"))
	for _, root := range []string{"", ".", "..", "../beside", "below", "../../" + filepath.Base(above)} {
		want, err := os.Stat(filepath.Join(".", root))
		if err != nil {
			t.Fatal(err)
		}
		l := openedLocal(t, root, configmap.Simple{})
		if info, err := os.Stat(l.place("")); err != nil || !os.SameFile(info, want) {
			t.Errorf("%q: %q, %v", root, l.place(""), err)
		}
	}
}

// A name may be listed otherwise than it is on the disk.
func TestLinksThatAreListedComposed(t *testing.T) {
	base := t.TempDir()
	for _, name := range []string{norm.NFD.String("kept ü"), "nowhere"} {
		if err := os.Symlink("nowhere at all", filepath.Join(base, name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	for links, want := range map[string]int{"true": 0, "false": 2} {
		l := openedLocal(t, base, configmap.Simple{"unicode_normalization": "true", "links": links})
		told, err := l.Fs.List(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		found, err := os.ReadDir(base)
		if err != nil {
			t.Fatal(err)
		}
		ctx, count := CountLeftOut(context.Background())
		l.leftOut(ctx, "", l.place(""), found, told)
		if left := count(); (left == nil) != (want == 0) || left != nil && left.Links != want {
			t.Errorf("links %s: %+v", links, left)
		}
	}
}

func TestJunctionsAreCountedAsLinks(t *testing.T) {
	ctx, count := CountLeftOut(context.Background())
	ctx.Value(leftOutKey{}).(*leftOutCounter).add(os.ModeIrregular, "junction")
	if left := count(); left == nil || left.Links != 1 || left.Example != "junction" {
		t.Errorf("%+v", left)
	}
}

// What may have been left out of a listing is not known where a second look fails.
func TestALocalFolderThatCannotBeLookedAtAgain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	l := localRemote{guarded: before(&fixed{root: loop})}
	if entries, err := l.List(context.Background(), ""); err == nil {
		t.Error(entries)
	}
}
