package core

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/operations"

	"bridge/drive"
	"bridge/fault"
)

var objects = newTable[*keptObject]("object", maxObjects)

// keptObject is an object kept from a listing, so that reading it needs no look-up.
type keptObject struct {
	remote *remote
	// size is the object's when it was kept; some backends (local) look again when it is opened.
	size int64

	// content is all that it has, where that was gathered; let go when it was read.
	content atomic.Pointer[[]byte]

	mu sync.Mutex
	// made is rclone's object; nil until it is wanted where contents can make it.
	made     fs.Object
	contents contents
	at       int
}

// object gives rclone's object.
func (o *keptObject) object() fs.Object {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made == nil {
		o.made, o.contents = o.contents.object(o.at), nil
	}
	return o.made
}

// entry is a file or folder as the caller sees it.
type entry struct {
	// Name is the last component of the path, as callers have it: see names.go.
	Name   string `json:"name"`
	Folder bool   `json:"folder,omitempty"`
	// Size is in bytes, -1 if unknown; 0 for folders.
	Size int64 `json:"size"`
	// ModTimeNs is nanoseconds since 1970, absent if the backend does not know.
	ModTimeNs *int64 `json:"modTimeNs,omitempty"`
	// Hash is in hex, of the type that bridge/open told; empty if unknown.
	Hash string `json:"hash,omitempty"`
	// Unfinished tells that the file's upload is not finished, or was never: it is no empty file.
	Unfinished bool `json:"unfinished,omitempty"`
	// PartialOf tells that the file is what an upload of ours has left, or makes: the name that it was to get, or the beginning of a
	// long one.
	PartialOf string `json:"partialOf,omitempty"`
	// Undecryptable tells that crypt cannot decrypt the name, which is the one on the wrapped remote then; nothing else is
	// known of the entry.
	Undecryptable bool `json:"undecryptable,omitempty"`
	// ID is the backend's for a folder; empty if it has none.
	ID string `json:"id,omitempty"`
	// Stamp tells a file from another one of its name, in this process: by its id, size, time and hash.
	Stamp uint64 `json:"stamp,omitempty"`
	// Object is the handle of a kept object.
	Object uint64 `json:"object,omitempty"`
}

type releaseIn struct {
	Objects []uint64 `json:"objects"`
}

type pathIn struct {
	Remote uint64 `json:"remote"`
	Path   string `json:"path"`
	Call   uint64 `json:"call"`
}

type mkdirIn struct {
	Remote uint64 `json:"remote"`
	Path   string `json:"path"`
	// New tells that the parent is there, that the folder is not, and that nobody else makes it:
	// then it need not be looked for, and others may be made meanwhile.
	New  bool   `json:"new"`
	Call uint64 `json:"call"`
}

type settimeIn struct {
	Object uint64 `json:"object"`
	// ModTimeNs is nanoseconds since 1970.
	ModTimeNs int64  `json:"modTimeNs"`
	Call      uint64 `json:"call"`
}

type objectIn struct {
	Object uint64 `json:"object"`
	Call   uint64 `json:"call"`
}

type moveIn struct {
	Object uint64 `json:"object"`
	// Path is the new path on the same remote; what is there is replaced.
	Path string `json:"path"`
	Call uint64 `json:"call"`
}

func init() {
	register(Prefix+"stat", stat)           // look up one file and keep its object
	register(Prefix+"release", release)     // release kept objects
	register(Prefix+"mkdir", mkdir)         // make a folder and its parents
	register(Prefix+"purge", purge)         // remove a folder and everything in it
	register(Prefix+"delete", deleteObject) // delete a kept object
	register(Prefix+"settime", settime)     // set the modification time of a kept object
	register(Prefix+"move", move)           // move or rename a kept object on its remote
	register(Prefix+"gather", gather)       // download kept objects of one folder in one call, where the backend has such a call
}

// nanoseconds gives a time as nanoseconds since 1970; nil if it is none or an int64 cannot hold it.
func nanoseconds(t time.Time) *int64 {
	if t.Year() < 1678 || t.Year() > 2261 {
		return nil
	}
	ns := t.UnixNano()
	return &ns
}

func stat(_ context.Context, in pathIn) (entry, error) {
	r, ctx, done, err := begin(in.Remote, in.Call)
	if err != nil {
		return entry{}, err
	}
	defer done()
	o, err := drive.Find(ctx, r.fs, standardPath(in.Path))
	if err != nil {
		return entry{}, fault.As(err, in.Path)
	}
	return r.keep(ctx, o)
}

// keep describes an object and gives a handle on it.
func (r *remote) keep(ctx context.Context, o fs.Object) (entry, error) {
	e, err := r.describe(ctx, leafOf(drive.Parent(o.Remote()), o), o)
	if err != nil {
		return e, err
	}
	e.Object, err = r.hold(o, e.Size)
	return e, err
}

// hold gives a handle on an object.
func (r *remote) hold(o fs.Object, size int64) (uint64, error) {
	return r.holdKept(&keptObject{remote: r, made: o, size: size})
}

func (r *remote) holdKept(o *keptObject) (uint64, error) {
	handle, err := objects.add(o)
	if err == nil && r.ctx.Err() != nil {
		// The remote was closed meanwhile, and perhaps too early to see this object.
		_, _ = objects.remove(handle)
		return 0, fault.As(r.ctx.Err(), "")
	}
	return handle, err
}

