package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// dirs gives the folders whose ids are known.
func (d *Drive) dirs() *dircache.DirCache { return *d.folders }

// finder finds and makes folders for the backend's cache of them. The backend's own has the whole listing of the parent in
// memory, with all its files, and makes a folder a second time when the answer to the first try is lost.
type finder struct{ *Drive }

func (f finder) FindLeaf(ctx context.Context, parent, leaf string) (id string, found bool, err error) {
	there, err := f.folderNamesakes(ctx, parent, f.named(leaf))
	if err != nil {
		return "", false, fmt.Errorf("failed to get folder list: %w", err)
	}
	return there.id(), there.id() != "", nil
}

func (f finder) CreateDir(ctx context.Context, parent, leaf string) (string, error) {
	return f.createFolder(ctx, parent, leaf)
}

// Parent is the folder of a path, "" for the base.
func Parent(p string) string {
	dir := path.Dir(p)
	if dir == "." {
		return ""
	}
	return dir
}

// MakeFolder makes a folder of a remote that is an OpenDrive one. Its parent is there, the folder is not, and nobody else makes it.
func MakeFolder(ctx context.Context, f fs.Fs, dir string) error {
	d, err := of(f.(*opendrive.Fs))
	if err != nil {
		return err
	}
	return d.makeFolder(ctx, dir)
}

// MakeFolders makes a folder of a remote that is an OpenDrive one, and its parents, as far as they are not there.
func MakeFolders(ctx context.Context, f fs.Fs, dir string) error {
	d, err := of(f.(*opendrive.Fs))
	if err != nil {
		return err
	}
	return d.makeFolders(ctx, dir)
}

// makeFolder makes a folder whose parent is there.
func (d *Drive) makeFolder(ctx context.Context, dir string) error {
	parent, err := d.dirs().FindDir(ctx, Parent(dir), false)
	if err != nil {
		return err
	}
	id, err := d.createFolder(ctx, parent, path.Base(dir))
	if err == nil {
		d.dirs().Put(dir, id)
	}
	return err
}

// createFolder makes a folder in the one of an id. The drive can make a second folder of the same name when asked
// twice, so after a call that failed, perhaps only on its way back, the parent is looked at before the next try.
func (d *Drive) createFolder(ctx context.Context, parent, leaf string) (string, error) {
	name, err := d.stored(leaf)
	if err != nil {
		return "", err
	}
	request := struct {
		Session  string `json:"session_id"`
		Name     string `json:"folder_name"`
		Parent   string `json:"folder_sub_parent"`
		IsPublic int    `json:"folder_is_public"`
		Upload   int    `json:"folder_public_upl"`
		Display  int    `json:"folder_public_display"`
		Download int    `json:"folder_public_dnl"`
	}{Session: d.id, Name: name, Parent: parent, IsPublic: d.access()}
	ctx = inFolder(ctx, parent)
	for try := 1; ; try++ {
		var response struct {
			ID   text    `json:"FolderID"`
			Name *string `json:"Name"`
		}
		mayPass := false
		err := d.pacer.CallNoRetry(func() (bool, error) {
			var err error
			mayPass, err = d.attempt(ctx, &rest.Opts{Method: http.MethodPost, Path: "/folder.json"}, &request, &response)
			return mayPass, err
		})
		if err == nil {
			// A folder of another name stays: it may have been there before.
			if err := sameName(name, response.Name); err != nil {
				return "", err
			}
			id := string(response.ID)
			if id == "" {
				// It may be there all the same.
				there, err := d.folderNamesakes(ctx, parent, d.named(leaf))
				if err != nil {
					return "", err
				}
				if id = there.id(); id == "" {
					return "", fault.New(fault.Other, "", "the drive made a folder and does not tell its id")
				}
			}
			d.fresh.add(id)
			return id, nil
		}
		// Somebody else may have made it meanwhile.
		conflict := statusOf(err) == http.StatusConflict
		if !conflict && (!mayPass || try == driveTries) {
			return "", err
		}
		there, lookErr := d.namesakes(ctx, parent, d.named(leaf))
		switch {
		case lookErr != nil:
			return "", lookErr
		case there.id() != "":
			return there.id(), nil
		case conflict:
			return "", err
		}
	}
}

// makeFolders makes a folder and its parents, as far as they are not there.
func (d *Drive) makeFolders(ctx context.Context, dir string) error {
	if dir == "" {
		return d.makeBase(ctx)
	}
	if _, err := d.dirs().FindDir(ctx, dir, false); !errors.Is(err, fs.ErrorDirNotFound) {
		return err
	}
	if err := d.makeFolders(ctx, Parent(dir)); err != nil {
		return err
	}
	return d.makeFolder(ctx, dir)
}

func (d *Drive) makeBase(ctx context.Context) error {
	if !d.dirs().FoundRoot() && *d.root != "" {
		id, missing, _, err := d.locate(ctx, *d.root)
		for _, leaf := range missing {
			if err == nil {
				id, err = d.createFolder(ctx, id, leaf)
			}
		}
		if err != nil {
			return err
		}
		d.dirs().Put(*d.root, id)
	}
	return d.dirs().FindRoot(ctx, false)
}
