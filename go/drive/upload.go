package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rclone/rclone/backend/crypt"
	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"bridge/fault"
)

// An upload makes these calls:
//
//  1. upload/create_file.json (create): the file is there, empty, and the drive tells whether it knows the content;
//  2. upload/open_file_upload.json (open), which asks for a place for the bytes: only if the drive does not know the content, and the
//     creation gave no place or one that is refused. A file of several chunks asks before, until a smaller one has shown that the
//     place of a creation takes a whole file;
//  3. upload/upload_file_chunk.json (bring.go), once for each chunk;
//  4. upload/close_file_upload.json (close.go), which the drive answers with what it has.
//
// Before: the folder above is looked up unless it is known, and users/info.json (room.go) tells whether a file of 100 MB or more
// fits. Where the name is there already, create is made once more with open_if_exists. Where an answer is lost or lacks something, or the
// drive works on the file for long, file/info.json (records.go) tells what became of it. After: where the close did not take the
// time or the access, file/filesettings.json and file/access.json (times.go) set them. When it fails, what was made is removed.

// cleanupTime bounds what is done after a failed upload to leave nothing behind.
const cleanupTime = 15 * time.Second

// creationTime is how long the drive has for the creation of a file even if the upload is cancelled meanwhile.
const creationTime = 5 * time.Second

// PutFn is a backend's Put.
type PutFn func(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error)

// PutOn gives the Put of a backend. On OpenDrive it is ours: it makes half the calls of the backend's own, sends no
// content that the drive knows, and goes on where a broken connection or a slow drive has left it. When it fails, what
// it made is gone, unless the drive may complete it yet, and it gives no object.
func PutOn(f fs.Fs) PutFn {
	if crypted, ok := f.(*crypt.Fs); ok {
		return putOnCrypt(crypted)
	}
	if between, ok := f.(*ciphertext); ok {
		return PutOn(between.Fs)
	}
	remote, ok := f.(*opendrive.Fs)
	if !ok {
		return f.Put
	}
	return func(ctx context.Context, in io.Reader, src fs.ObjectInfo, _ ...fs.OpenOption) (fs.Object, error) {
		d, err := of(remote)
		if err != nil {
			return nil, err
		}
		stored, err := d.put(ctx, in, src)
		if err != nil {
			return nil, err
		}
		return stored, nil
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
		if owner, fieldErr := cryptOf(o); fieldErr == nil {
			*owner = crypted
		}
		return o, err
	}
}

// upload is a file on its way to the drive.
type upload struct {
	*Drive
	path, folder, name string
	size               int64
	// modTime is the nearest time that the drive takes.
	modTime time.Time
	in      io.Reader
	hasher  *hash.MultiHasher
	// id is the file's, once it is there under its name.
	id string
	// location is where the chunks go; opened tells that it was asked for, and not come with the creation.
	location string
	opened   bool
	// known tells that the drive has that content already, somewhere.
	known bool
	// created tells that the file was made by this upload, so that it is removed if that fails.
	created bool
	// closing tells that the drive may complete the file whatever is done here.
	closing bool
}

func (d *Drive) put(ctx context.Context, in io.Reader, src fs.ObjectInfo) (*opendrive.Object, error) {
	leaf, folder, err := d.dirs().FindPath(ctx, src.Remote(), true)
	if err != nil {
		return nil, err
	}
	name, err := d.stored(leaf)
	if err != nil {
		return nil, err
	}
	if err := d.fits(ctx, src.Size()); err != nil {
		return nil, err
	}
	hasher, err := hash.NewMultiHasherTypes(hash.NewHashSet(hash.MD5))
	if err != nil {
		return nil, err
	}
	u := &upload{
		Drive: d, path: src.Remote(), folder: folder, name: name, size: src.Size(), modTime: nearest(src.ModTime(ctx)),
		in: io.TeeReader(in, hasher), hasher: hasher,
	}
	stored, err := u.run(inFolder(ctx, folder))
	if err != nil {
		u.abandon(ctx)
		return nil, err
	}
	return newObject(objectFields{
		remote: d.remote, path: u.path, id: u.id, parent: folder, modTime: time.Unix(int64(*stored.DateModified), 0),
		md5: strings.ToLower(*stored.Hash), size: int64(*stored.Size),
	})
}