func release(_ context.Context, in releaseIn) (empty, error) {
	return empty{}, Release(in.Objects)
}

// Release lets go of kept objects; the first error if some are unknown.
func Release(handles []uint64) (first error) {
	for _, handle := range handles {
		if _, err := objects.remove(handle); err != nil && first == nil {
			first = err
		}
	}
	return first
}

type gatherIn struct {
	Remote uint64 `json:"remote"`
	Path   string `json:"path"`
	// Objects are kept ones that are in that folder.
	Objects []uint64 `json:"objects"`
	Call    uint64   `json:"call"`
}

type gatherOut struct {
	// Gathered is how many of them are in memory now, each until it was read once.
	Gathered int `json:"gathered"`
}

func gather(_ context.Context, in gatherIn) (gatherOut, error) {
	r, ctx, done, err := begin(in.Remote, in.Call)
	if err != nil {
		return gatherOut{}, err
	}
	defer done()
	kept := make([]*keptObject, len(in.Objects))
	files := make([]fs.Object, len(in.Objects))
	for at, handle := range in.Objects {
		if kept[at], err = objects.get(handle); err != nil {
			return gatherOut{}, err
		}
		files[at] = kept[at].object()
	}
	contents, err := drive.Gather(ctx, r.fs, standardPath(in.Path), files)
	if err != nil {
		return gatherOut{}, fault.As(err, in.Path)
	}
	out := gatherOut{}
	for at := range contents {
		if contents[at] != nil {
			kept[at].content.Store(&contents[at])
			out.Gathered++
		}
	}
	return out, nil
}

// onPath runs a call that takes a path and answers nothing. It gets the path in rclone's standard encoding.
func onPath(in pathIn, do func(r *remote, ctx context.Context, path string) error) (empty, error) {
	r, ctx, done, err := begin(in.Remote, in.Call)
	if err != nil {
		return empty{}, err
	}
	defer done()
	if err := do(r, ctx, standardPath(in.Path)); err != nil {
		return empty{}, fault.As(err, in.Path)
	}
	return empty{}, nil
}

func mkdir(_ context.Context, in mkdirIn) (empty, error) {
	return onPath(pathIn{in.Remote, in.Path, in.Call}, func(r *remote, ctx context.Context, dir string) error {
		if in.New && dir != "" && drive.Is(r.fs) {
			return drive.MakeFolder(ctx, r.fs, dir)
		}
		// Two creations at once make two folders of one name on OpenDrive.
		select {
		case r.entries <- struct{}{}:
			defer func() { <-r.entries }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if drive.Is(r.fs) {
			return drive.MakeFolders(ctx, r.fs, dir)
		}
		return r.fs.Mkdir(ctx, dir)
	})
}

func purge(_ context.Context, in pathIn) (empty, error) {
	return onPath(in, func(r *remote, ctx context.Context, dir string) error { return operations.Purge(ctx, r.fs, dir) })
}

// onObject runs a call on a kept object.
func onObject[Out any](handle, call uint64, do func(o *keptObject, ctx context.Context) (Out, error)) (out Out, err error) {
	o, err := objects.get(handle)
	if err != nil {
		return out, err
	}
	ctx, done, err := beginCall(o.remote.ctx, call)
	if err != nil {
		return out, err
	}
	defer done()
	if out, err = do(o, ctx); err != nil {
		err = fault.As(err, o.object().Remote())
	}
	return out, err
}

func deleteObject(_ context.Context, in objectIn) (empty, error) {
	return onObject(in.Object, in.Call, func(o *keptObject, ctx context.Context) (empty, error) {
		err := o.object().Remove(ctx)
		if err == nil {
			_, _ = objects.remove(in.Object)
		}
		return empty{}, err
	})
}

type settimeOut struct {
	// ModTimeNs is the time that it has now, which is another where the backend does not take the one that it was to have.
	ModTimeNs *int64 `json:"modTimeNs,omitempty"`
}

func settime(_ context.Context, in settimeIn) (settimeOut, error) {
	return onObject(in.Object, in.Call, func(o *keptObject, ctx context.Context) (settimeOut, error) {
		kept, err := drive.SetTime(ctx, o.remote.fs, o.object(), time.Unix(0, in.ModTimeNs))
		return settimeOut{nanoseconds(kept)}, err
	})
}

// move renames an object; the entry that it gives has a new handle, the old one is released.
func move(_ context.Context, in moveIn) (entry, error) {
	return onObject(in.Object, in.Call, func(o *keptObject, ctx context.Context) (entry, error) {
		moved, err := o.remote.move(ctx, o.object(), standardPath(in.Path))
		if err != nil {
			return entry{}, fault.As(err, in.Path)
		}
		e, err := o.remote.keep(ctx, moved)
		if err == nil {
			_, _ = objects.remove(in.Object)
		}
		return e, err
	})
}

func (r *remote) move(ctx context.Context, o fs.Object, to string) (fs.Object, error) {
	if to == o.Remote() {
		// A copy onto itself would be removed with the original.
		return o, nil
	}
	features := r.fs.Features()
	if features.Move != nil {
		return features.Move(ctx, o, to)
	}
	if features.Copy == nil {
		return nil, fault.New(fault.Unsupported, to, "the backend can neither move nor copy an object")
	}
	copied, err := features.Copy(ctx, o, to)
	if err != nil {
		return nil, err
	}
	return copied, o.Remove(ctx)
}
