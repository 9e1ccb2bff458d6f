package core

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/encoder"
	"golang.org/x/text/unicode/norm"
)

// Callers have names as they are. rclone's standard encoding has look-alikes for what it takes for reserved (lib/encoder): a
// control character, a slash, NUL, and a name that is dots; and it quotes a look-alike that is meant as itself, and
// the sign that quotes. A slash or NUL of a drive's stays a look-alike: no path can hold it.

const quote = string(encoder.QuoteRune)

// standardName gives a name in rclone's standard encoding.
func standardName(name string) string {
	if name == "．" || name == "．．" {
		return name
	}
	// No name of a caller's has a slash or NUL, so their look-alikes are never meant otherwise.
	return unquoted.Replace(encoder.Standard.Encode(name))
}

var unquoted = strings.NewReplacer(quote+quote, quote+quote, quote+"／", "／", quote+"␀", "␀")

// standardPath gives a path in rclone's standard encoding.
func standardPath(path string) string {
	names := strings.Split(path, "/")
	for at, name := range names {
		// What leads elsewhere is refused by whoever takes the path, and not made a name of.
		if name != "." && name != ".." {
			names[at] = standardName(name)
		}
	}
	return strings.Join(names, "/")
}

// nativeName gives a name in rclone's standard encoding as it is.
func nativeName(name string) string {
	switch name {
	case "．", "．．", quote + "．":
		return strings.TrimPrefix(name, quote)
	case quote + "．" + quote + "．":
		return "．．"
	}
	return slashes.Replace(encoder.Standard.Decode(name))
}

var slashes = strings.NewReplacer("/", "／", "\x00", "␀")

type nameIn struct {
	Name string `json:"name"`
}

func init() {
	register(Prefix+"namekey", "Give what names have in common that a drive may take for one.", nameKey)
}

// nameKey gives what is the same for names that differ in case or in how accents are composed: drives, and file systems, take them
// for one name.
func nameKey(_ context.Context, in nameIn) (nameIn, error) {
	return nameIn{norm.NFC.String(strings.ToLower(norm.NFC.String(in.Name)))}, nil
}

// leftOut counts what is in a folder and no listing tells of.
type leftOut struct {
	Links   int `json:"links,omitempty"`
	Pipes   int `json:"pipes,omitempty"`
	Sockets int `json:"sockets,omitempty"`
	Devices int `json:"devices,omitempty"`
	// Example is the name of one of them.
	Example string `json:"example,omitempty"`
}

// leftOutOf looks for what rclone's local backend does not list: links, unless it is told to follow or to keep them, pipes, sockets and
// devices. Nil where there is nothing, and for any other backend.
func leftOutOf(f fs.Fs, dir string, listed []entry) *leftOut {
	if _, ok := f.(*local.Fs); !ok {
		return nil
	}
	found, err := os.ReadDir(filepath.Join(f.Root(), filepath.FromSlash(dir)))
	if err != nil {
		// The listing has told.
		return nil
	}
	if len(found) <= len(listed) {
		return nil
	}
	told := make(map[string]bool, len(listed))
	for _, e := range listed {
		told[e.Name] = true
	}
	out := new(leftOut)
	for _, item := range found {
		var count *int
		switch kind := item.Type(); {
		case told[item.Name()]:
			continue
		case kind&os.ModeSymlink != 0:
			if told[item.Name()+fs.LinkSuffix] {
				continue
			}
			count = &out.Links
		case kind&os.ModeNamedPipe != 0:
			count = &out.Pipes
		case kind&os.ModeSocket != 0:
			count = &out.Sockets
		case kind&os.ModeDevice != 0:
			count = &out.Devices
		default:
			continue
		}
		*count++
		if out.Example == "" {
			out.Example = item.Name()
		}
	}
	if out.Example == "" {
		return nil
	}
	return out
}
