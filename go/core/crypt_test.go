package core

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs/config/obscure"

	"bridge/checks"
	"bridge/fault"
)

// cryptOver opens a crypt remote over a folder of the disk, or another remote, by a password of its own.
func cryptOver(t *testing.T, wrapped, password string, options ...string) openOut {
	t.Helper()
	config := map[string]string{"type": "crypt", "remote": wrapped, "password": obscure.MustObscure(password)}
	for i := 0; i < len(options); i += 2 {
		config[options[i]] = options[i+1]
	}
	return opened(t, config, "")
}

// sealed gives the names in a folder that cannot be decrypted, a folder's with a slash.
func sealed(t *testing.T, r uint64, dir string) (names []string) {
	t.Helper()
	for _, e := range call[listOut](t, "list", m{"remote": r, "path": dir, "keep": true}).Entries {
		if e.Undecryptable {
			if e.Object != 0 || e.Size != 0 {
				t.Errorf("%+v", e)
			}
			if e.Folder {
				e.Name += "/"
			}
			names = append(names, e.Name)
		}
	}
	return names
}

func TestUndecryptableNamesAreTold(t *testing.T) {
	tidy(t)
	dir := t.TempDir()
	r := cryptOver(t, dir, "right").Remote
	upload(t, r, "a", "abc")
	upload(t, r, "d/b", "abc")
	if left := sealed(t, r, ""); len(left) != 0 {
		t.Error(left)
	}
	checks.OK(t, os.WriteFile(filepath.Join(dir, "foreign.txt"), []byte("x"), 0o600))
	checks.OK(t, os.Mkdir(filepath.Join(dir, "Photos"), 0o700))
	if left := strings.Join(sealed(t, r, ""), " "); left != "foreign.txt Photos/" && left != "Photos/ foreign.txt" {
		t.Error(left)
	}
	if got := byName(t, r, "", true); len(got) != 4 || content(t, got["a"].Object) != "abc" || !got["d"].Folder {
		t.Errorf("%+v", got)
	}
	// One that another crypt made: inside it all is fine.
	if got := names(t, r, "d"); got != "b" {
		t.Error(got)
	}
}

// A wrong password showed an empty folder.
func TestNothingDecryptableIsAnError(t *testing.T) {
	tidy(t)
	dir := t.TempDir()
	right := cryptOver(t, dir, "right").Remote
	wrong := cryptOver(t, dir, "wrong")
	if !wrong.Encrypted {
		t.Error("crypt needs no password?")
	}
	// What is empty can be decrypted by anybody.
	if got := names(t, wrong.Remote, ""); got != "" {
		t.Error(got)
	}
	// By one name of 256 the padding is right by chance: rclone shows such a name, as bytes that are no text.
	for i := range 1000 {
		upload(t, right, fmt.Sprintf("file %d", i), "")
	}
	failure := refused(t, "list", m{"remote": wrong.Remote}, fault.Undecryptable)
	for _, part := range []string{"no name in it can be decrypted (1000, as \"", "password"} {
		if !strings.Contains(failure.Message, part) {
			t.Error(failure.Message)
		}
	}
}

// memory lists by pages, and a crypt within a crypt too: both have another way to be listed.
func TestUndecryptableWhereListingsArePaged(t *testing.T) {
	tidy(t)
	base := t.Name()
	plain := opened(t, map[string]string{"type": "memory"}, base).Remote
	inner := ":crypt,password=" + obscure.MustObscure("inner") + ",remote=':memory:" + base + "':"
	right := cryptOver(t, inner, "right").Remote
	upload(t, right, "a", "abc")
	if got := names(t, right, ""); got != "a" {
		t.Error(got)
	}
	refused(t, "list", m{"remote": cryptOver(t, inner, "wrong").Remote}, fault.Undecryptable)
	upload(t, plain, "foreign", "x")
	if left := sealed(t, right, ""); len(left) != 1 || left[0] != "foreign" {
		t.Error(left)
	}
}

func TestNamesThatAreNotEncrypted(t *testing.T) {
	tidy(t)
	for mode, left := range map[string]string{"filename_encryption": "off", "directory_name_encryption": "false"} {
		dir := t.TempDir()
		r := cryptOver(t, dir, "right", mode, left).Remote
		upload(t, r, "d/a", "abc")
		checks.OK(t, os.Mkdir(filepath.Join(dir, "Photos"), 0o700))
		checks.OK(t, os.WriteFile(filepath.Join(dir, "foreign.txt"), nil, 0o600))
		if got := sealed(t, r, ""); len(got) != 1 || got[0] != "foreign.txt" {
			t.Error(mode, got)
		}
		if got := byName(t, r, "", true); !got["Photos"].Folder || !got["d"].Folder {
			t.Error(mode, got)
		}
	}
}
