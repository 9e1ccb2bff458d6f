package core

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"

	"bridge/drive"
	"bridge/fault"
	"bridge/guards"
)

// pieceEntries is how many entries of a folder are told at a time.
const pieceEntries = 500

type listIn struct {
	Remote uint64 `json:"remote"`
	// Path is relative to the remote's base, empty for the base itself.
	Path string `json:"path"`
	// Keep asks for a handle on each object.
	Keep bool   `json:"keep"`
	Call uint64 `json:"call"`
}

type listOut struct {
	// Entries come in the order of their names, a folder before a file of the same one.
	Entries []entry `json:"entries"`
	// More is the stream of those that follow, for bridge/more or RcloneClose; 0 if these are the last.
	More uint64 `json:"more,omitempty"`
	// Count is how many entries there are in all.
	Count int `json:"count"`
	// LeftOut is what is there and cannot be told of; nil if there is nothing.
	LeftOut *guards.LeftOut `json:"leftOut,omitempty"`
}

type moreIn struct {
	Listing uint64 `json:"listing"`
	Call    uint64 `json:"call"`
}

func init() {
	register(Prefix+"list", list) // list a folder, with the objects kept if asked: the first entries, and a stream of the others
	register(Prefix+"more", more) // give the next entries of a folder
}

// contents is what is in a folder, in the order of the names.
type contents interface {
	len() int
	// name is as callers have it.
	name(at int) string
	describe(ctx context.Context, at int) (entry, error)
	// object gives rclone's object of a file.
	object(at int) fs.Object
}

// contents lists a folder.
func (r *remote) contents(ctx context.Context, dir string) (contents, error) {
	listing, entries, undecryptable, err := drive.List(ctx, r.fs, dir)
	if err != nil {
		return nil, err
	}
	if listing != nil {
		return &compactContents{r, listing}, nil
	}
	found := make([]plainEntry, 0, len(entries)+len(undecryptable))
	for _, item := range entries {
		found = append(found, plainEntry{name: leafOf(dir, item), item: item})
	}
	for _, left := range undecryptable {
		found = append(found, plainEntry{name: left.Name, undecryptable: true, folder: left.Folder})
	}
	slices.SortStableFunc(found, func(a, b plainEntry) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.order(), b.order()))
	})
	return &plainContents{r, found}, nil
}

// compactContents are those of an OpenDrive folder.
type compactContents struct {
	remote  *remote
	listing *drive.Listing
}

func (c *compactContents) len() int                { return c.listing.Len() }
func (c *compactContents) name(at int) string      { return shownName(c.listing.At(at).Name) }
func (c *compactContents) object(at int) fs.Object { return c.listing.Object(at) }

func (c *compactContents) describe(_ context.Context, at int) (entry, error) {
	listed := c.listing.At(at)
	e := entry{Name: shownName(listed.Name), ModTimeNs: nanoseconds(listed.ModTime)}
	if listed.Folder {
		e.Folder, e.ID = true, listed.ID
		return e, nil
	}
	e.Size, e.Unfinished, e.PartialOf = listed.Size, listed.Unfinished(), partialOf(e.Name)
	if c.remote.hash == hash.MD5 {
		e.Hash = listed.MD5
	}
	e.stamp(listed.ID)
	return e, nil
}

// stamp is called when all else is known of a file.
func (e *entry) stamp(id string) {
	digest := fnv.New64a()
	modTime := int64(0)
	if e.ModTimeNs != nil {
		modTime = *e.ModTimeNs
	}
	_, _ = fmt.Fprint(digest, id, " ", e.Size, " ", modTime, " ", e.Hash)
	e.Stamp = digest.Sum64()
}

// plainContents are those of a folder of any other backend.
type plainContents struct {
	remote  *remote
	entries []plainEntry
}

type plainEntry struct {
	name string
	// item is nil for what cannot be decrypted.
	item                  fs.DirEntry
	undecryptable, folder bool
}

// order tells what comes first under one name.
func (p *plainEntry) order() int {
	if _, isObject := p.item.(fs.Object); isObject || p.undecryptable {
		return 1
	}
	return 0
}

func (p *plainContents) len() int           { return len(p.entries) }
func (p *plainContents) name(at int) string { return p.entries[at].name }

func (p *plainContents) object(at int) fs.Object {
	o, _ := p.entries[at].item.(fs.Object)
	return o
}

func (p *plainContents) describe(ctx context.Context, at int) (entry, error) {
	found := p.entries[at]
	if found.undecryptable {
		return entry{Name: found.name, Folder: found.folder, Undecryptable: true}, nil
	}
	return p.remote.describe(ctx, found.name, found.item)
}

// leafOf gives the name that callers have for an entry of the folder dir.
func leafOf(dir string, item fs.DirEntry) string {
	name := item.Remote()
	if dir != "" {
		// Without a name of its own it has the path of the folder, and must not pass for something in it.
		below := false
		if name, below = strings.CutPrefix(name, dir+"/"); !below {
			name = ""
		}
	}
	return shownName(name)
}

