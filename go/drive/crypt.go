package drive

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rclone/rclone/backend/crypt"
	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/config/configstruct"

	"bridge/fault"
)

// crypt leaves names that it cannot decrypt out of its listings, so a wrong password shows an empty drive. We look at
// what crypt is given, in the same call, and tell what it left out.

// Every crypt remote of the process is looked into, also one that another remote wraps.
func init() {
	info, err := fs.Find("crypt")
	if err != nil {
		panic(err)
	}
	theirs := info.NewFs
	info.NewFs = func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := theirs(ctx, name, root, config)
		if outer, ok := f.(*crypt.Fs); ok {
			if optionsErr := lookInto(outer, config); optionsErr != nil {
				return nil, optionsErr
			}
		}
		return f, err
	}
}

// lookInto puts a ciphertext between a crypt remote and what it wraps.
func lookInto(outer *crypt.Fs, config configmap.Mapper) error {
	var options crypt.Options
	if err := configstruct.Set(config, &options); err != nil {
		return err
	}
	features := *outer.Fs.Features()
	wrapped := &ciphertext{
		Fs:          outer.Fs,
		features:    &features,
		cipher:      outer,
		folderNames: options.DirectoryNameEncryption && !strings.EqualFold(options.FilenameEncryption, "off"),
	}
	features.UnWrap = func() fs.Fs { return wrapped.Fs }
	list := features.ListP
	if remote, ok := outer.Fs.(*opendrive.Fs); ok {
		list = func(ctx context.Context, dir string, callback fs.ListRCallback) error {
			return listP(ctx, remote, dir, callback)
		}
	}
	if list != nil {
		features.ListP = func(ctx context.Context, dir string, callback fs.ListRCallback) error {
			return list(ctx, dir, func(entries fs.DirEntries) error { return callback(wrapped.note(ctx, entries)) })
		}
	}
	outer.Fs = wrapped
	return nil
}

// ciphertext is the remote that a crypt remote wraps. It takes note of the names that cannot be decrypted.
type ciphertext struct {
	fs.Fs
	features *fs.Features
	cipher   *crypt.Fs
	// folderNames tells that the names of folders are encrypted too.
	folderNames bool
}

func (c *ciphertext) Features() *fs.Features { return c.features }

func (c *ciphertext) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := c.Fs.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	return c.note(ctx, entries), nil
}

// NewObject finds a file also where a drive does not find its name.
func (c *ciphertext) NewObject(ctx context.Context, remote string) (fs.Object, error) {
	return Find(ctx, c.Fs, remote)
}

// note takes note of what cannot be decrypted, and gives what crypt is to see.
func (c *ciphertext) note(ctx context.Context, entries fs.DirEntries) fs.DirEntries {
	found, ok := ctx.Value(undecryptableKey{}).(*undecryptable)
	if !ok {
		return entries
	}
	seen := make(fs.DirEntries, 0, len(entries))
	for _, item := range entries {
		_, isFile := item.(fs.Object)
		if !isFile && !c.folderNames {
			seen = append(seen, item)
			continue
		}
		name, err := c.cipher.DecryptFileName(item.Remote())
		if err == nil && utf8.ValidString(name) {
			seen = append(seen, item)
			continue
		}
		found.add(Undecryptable{path.Base(item.Remote()), !isFile})
		if err != nil {
			// crypt leaves it out, or fails if it is told to by strict_names. With another password one name of 256 seems
			// to be right, and is hardly ever a text: crypt would show that.
			seen = append(seen, item)
		}
	}
	return seen
}

// Undecryptable is an entry of a folder that crypt cannot decrypt the name of, which is the one on the wrapped remote.
type Undecryptable struct {
	Name   string
	Folder bool
}

// undecryptable are those of one listing.
type undecryptable struct {
	mu    sync.Mutex
	names []Undecryptable
}

func (u *undecryptable) add(name Undecryptable) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.names = append(u.names, name)
}

type undecryptableKey struct{}

// List lists a folder of any remote: one of OpenDrive's as a Listing, another one as rclone has it. What crypt cannot decrypt in it
// comes apart; it is an error if that is all.
func List(ctx context.Context, f fs.Fs, dir string) (*Listing, fs.DirEntries, []Undecryptable, error) {
	if remote, ok := f.(*opendrive.Fs); ok {
		d, err := of(remote)
		if err != nil {
			return nil, nil, nil, err
		}
		listing, err := d.list(ctx, dir)
		return listing, nil, nil, err
	}
	left := new(undecryptable)
	found, err := f.List(context.WithValue(ctx, undecryptableKey{}, left), dir)
	if err != nil {
		return nil, nil, nil, err
	}
	left.mu.Lock()
	defer left.mu.Unlock()
	if len(found) == 0 && len(left.names) > 0 {
		return nil, nil, nil, fault.New(fault.Undecryptable, dir, fmt.Sprintf(
			"no name in it can be decrypted (%d, as %q on the drive): password or password2 is not the one that it was encrypted with, or it holds nothing of crypt's",
			len(left.names), left.names[0].Name))
	}
	return nil, found, left.names, nil
}

// listP gives a folder of OpenDrive's as rclone's own listings are, some entries at a time.
func listP(ctx context.Context, remote *opendrive.Fs, dir string, callback fs.ListRCallback) error {
	d, err := of(remote)
	if err != nil {
		return err
	}
	listing, err := d.list(ctx, dir)
	if err != nil {
		return err
	}
	return listing.pieces(pieceEntries, callback)
}

// pieceEntries is how many of rclone's objects are made at a time.
const pieceEntries = 1000

// Encrypted tells whether a remote is a crypt remote.
func Encrypted(f fs.Fs) bool {
	_, ok := f.(*crypt.Fs)
	return ok
}
