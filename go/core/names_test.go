package core

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/encoder"

	"bridge/guards"
)

// touched are the characters that rclone's encodings touch, and some that they do not.
var touched = []string{
	"a", ".", " ", "\t", "\n", "\v", "\f", "\r", "\x01", "\x1b", "\x7f", "\u0085", "\\", ":", "*", "?", "\"", "<", ">", "|", "%", "~", "-",
	"‛", "␀", "␁", "␉", "␊", "␋", "␍", "␛", "␠", "␡", "．", "／", "：", "＊", "？", "＼", "＂", "｜", "～", "é", "e\u0301", "\ufffd", "🦀",
}

// driveEncoding is what names are written in on OpenDrive.
func driveEncoding(t *testing.T) encoder.MultiEncoder {
	t.Helper()
	info, err := fs.Find("opendrive")
	if err != nil {
		t.Fatal(err)
	}
	return info.Options.Get("encoding").Default.(encoder.MultiEncoder)
}

// lookAlikes gives a name with look-alikes for its control characters, as a destination restores it.
func lookAlikes(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0x7f:
			return '␡'
		case r < ' ':
			return r + '␀'
		}
		return r
	}, name)
}

func TestNamesComeBackFromTheDrive(t *testing.T) {
	encoding := driveEncoding(t)
	stored, bad := map[string]string{}, 0
	complain := func(format string, args ...any) {
		if bad++; bad < 20 {
			t.Errorf(format, args...)
		}
	}
	for _, name := range allNames() {
		name = lookAlikes(name)
		standard := standardPath(name)
		if shown := shownName(standard); shown != name {
			complain("%q is %q in the standard encoding, and %q from there", name, standard, shown)
		}
		// A name that somebody else has written there; that of quoted dots alone stands for another one.
		written := encoder.Standard.Encode(name)
		if back := standardPath(shownName(written)); back != written && strings.Trim(written, "‛．") != "" {
			complain("%q, quoted, is %q", name, back)
		}
		on := encoding.FromStandardName(standard)
		if other, known := stored[on]; known && other != name {
			complain("%q and %q are both %q on the drive", name, other, on)
		}
		stored[on] = name
		if back := shownName(encoding.ToStandardName(on)); back != name {
			complain("%q is %q on the drive, and %q from there", name, on, back)
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d names", bad, len(stored))
	}
}

// allNames are the names of up to three characters that are touched.
func allNames() (names []string) {
	names = append(names, "....", "．．．．", "‛‛‛‛", "‛‛‛x", "‛‛␊x", "a‛‛／b")
	last := []string{""}
	for range 3 {
		var longer []string
		for _, name := range last {
			for _, character := range touched {
				longer = append(longer, name+character)
			}
		}
		names, last = append(names, longer...), longer
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "." || name == ".." })
}

func TestShownNames(t *testing.T) {
	for standard, shown := range map[string]string{
		"／": "／", "a／b": "a／b", "‛／": "‛／", "␀": "␀", "．": "．", "．．": "．．", "‛．": "‛．", "‛．‛．": "‛．‛．", "": "", "..": "..", "a\nb": "a\nb",
		"a␊b": "a␊b", "a‛␊b": "a‛␊b", "‛‛x": "‛x", "‛x": "‛x", "‛‛‛␛": "‛‛‛␛", "a‛": "a‛", "‛‛．x": "‛．x", "a\xff‛‛": "a\xff‛", "‛‛‛‛": "‛‛", "␡‛‛": "␡‛",
	} {
		if got := shownName(standard); got != shown {
			t.Errorf("%q: got %q, want %q", standard, got, shown)
		}
	}
}

func TestNamesComeBackFromEachBackend(t *testing.T) {
	for _, r := range []uint64{memoryRemote(t), opened(t, map[string]string{"type": "local"}, t.TempDir()).Remote} {
		want := []string{}
		for _, character := range touched {
			for _, name := range []string{character + "x", "x" + character, "x" + character + "x", character + character} {
				if name = lookAlikes(name); name != ".." && !slices.Contains(want, name) {
					want = append(want, name)
				}
			}
		}
		for _, name := range want {
			upload(t, r, "‛ folder␊/"+name, name)
		}
		found := []string{}
		for _, e := range call[listOut](t, "list", m{"remote": r, "path": "‛ folder␊"}).Entries {
			found = append(found, e.Name)
			if stat := call[entry](t, "stat", m{"remote": r, "path": "‛ folder␊/" + e.Name}); stat.Name != e.Name || stat.Size != int64(len(e.Name)) {
				t.Errorf("%q: got %q of %d bytes", e.Name, stat.Name, stat.Size)
			}
		}
		slices.Sort(want)
		slices.Sort(found)
		if !slices.Equal(want, found) {
			t.Errorf("got %q, want %q", found, want)
		}
		if folders := call[listOut](t, "list", m{"remote": r, "path": ""}).Entries; len(folders) != 1 || folders[0].Name != "‛ folder␊" {
			t.Errorf("got %v", folders)
		}
	}
}

func TestNameKeys(t *testing.T) {
	key := func(name string) string { return call[nameIn](t, "namekey", m{"name": name}).Name }
	if key("É") != key("e\u0301") || key("É") != key("é") || key("e") == key("é") || key("a ") == key("a") || key("‛x") == key("‛‛x") {
		t.Error("names are taken for others")
	}
}

func TestWhatALocalListingLeavesOutIsCounted(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"file", "other"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"link", "‛ odd\n", "dangling"} {
		if err := os.Symlink(map[bool]string{true: "nowhere", false: "file"}[link == "dangling"], filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	for options, want := range map[string]*guards.LeftOut{"": {Links: 3, Example: "dangling"}, "links": nil, "copy_links": {Links: 1, Example: "dangling"}} {
		config := map[string]string{"type": "local"}
		if options != "" {
			config[options] = "true"
		}
		out := call[listOut](t, "list", m{"remote": opened(t, config, folder).Remote, "path": ""}).LeftOut
		if (out == nil) != (want == nil) || (out != nil && *out != *want) {
			t.Errorf("%q: got %+v, want %+v", options, out, want)
		}
	}
}