// run brings the file to the drive, and gives what the drive says of it then.
func (u *upload) run(ctx context.Context) (*record, error) {
	if u.size > wholeFile {
		defer shareMemory()()
	}
	// Before the first bytes are here nothing is made.
	first, err := u.next(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer first.release()
	if err := u.create(ctx); err != nil {
		return nil, err
	}
	stored, err := u.bring(ctx, first)
	if err != nil {
		return nil, err
	}
	return u.settle(ctx, stored)
}

// next takes in the chunk that begins at an offset.
func (u *upload) next(ctx context.Context, offset int64) (*chunk, error) {
	if u.size <= wholeFile {
		return smallChunk(u.in, u.size)
	}
	return largeChunk(ctx, u.in, chunkSize(int64(u.options.ChunkSize), u.size-offset))
}

// sum is the MD5 of what was taken in.
func (u *upload) sum() string {
	sum, _ := u.hasher.SumString(hash.MD5, false)
	return sum
}

// creation is the answer to create_file.
type creation struct {
	record
	Location text   `json:"TempLocation"`
	HashOnly number `json:"RequireHashOnly"`
}

// create makes the file, or finds the one that has its name: that keeps its content until the upload is complete.
func (u *upload) create(ctx context.Context) error {
	request := struct {
		Session string `json:"session_id"`
		Folder  string `json:"folder_id"`
		Name    string `json:"file_name"`
		Size    int64  `json:"file_size"`
		Hash    string `json:"file_hash,omitempty"`
		Open    int    `json:"open_if_exists,omitempty"`
	}{Session: u.Drive.id, Folder: u.folder, Name: u.name, Size: u.size}
	if u.size <= wholeFile {
		request.Hash = u.sum()
	}
	// The drive makes the file also for somebody who does not wait for the answer, and only that tells what to remove.
	ctx, cancel := atLeast(ctx, creationTime)
	defer cancel()
	var answer creation
	calls, err := u.post(ctx, "/upload/create_file.json", &request, &answer)
	u.created = err == nil
	if statusOf(err) == http.StatusConflict {
		request.Open = 1
		answer = creation{}
		_, openErr := u.post(ctx, "/upload/create_file.json", &request, &answer)
		switch {
		case openErr == nil:
			// What is empty and was not there at first was made by ourselves, and the answer was lost.
			u.created = calls > 1 && answer.holds(0, "")
		case statusOf(openErr) == http.StatusConflict || statusOf(openErr) == http.StatusBadRequest:
			return u.findExisting(ctx, calls > 1, err)
		default:
			return openErr
		}
		err = nil
	}
	if err != nil {
		return err
	}
	if answer.ID == "" {
		return fault.New(fault.Other, "", "the drive made a file and does not tell its id")
	}
	u.id = string(answer.ID)
	u.location, u.known = string(answer.Location), answer.HashOnly != 0 && request.Hash != ""
	return sameName(u.name, answer.Name)
}

// atLeast gives a context that a cancelled one does not end before some time is over.
func atLeast(ctx context.Context, least time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	begun := time.Now()
	stop := context.AfterFunc(ctx, func() {
		_ = pause(longer, least-time.Since(begun))
		cancel()
	})
	return longer, func() {
		stop()
		cancel()
	}
}

// findExisting looks for the file that is in the way of a new one.
func (u *upload) findExisting(ctx context.Context, repeated bool, conflict error) error {
	found, err := Find(ctx, u.remote, u.path)
	if errors.Is(err, fs.ErrorObjectNotFound) {
		return conflict
	}
	if err != nil {
		return err
	}
	u.id = ID(found)
	u.created = repeated && Unfinished(found)
	return nil
}

// open asks for a place for the chunks.
func (u *upload) open(ctx context.Context) error {
	request := struct {
		Session string `json:"session_id"`
		File    string `json:"file_id"`
		Size    int64  `json:"file_size"`
	}{u.Drive.id, u.id, u.size}
	var answer creation
	if _, err := u.post(ctx, "/upload/open_file_upload.json", &request, &answer); err != nil {
		return err
	}
	u.location, u.opened = string(answer.Location), true
	return nil
}

// settle makes time and access of a file that is complete as they should be, where the drive does not say that they
// are, and asks once more for what it does not say or what is not as it was sent. Whoever called compares.
func (u *upload) settle(ctx context.Context, stored *record) (*record, error) {
	if stored.ID != "" {
		u.id = string(stored.ID)
	}
	u.fresh.add(u.id)
	if err := sameName(u.name, stored.Name); err != nil {
		u.closing = false
		return nil, err
	}
	// From here on it is the file that was sent, and stays, unless the drive tells of other bytes.
	u.closing = stored.Hash == nil || *stored.Hash == "" || stored.holds(u.size, u.sum())
	timed := stored.DateModified != nil && int64(*stored.DateModified) == u.modTime.Unix()
	seen := stored.Access != nil && int(*stored.Access) == u.access()
	if stored.Access == nil && u.created && u.access() == 0 {
		// A new file is private.
		seen = true
	}
	if !timed || !seen {
		later, err := u.settings(ctx, u.id, u.modTime)
		if err != nil {
			return nil, err
		}
		if later != nil {
			stored.merge(later)
			if !timed && later.DateModified == nil {
				kept := number(u.modTime.Unix())
				stored.DateModified = &kept
			}
		}
		if !seen && (stored.Access == nil || int(*stored.Access) != u.access()) {
			if err := u.setAccess(ctx, u.id); err != nil {
				return nil, err
			}
		}
	}
	if stored.DateModified == nil || !stored.holds(u.size, u.sum()) {
		later, err := u.info(ctx, u.id)
		if err != nil {
			return nil, err
		}
		stored.merge(later)
	}
	// Of a file that has bytes an empty hash is none: nobody could compare what was stored. Another upload may be told.
	if stored.Size == nil || stored.DateModified == nil || stored.Hash == nil || (u.size > 0 && *stored.Hash == "") {
		return nil, &fault.Error{Kind: fault.Other, Message: "the drive does not tell what it stored", Retry: true}
	}
	return stored, nil
}

// abandon removes what a failed upload made, and only that.
func (u *upload) abandon(ctx context.Context) {
	if !u.created || u.closing || u.id == "" {
		return
	}
	// The upload was perhaps cancelled, which must not keep the rubbish in place.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	made, err := newObject(objectFields{remote: u.remote, path: u.path, id: u.id})
	if err == nil {
		err = made.Remove(ctx)
	}
	if err != nil && fault.As(err, "").Kind != fault.NotFound {
		fs.Errorf(nil, "%s: failed to remove what is left of a failed upload: %s", fmt.Sprintf("%q", u.path), fault.Message(err))
	}
}