// describe gives what the caller sees of an entry.
func (r *remote) describe(ctx context.Context, name string, item fs.DirEntry) (entry, error) {
	e := entry{Name: name}
	modTime := item.ModTime(ctx)
	o, isObject := item.(fs.Object)
	// To a folder without a time rclone gives --default-time (Dir.ModTime in fs/dir.go): that is no
	// fact about the folder.
	if isObject || !modTime.Equal(time.Time(fs.GetConfig(ctx).DefaultTime)) {
		e.ModTimeNs = nanoseconds(modTime)
	}
	if !isObject {
		e.Folder = true
		if d, ok := item.(fs.IDer); ok {
			e.ID = d.ID()
		}
		return e, nil
	}
	e.Size, e.Unfinished, e.PartialOf = o.Size(), drive.Unfinished(o), partialOf(name)
	// compress has none for what is not complete: that would be an error of the whole folder.
	if r.hash != hash.None && e.PartialOf == "" {
		sum, err := o.Hash(ctx, r.hash)
		if failure := hashFailure(ctx, err, item.Remote()); failure != nil {
			return e, failure
		}
		if err == nil {
			e.Hash = sum
		}
	}
	e.stamp(drive.ID(o))
	return e, nil
}

// hashFailure is why nothing can be told of a folder if the hash of a file in it cannot be had: the caller gave up, or the whole remote is
// away or refuses. What else there may be is about that file alone, which S3 asks for by a call of its own where it came in parts: it has no
// hash then, and reading it asks again, and fails for itself.
func hashFailure(ctx context.Context, err error, path string) error {
	if err == nil {
		return nil
	}
	failure := fault.As(err, path)
	switch failure.Kind {
	case fault.Cancelled, fault.Away, fault.Authentication, fault.RateLimited, fault.Timeout, fault.VolumeUsedUp:
		return failure
	}
	if ctx.Err() != nil || failure.Retry {
		return failure
	}
	return nil
}

func list(_ context.Context, in listIn) (listOut, error) {
	r, ctx, done, err := begin(in.Remote, in.Call)
	if err != nil {
		return listOut{}, err
	}
	defer done()
	dir := standardPath(in.Path)
	ctx, leftOut := guards.CountLeftOut(ctx)
	found, err := r.contents(ctx, dir)
	if err != nil {
		return listOut{}, fault.As(err, in.Path)
	}
	teller := &teller{remote: r, contents: found, keep: in.Keep}
	out := listOut{Count: found.len(), LeftOut: leftOut()}
	if out.Entries, err = teller.next(ctx); err != nil || teller.told == found.len() {
		return out, err
	}
	if out.More, err = streams.add(teller); err != nil {
		releaseEntries(out.Entries)
	} else if err = r.ctx.Err(); err != nil {
		// The remote was closed meanwhile, and perhaps too early to see this stream.
		_ = CloseStream(out.More)
	}
	return out, err
}

func more(_ context.Context, in moreIn) (listOut, error) {
	s, err := streams.get(in.Listing)
	if err != nil {
		return listOut{}, err
	}
	t, ok := s.(*teller)
	if !ok {
		return listOut{}, fault.New(fault.Handle, "", fmt.Sprintf("stream handle %d is not a listing", in.Listing))
	}
	ctx, done, err := beginCall(t.remote.ctx, in.Call)
	if err != nil {
		return listOut{}, err
	}
	defer done()
	out := listOut{Count: t.contents.len(), More: in.Listing}
	if out.Entries, err = t.next(ctx); err != nil {
		return listOut{}, err
	}
	if t.ended() {
		out.More = 0
		_, _ = streams.remove(in.Listing)
	}
	return out, nil
}

// teller tells of what is in a folder, piece by piece. It is a stream, for RcloneClose and the end of its remote.
type teller struct {
	remote   *remote
	keep     bool
	contents contents

	mu   sync.Mutex
	told int
}

func (t *teller) on(other *remote) bool { return t.remote == other }
func (t *teller) close()                {}

func (t *teller) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.told == t.contents.len()
}

// next gives the next entries, none at the end.
func (t *teller) next(ctx context.Context) ([]entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := min(pieceEntries, t.contents.len()-t.told)
	entries := make([]entry, 0, count)
	for at := t.told; at < t.told+count; at++ {
		e, err := t.contents.describe(ctx, at)
		if err == nil && t.keep && !e.Folder && !e.Undecryptable {
			e.Object, err = t.remote.holdKept(&keptObject{remote: t.remote, size: e.Size, contents: t.contents, at: at})
		}
		if err != nil {
			releaseEntries(entries)
			return nil, err
		}
		entries = append(entries, e)
	}
	t.told += count
	return entries, nil
}

func releaseEntries(entries []entry) {
	for _, e := range entries {
		if e.Object != 0 {
			_, _ = objects.remove(e.Object)
		}
	}
}
