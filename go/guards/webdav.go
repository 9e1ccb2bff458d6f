package guards

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/object"

	"bridge/fault"
)

// atomicVendors are those whose servers keep an upload apart until it is complete.
var atomicVendors = []string{"infinitescale", "nextcloud", "owncloud", "sharepoint", "sharepoint-ntlm"}

// guardWebdav makes uploads get their names when they are complete. rclone takes it for granted that the server does that, and
// some (WsgiDAV, rclone's own) write into the file that is there.
func guardWebdav(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := open(ctx, name, root, config)
		if f == nil {
			return nil, err
		}
		dav := &webdavRemote{guarded: before(f), addresses: addresses{fs: f}}
		if vendor, _ := config.Get("vendor"); !slices.Contains(atomicVendors, vendor) {
			dav.features.PartialUploads = true
		}
		dav.features.Move = dav.safely(f.Features().Move, func(ctx context.Context, src fs.Object) error { return src.Remove(ctx) })
		dav.features.Copy = dav.safely(f.Features().Copy, func(context.Context, fs.Object) error { return nil })
		return dav, err
	}
}

// webdavRemote is a WebDAV remote that moves a file to the name that it is to have.
type webdavRemote struct {
	guarded
	addresses addresses
}

// safely moves or copies by the server, unless it misreads the new name: then the bytes go back and forth. after is what
// becomes of the old file then.
func (w *webdavRemote) safely(byServer func(context.Context, fs.Object, string) (fs.Object, error), after func(context.Context, fs.Object) error) func(context.Context, fs.Object, string) (fs.Object, error) {
	if byServer == nil {
		return nil
	}
	return func(ctx context.Context, src fs.Object, remote string) (fs.Object, error) {
		if !w.addresses.misread(ctx, remote) {
			return byServer(ctx, src, remote)
		}
		body, err := src.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer body.Close()
		stored, err := w.Fs.Put(ctx, body, object.NewStaticObjectInfo(remote, src.ModTime(ctx), src.Size(), true, nil, w.Fs))
		if err != nil {
			return nil, err
		}
		if stored.Size() != src.Size() {
			return nil, fault.New(fault.Corrupt, remote, fmt.Sprintf("stored with %d bytes, it should have %d", stored.Size(), src.Size()))
		}
		return stored, after(ctx, src)
	}
}

// UploadApart tells whether an upload to a path goes to another name first, and is moved when it is complete.
func UploadApart(ctx context.Context, f fs.Fs, remote string) bool {
	features := f.Features()
	if !features.PartialUploads || features.Move == nil && features.Copy == nil {
		return false
	}
	if dav, ok := f.(*webdavRemote); ok {
		return !dav.addresses.misread(ctx, path.Clean(remote))
	}
	return true
}

// oddInAddresses are the characters of names that mean something in an address unless they are quoted, as rclone quotes them.
const oddInAddresses = "?#;%"

func odd(text string) bool { return strings.ContainsAny(text, oddInAddresses) }
