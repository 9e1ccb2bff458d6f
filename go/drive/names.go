package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	stdpath "path"
	"strings"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"golang.org/x/text/unicode/norm"

	"bridge/fault"
)

// driveNameLimit is the longest name in bytes, as the drive stores it.
const driveNameLimit = 255

// sameName tells whether the drive calls what it made as it was asked to. It trims white space without a word, of
// which rclone's encoding quotes only some; the rest must not pass for restored.
func sameName(sent string, called *string) error {
	if called == nil || *called == "" || strings.EqualFold(norm.NFC.String(*called), norm.NFC.String(sent)) {
		return nil
	}
	return fault.New(fault.Unsupported, "", fmt.Sprintf("the drive changes its name, and calls it %q: rename it", *called))
}

// named tells which names on the drive stand for a leaf, also those that rclone would write otherwise. The drive does not tell
// cases apart.
func (d *Drive) named(leaf string) func(stored string) bool {
	written := d.options.Enc.FromStandardName(leaf)
	return func(stored string) bool {
		return strings.EqualFold(stored, written) || strings.EqualFold(d.options.Enc.ToStandardName(stored), leaf)
	}
}

// Find finds a file of any remote. An OpenDrive one is asked by the name, which a large folder answers faster; but it
// does not find every name, and a new one not for some seconds. So that there is no such file is believed of the
// folder's listing only.
func Find(ctx context.Context, f fs.Fs, path string) (fs.Object, error) {
	found, err := f.NewObject(ctx, path)
	remote, ok := f.(*opendrive.Fs)
	if ok && statusOf(err) == http.StatusNotFound {
		// The name has an id of which the drive knows nothing: it was replaced, or has just come from another machine.
		err = fs.ErrorObjectNotFound
	}
	if !ok || !errors.Is(err, fs.ErrorObjectNotFound) {
		return found, err
	}
	d, openErr := of(remote)
	if openErr != nil {
		return nil, openErr
	}
	listing, listErr := d.list(ctx, Parent(path))
	if listErr != nil {
		if errors.Is(listErr, fs.ErrorDirNotFound) {
			listErr = err
		}
		return nil, listErr
	}
	leaf := stdpath.Base(path)
	for at := range listing.Len() {
		// The drive does not tell cases apart.
		if entry := listing.At(at); !entry.Folder && strings.EqualFold(entry.Name, leaf) {
			return listing.objectAs(at, path), nil
		}
	}
	return nil, err
}

// Unfinished tells whether a file is one whose upload is not finished, or was never: the drive lists it without
// content and without a hash.
func Unfinished(o fs.Object) bool {
	inner, ok := fs.UnWrapObject(o).(*opendrive.Object)
	if !ok || inner.Size() != 0 {
		return false
	}
	sum, err := field[string](inner, "md5")
	return err == nil && sum == ""
}

// ID gives the id of an object, "" if it has none.
func ID(o fs.Object) string {
	if do, ok := o.(fs.IDer); ok {
		return do.ID()
	}
	return ""
}
