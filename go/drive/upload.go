package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rclone/rclone/backend/crypt"
	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"
)

// driveNameLimit is the longest name in bytes, as the drive stores it.
const driveNameLimit = 255

// driveParts is what a call of ours to the drive needs of the backend.
type driveParts struct {
	drive   *opendrive.Fs
	options *opendrive.Options
	session string
	client  *rest.Client
	pacer   *fs.Pacer
	folders *dircache.DirCache
}

func partsOf(drive *opendrive.Fs) (driveParts, error) {
	parts := driveParts{drive: drive}
	session, err := field[opendrive.UserSessionInfo](drive, "session")
	if err == nil {
		parts.session = session.SessionID
		parts.options, err = fieldOf[opendrive.Options](drive, "opt")
	}
	if err == nil {
		parts.client, err = field[*rest.Client](drive, "srv")
	}
	if err == nil {
		parts.pacer, err = field[*fs.Pacer](drive, "pacer")
	}
	if err == nil {
		parts.folders, err = field[*dircache.DirCache](drive, "dirCache")
	}
	return parts, err
}

// stored gives a name as the drive stores it.
func (p driveParts) stored(leaf string) (string, error) {
	name := p.options.Enc.FromStandardName(leaf)
	if len(name) > driveNameLimit {
		return "", fs.ErrorFileNameTooLong
	}
	return name, nil
}

// post makes one call and decodes its answer. The outcome is for the pacer.
func (p driveParts) post(ctx context.Context, endpoint string, request, response any) (bool, error) {
	answer, err := p.client.CallJSON(ctx, &rest.Opts{Method: http.MethodPost, Path: endpoint}, request, response)
	return again(ctx, answer, err), err
}

// PutFn is a backend's Put.
type PutFn func(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error)

// PutOn gives the Put of a backend. OpenDrive's own (backend/opendrive/opendrive.go) allocates a
// whole chunk (10 MiB) for the smallest file, and asks for the name before each creation although
// the creation tells.
func PutOn(f fs.Fs) PutFn {
	if crypted, ok := f.(*crypt.Fs); ok {
		return putOnCrypt(crypted)
	}
	drive, ok := f.(*opendrive.Fs)
	if !ok {
		return f.Put
	}
	return func(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
		// A shallow copy shares everything but its options.
		sized := *drive
		p, err := partsOf(&sized)
		if err != nil {
			return nil, err
		}
		p.options.ChunkSize = max(1, min(p.options.ChunkSize, fs.SizeSuffix(src.Size())))
		stored, err := p.put(ctx, in, src, options)
		if stored == nil {
			return nil, err
		}
		if err == nil {
			Uploaded(stored.ID())
		}
		// The object outlives the copy, which nothing else would keep.
		if owner, fieldErr := fieldOf[*opendrive.Fs](stored, "fs"); fieldErr == nil {
			*owner = drive
		}
		return stored, err
	}
}

// cryptPut is what crypt wraps during one Put. crypt gives no object when it fails after storing
// one; here it is remembered.
type cryptPut struct {
	fs.Fs
	stored fs.Object
}

func (c *cryptPut) Put(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) (o fs.Object, err error) {
	o, err = PutOn(c.Fs)(ctx, in, src, options...)
	c.stored = o
	return o, err
}

func putOnCrypt(crypted *crypt.Fs) PutFn {
	return func(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
		// A shallow copy shares everything but what it wraps.
		copied, inner := *crypted, &cryptPut{Fs: crypted.Fs}
		copied.Fs = inner
		o, err := copied.Put(ctx, in, src, options...)
		if o == nil {
			return inner.stored, err
		}
		// The object outlives the copy, which nothing else would keep.
		if owner, fieldErr := fieldOf[*crypt.Fs](o, "f"); fieldErr == nil {
			*owner = crypted
		}
		return o, err
	}
}

func (p driveParts) put(ctx context.Context, in io.Reader, src fs.ObjectInfo, options []fs.OpenOption) (*opendrive.Object, error) {
	leaf, folder, err := p.folders.FindPath(ctx, src.Remote(), true)
	if err != nil {
		return nil, err
	}
	id, repeated, err := p.createFile(ctx, folder, leaf)
	var refusal *opendrive.Error
	if errors.As(err, &refusal) && refusal.Info.Code == http.StatusConflict {
		// Something of that name is there: it is replaced, as the backend does.
		existing, findErr := p.existing(ctx, src.Remote())
		if findErr != nil {
			return nil, findErr
		}
		if existing != nil && repeated && existing.Size() == 0 {
			// Made by ourselves, and the answer was lost.
			id, err = existing.ID(), nil
		} else if existing != nil {
			return existing, existing.Update(ctx, in, src, options...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("failed to create file: %w", err)
	}
	object := new(opendrive.Object)
	if err := set(object, "fs", p.drive); err != nil {
		return nil, err
	}
	if err := set(object, "remote", src.Remote()); err != nil {
		return nil, err
	}
	if err := set(object, "id", id); err != nil {
		return nil, err
	}
	return object, object.Update(ctx, in, src, options...)
}

// existing finds a file, nil if there is none. By its name first, which a large folder answers faster;
// but a new name may not be found for a while, and then the folder's listing has it.
func (p driveParts) existing(ctx context.Context, remote string) (*opendrive.Object, error) {
	found, err := p.drive.NewObject(ctx, remote)
	if err == nil {
		object, _ := found.(*opendrive.Object)
		return object, nil
	}
	if !errors.Is(err, fs.ErrorObjectNotFound) {
		return nil, err
	}
	entries, err := p.drive.List(ctx, Parent(remote))
	for _, item := range entries {
		// The drive does not tell cases apart.
		if object, ok := item.(*opendrive.Object); ok && strings.EqualFold(object.Remote(), remote) {
			return object, set(object, "remote", remote)
		}
	}
	return nil, err
}

// Settle does what follows the last byte of an upload: the answer to that was lost.
func Settle(ctx context.Context, f fs.Fs, o fs.Object, modTime time.Time) error {
	err := o.SetModTime(ctx, modTime)
	drive, ok := f.(*opendrive.Fs)
	if !ok || err != nil {
		return err
	}
	p, err := partsOf(drive)
	if err != nil {
		return err
	}
	request := struct {
		Session  string `json:"session_id"`
		File     string `json:"file_id"`
		IsPublic int    `json:"file_ispublic"`
	}{p.session, ID(o), p.access()}
	return p.pacer.Call(func() (bool, error) { return p.post(ctx, "/file/access.json", &request, nil) })
}

// access is who may see what is made, as the drive's API wants it.
func (p driveParts) access() int {
	return max(0, slices.Index([]string{"private", "public", "hidden"}, p.options.Access))
}

// createFile makes an empty file and gives its id; a conflict if there is one. It tells whether the
// call was made more than once.
func (p driveParts) createFile(ctx context.Context, folder, leaf string) (id string, repeated bool, err error) {
	name, err := p.stored(leaf)
	if err != nil {
		return "", false, err
	}
	request := struct {
		Session string `json:"session_id"`
		Folder  string `json:"folder_id"`
		Name    string `json:"file_name"`
	}{p.session, folder, name}
	var response struct {
		ID string `json:"FileId"`
	}
	calls := 0
	err = p.pacer.Call(func() (bool, error) {
		calls++
		return p.post(ctx, "/upload/create_file.json", &request, &response)
	})
	return response.ID, calls > 1, err
}

// ID gives the id of an object, "" if it has none.
func ID(o fs.Object) string {
	if do, ok := o.(fs.IDer); ok {
		return do.ID()
	}
	return ""
}
