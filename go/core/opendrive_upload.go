package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"
)

// driveNameLimit is the longest name in bytes, as the drive stores it.
const driveNameLimit = 255

// driveRetryCodes are the answers after which the backend tries again, its retryErrorCodes.
var driveRetryCodes = []int{401, 408, 423, 429, 500, 502, 503, 504}

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

// nameOf gives a name as the drive stores it.
func (p driveParts) nameOf(leaf string) (string, error) {
	name := p.options.Enc.FromStandardName(leaf)
	if len(name) > driveNameLimit {
		return "", fs.ErrorFileNameTooLong
	}
	return name, nil
}

// post makes one call and decodes its answer. The outcome is for the pacer.
func (p driveParts) post(ctx context.Context, endpoint string, request, response any) (bool, error) {
	return p.call(ctx, &rest.Opts{Method: http.MethodPost, Path: endpoint}, request, response)
}

// call is post for any call.
func (p driveParts) call(ctx context.Context, opts *rest.Opts, request, response any) (bool, error) {
	answer, err := p.client.CallJSON(ctx, opts, request, response)
	if fserrors.ContextError(ctx, &err) {
		return false, err
	}
	return fserrors.ShouldRetry(err) || fserrors.ShouldRetryHTTP(answer, driveRetryCodes), err
}

// putOn gives the Put of a backend. OpenDrive's own (backend/opendrive/opendrive.go) allocates a
// whole chunk (10 MiB) for the smallest file, and asks for the name before each creation although
// the creation tells.
func putOn(f fs.Fs) putFn {
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
		// The object outlives the copy, which nothing else would keep.
		if owner, fieldErr := fieldOf[*opendrive.Fs](stored, "fs"); fieldErr == nil {
			*owner = drive
		}
		return stored, err
	}
}

func (p driveParts) put(ctx context.Context, in io.Reader, src fs.ObjectInfo, options []fs.OpenOption) (*opendrive.Object, error) {
	leaf, folder, err := p.folders.FindPath(ctx, src.Remote(), true)
	if err != nil {
		return nil, err
	}
	id, err := p.createFile(ctx, folder, leaf)
	var refusal *opendrive.Error
	if errors.As(err, &refusal) && refusal.Info.Code == http.StatusConflict {
		// Something of that name is there: the backend finds and replaces it.
		stored, err := p.drive.Put(ctx, in, src, options...)
		object, _ := stored.(*opendrive.Object)
		if errors.As(err, &refusal) && refusal.Info.Code == http.StatusConflict {
			// It did not: a new name is not found for a while, and this one may be our own creation, whose answer was
			// lost. Nothing of the content is read yet.
			if object, err = p.listed(ctx, src.Remote()); err == nil {
				err = object.Update(ctx, in, src, options...)
			}
		}
		return object, err
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
	err = object.Update(ctx, in, src, options...)
	if errors.As(err, &refusal) && refusal.Info.Code == http.StatusNotFound && p.stored(ctx, object, id, src) {
		err = nil
	}
	return object, err
}

// listed finds a file in the listing of its folder, which knows new names at once.
func (p driveParts) listed(ctx context.Context, remote string) (*opendrive.Object, error) {
	entries, err := p.drive.List(ctx, parent(remote))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if object, ok := entry.(*opendrive.Object); ok && strings.EqualFold(object.Remote(), remote) {
			return object, nil
		}
	}
	return nil, fs.ErrorObjectNotFound
}

// stored tells whether an upload that its last call did not find is complete: when the answer to that call is
// lost, its repetition finds the upload ended. The object then has what the server says of it, for the caller to
// compare as after any upload.
func (p driveParts) stored(ctx context.Context, object *opendrive.Object, id string, src fs.ObjectInfo) bool {
	if err := object.SetModTime(ctx, src.ModTime(ctx)); err != nil {
		return false
	}
	var info opendrive.File
	opts := rest.Opts{Method: http.MethodGet, Path: "/file/info.json/" + id + "?session_id=" + p.session}
	err := p.pacer.Call(func() (bool, error) { return p.call(ctx, &opts, nil, &info) })
	if err != nil || info.Size != src.Size() || info.FileHash == "" {
		return false
	}
	return set(object, "size", info.Size) == nil && set(object, "md5", info.FileHash) == nil
}

// createFile makes an empty file and gives its id; a conflict if there is one.
func (p driveParts) createFile(ctx context.Context, folder, leaf string) (string, error) {
	name, err := p.nameOf(leaf)
	if err != nil {
		return "", err
	}
	request := struct {
		Session string `json:"session_id"`
		Folder  string `json:"folder_id"`
		Name    string `json:"file_name"`
	}{p.session, folder, name}
	var response struct {
		ID string `json:"FileId"`
	}
	err = p.pacer.Call(func() (bool, error) { return p.post(ctx, "/upload/create_file.json", &request, &response) })
	return response.ID, err
}

// makeFolder makes a folder whose parent is there. The drive makes a second folder of the same
// name when asked twice, so after a call that failed, perhaps only on its way back, the parent is
// looked at before the next try.
func makeFolder(ctx context.Context, drive *opendrive.Fs, dir string) error {
	p, err := partsOf(drive)
	if err != nil {
		return err
	}
	leaf := path.Base(dir)
	name, err := p.nameOf(leaf)
	if err != nil {
		return err
	}
	folder, err := p.folders.FindDir(ctx, parent(dir), false)
	if err != nil {
		return err
	}
	request := struct {
		Session  string `json:"session_id"`
		Name     string `json:"folder_name"`
		Parent   string `json:"folder_sub_parent"`
		IsPublic int    `json:"folder_is_public"`
		Upload   int    `json:"folder_public_upl"`
		Display  int    `json:"folder_public_display"`
		Download int    `json:"folder_public_dnl"`
	}{Session: p.session, Name: name, Parent: folder, IsPublic: max(0, slices.Index([]string{"private", "public", "hidden"}, p.options.Access))}
	for try := 1; ; try++ {
		var response struct {
			ID string `json:"FolderID"`
		}
		again := false
		err := p.pacer.CallNoRetry(func() (bool, error) {
			var err error
			again, err = p.post(ctx, "/folder.json", &request, &response)
			return again, err
		})
		if err == nil {
			p.folders.Put(dir, response.ID)
			return nil
		}
		if !again || try == driveTries {
			return err
		}
		id, found, err := drive.FindLeaf(ctx, folder, leaf)
		if err != nil {
			return err
		}
		if found {
			p.folders.Put(dir, id)
			return nil
		}
	}
}

// makeFolders makes a folder and its parents, as far as they are not there.
func makeFolders(ctx context.Context, drive *opendrive.Fs, dir string) error {
	if dir == "" {
		return drive.Mkdir(ctx, dir)
	}
	folders, err := field[*dircache.DirCache](drive, "dirCache")
	if err != nil {
		return err
	}
	if _, err = folders.FindDir(ctx, dir, false); !errors.Is(err, fs.ErrorDirNotFound) {
		return err
	}
	if err = makeFolders(ctx, drive, parent(dir)); err != nil {
		return err
	}
	return makeFolder(ctx, drive, dir)
}
