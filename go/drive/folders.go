package drive

import (
	"context"
	"errors"
	"path"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/dircache"
)

// Remember tells the backend again which folder was listed: it takes a nameless one in it for the
// folder itself, because they have one path.
func Remember(f fs.Fs, dir string, nameless fs.DirEntry) error {
	drive, ok := f.(*opendrive.Fs)
	if !ok {
		return nil
	}
	folders, err := field[*dircache.DirCache](drive, "dirCache")
	if d, ok := nameless.(fs.ParentIDer); ok && err == nil {
		folders.Put(dir, d.ParentID())
	}
	return err
}

// Parent is the folder of a path, "" for the base.
func Parent(p string) string {
	dir := path.Dir(p)
	if dir == "." {
		return ""
	}
	return dir
}

// Is tells whether a remote is an OpenDrive one itself, not one that something wraps.
func Is(f fs.Fs) bool {
	_, ok := f.(*opendrive.Fs)
	return ok
}

// MakeFolder makes a folder of a remote that is an OpenDrive one. Its parent is there, the folder is not, and nobody else makes it.
func MakeFolder(ctx context.Context, f fs.Fs, dir string) error {
	return makeFolder(ctx, f.(*opendrive.Fs), dir)
}

// MakeFolders makes a folder of a remote that is an OpenDrive one, and its parents, as far as they are not there.
func MakeFolders(ctx context.Context, f fs.Fs, dir string) error {
	return makeFolders(ctx, f.(*opendrive.Fs), dir)
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
	name, err := p.stored(leaf)
	if err != nil {
		return err
	}
	folder, err := p.folders.FindDir(ctx, Parent(dir), false)
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
	}{Session: p.session, Name: name, Parent: folder, IsPublic: p.access()}
	for try := 1; ; try++ {
		var response struct {
			ID string `json:"FolderID"`
		}
		mayPass := false
		err := p.pacer.CallNoRetry(func() (bool, error) {
			var err error
			mayPass, err = p.post(ctx, "/folder.json", &request, &response)
			return mayPass, err
		})
		if err == nil {
			p.folders.Put(dir, response.ID)
			return nil
		}
		if !mayPass || try == driveTries {
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
	folders, err := field[*dircache.DirCache](drive, "dirCache")
	if err != nil {
		return err
	}
	if dir == "" {
		if folders.FoundRoot() || drive.Root() == "" {
			return folders.FindRoot(ctx, false)
		}
		// The base is looked for and made as a folder of the same drive seen from its top.
		top := *drive
		all := dircache.New("", "0", &top)
		if err = set(&top, "root", ""); err == nil {
			err = set(&top, "dirCache", all)
		}
		if err == nil {
			err = makeFolders(ctx, &top, drive.Root())
		}
		if err != nil {
			return err
		}
		if id, known := all.Get(drive.Root()); known {
			folders.Put(drive.Root(), id)
		}
		return folders.FindRoot(ctx, false)
	}
	if _, err = folders.FindDir(ctx, dir, false); !errors.Is(err, fs.ErrorDirNotFound) {
		return err
	}
	if err = makeFolders(ctx, drive, Parent(dir)); err != nil {
		return err
	}
	return makeFolder(ctx, drive, dir)
}
