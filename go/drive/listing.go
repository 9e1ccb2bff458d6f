package drive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/mmap"

	"bridge/fault"
)

const (
	// chunkBits is how many bits of a place say where it is in its chunk.
	chunkBits = 18
	// maxChunk is how many bytes of entries are kept in one piece of memory.
	maxChunk = 1 << chunkBits
	// minChunk is how many the first piece has: most folders are small.
	minChunk = 2 << 10
	// maxChunks bounds what is kept of one folder to 1 GiB, some twelve million files.
	maxChunks = 1 << 12
)

// Listing is what is in a folder of a drive, in the order of the names, a folder before a file of the same one. It has no
// objects and no maps: an entry takes some 50 bytes more than its name, all of them in memory that Go's collector need not
// look into, and in a large folder outside of Go's heap, which would grow by twice as much. So a folder may have some hundred
// thousand files.
type Listing struct {
	drive *Drive
	// dir is the folder's path below the base, and id what the drive knows it by.
	dir, id string
	chunks  [][]byte
	// spare are chunks of which nothing is used any more.
	spare [][]byte
	// places say where the entries are, with chunkBits for where in its chunk.
	places []uint32
}

// Listed is an entry of a Listing.
type Listed struct {
	// Name is in rclone's standard encoding.
	Name   string
	ID     string
	Folder bool
	// Size is in bytes.
	Size    int64
	ModTime time.Time
	// MD5 is in hex, "" if the drive has none.
	MD5 string
}

// Unfinished tells whether it is a file whose upload is not finished, or was never.
func (l *Listed) Unfinished() bool { return !l.Folder && l.Size == 0 && l.MD5 == "" }

// list lists a folder by its path.
func (d *Drive) list(ctx context.Context, dir string) (*Listing, error) {
	id, err := d.dirs().FindDir(ctx, dir, false)
	if err != nil {
		return nil, err
	}
	l := &Listing{drive: d, dir: dir, id: id}
	if err := d.scan(ctx, id, nil, l); err != nil {
		var refusal *opendrive.Error
		if errors.As(err, &refusal) && refusal.Info.Message == "Folder is already deleted" {
			// rclone's own backend makes it an empty folder, which a backup would take for one that is there.
			return nil, fs.ErrorDirNotFound
		}
		return nil, fmt.Errorf("failed to get folder list: %w", err)
	}
	l.sort()
	l.remember()
	return l, nil
}

// Len is how many entries there are.
func (l *Listing) Len() int { return len(l.places) }

// At gives an entry.
func (l *Listing) At(at int) Listed {
	defer runtime.KeepAlive(l)
	p := l.unpack(l.places[at])
	entry := Listed{Name: string(p.name), ID: string(p.id), Folder: p.kind == aFolder, Size: p.size, ModTime: time.Unix(p.modified, 0)}
	switch p.kind {
	case withMD5:
		entry.MD5 = hex.EncodeToString(p.hash)
	case aFile:
		entry.MD5 = string(p.hash)
	}
	return entry
}

// Object makes rclone's object of a file.
func (l *Listing) Object(at int) fs.Object { return l.objectAs(at, path.Join(l.dir, l.At(at).Name)) }

// objectAs makes the same under another path.
func (l *Listing) objectAs(at int, path string) fs.Object {
	entry := l.At(at)
	// It cannot fail: tune has made one.
	o, _ := newObject(objectFields{
		remote: l.drive.remote, path: path, id: entry.ID, parent: l.id, modTime: entry.ModTime, md5: entry.MD5, size: entry.Size,
	})
	return o
}

// entry makes what rclone's own listing has of an entry.
func (l *Listing) entry(at int) fs.DirEntry {
	entry := l.At(at)
	if !entry.Folder {
		return l.Object(at)
	}
	return fs.NewDir(path.Join(l.dir, entry.Name), entry.ModTime).SetID(entry.ID).SetParentID(l.id)
}

// pieces makes what rclone's own listing has, so many entries at a time.
func (l *Listing) pieces(size int, callback fs.ListRCallback) error {
	for from := 0; from < l.Len(); from += size {
		piece := make(fs.DirEntries, 0, min(size, l.Len()-from))
		for at := from; at < min(from+size, l.Len()); at++ {
			piece = append(piece, l.entry(at))
		}
		if err := callback(piece); err != nil {
			return err
		}
	}
	return nil
}

// remember tells the backend the ids of the folders in it. Of several of one name it is the first one, because their path stands for that;
// one without a name has the path of the folder that it is in.
func (l *Listing) remember() {
	defer runtime.KeepAlive(l)
	last := ""
	for _, place := range l.places {
		p := l.unpack(place)
		if p.kind != aFolder || string(p.name) == last {
			continue
		}
		last = string(p.name)
		l.drive.dirs().Put(path.Join(l.dir, last), string(p.id))
	}
}

// The kinds of entries, as they are packed.
const (
	aFolder = byte(iota)
	// aFile has a hash that is no MD5 in lower-case hex, or none.
	aFile
	// withMD5 has one, packed.
	withMD5
)

// packed is an entry as it is kept, in views of that memory.
type packed struct {
	kind           byte
	name, id, hash []byte
	size, modified int64
}

func (l *Listing) folder(r *folderRecord) error {
	return l.add(&packed{kind: aFolder, name: []byte(l.standard(r.Name)), id: []byte(r.ID), modified: int64(r.DateModified)})
}

func (l *Listing) file(r *fileRecord) error {
	p := &packed{kind: aFile, name: []byte(l.standard(r.Name)), id: []byte(r.ID), size: int64(r.Size), modified: int64(r.DateModified), hash: []byte(r.Hash)}
	if sum, err := hex.DecodeString(r.Hash); err == nil && len(sum) == 16 && strings.ToLower(r.Hash) == r.Hash {
		p.kind, p.hash = withMD5, sum
	}
	return l.add(p)
}

func (l *Listing) standard(name string) string { return l.drive.options.Enc.ToStandardName(name) }

// mark gives what drops all entries that come from now on.
func (l *Listing) mark() (undo func()) {
	places, chunks, used := len(l.places), len(l.chunks), 0
	if chunks > 0 {
		used = len(l.chunks[chunks-1])
	}
	return func() {
		l.spare = append(l.spare, l.chunks[chunks:]...)
		l.places, l.chunks = l.places[:places], l.chunks[:chunks]
		if chunks > 0 {
			l.chunks[chunks-1] = l.chunks[chunks-1][:used]
		}
	}
}

// add packs an entry: its name first, because that is looked at most.
func (l *Listing) add(p *packed) error {
	longest := len(p.name) + len(p.id) + len(p.hash) + 6*binary.MaxVarintLen64
	// A place in a chunk has chunkBits; an entry that is longer than a chunk has one of its own.
	if last := len(l.chunks) - 1; last < 0 || cap(l.chunks[last])-len(l.chunks[last]) < longest || len(l.chunks[last]) >= maxChunk {
		if len(l.chunks) == maxChunks {
			return fault.New(fault.Other, "", fmt.Sprintf("the folder has more than %d entries: move some into folders below it", len(l.places)))
		}
		room := minChunk
		if last >= 0 {
			room = min(2*cap(l.chunks[last]), maxChunk)
		}
		l.chunks = append(l.chunks, l.chunk(max(room, longest)))
	}
	last := len(l.chunks) - 1
	chunk := l.chunks[last]
	//nolint:gosec // a chunk has chunkBits, and there are maxChunks
	l.places = append(l.places, uint32(last<<chunkBits|len(chunk)))
	chunk = appendBytes(chunk, p.name)
	chunk = append(chunk, p.kind)
	chunk = appendBytes(chunk, p.id)
	chunk = binary.AppendVarint(chunk, p.modified)
	switch p.kind {
	case withMD5:
		chunk = append(binary.AppendVarint(chunk, p.size), p.hash...)
	case aFile:
		chunk = appendBytes(binary.AppendVarint(chunk, p.size), p.hash)
	}
	l.chunks[last] = chunk
	return nil
}

// chunk gives memory for entries. That of a large folder lies outside of Go's heap until nobody has the listing any more:
// whoever looks into it keeps the listing alive.
func (l *Listing) chunk(size int) []byte {
	for at, spare := range l.spare {
		if cap(spare) >= size {
			l.spare = slices.Delete(l.spare, at, at+1)
			return spare[:0]
		}
	}
	if size >= maxChunk {
		if memory, err := mmap.Alloc(size); err == nil {
			runtime.AddCleanup(l, func(memory []byte) { _ = mmap.Free(memory) }, memory)
			return memory[:0]
		}
	}
	return make([]byte, 0, size)
}

func appendBytes(to, bytes []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(bytes))), bytes...)
}

// unpack gives the entry at a place.
func (l *Listing) unpack(place uint32) (p packed) {
	rest := l.from(place)
	p.name, rest = cutBytes(rest)
	p.kind, rest = rest[0], rest[1:]
	p.id, rest = cutBytes(rest)
	p.modified, rest = cutNumber(rest)
	switch p.kind {
	case withMD5:
		p.size, rest = cutNumber(rest)
		p.hash = rest[:16]
	case aFile:
		p.size, rest = cutNumber(rest)
		p.hash, _ = cutBytes(rest)
	}
	return p
}

func (l *Listing) from(place uint32) []byte { return l.chunks[place>>chunkBits][place&(maxChunk-1):] }

func cutBytes(from []byte) (bytes, rest []byte) {
	length, n := binary.Uvarint(from)
	return from[n : n+int(length)], from[n+int(length):] //nolint:gosec // it is the length of what was packed
}

func cutNumber(from []byte) (number int64, rest []byte) {
	number, n := binary.Varint(from)
	return number, from[n:]
}

// sort puts the entries into the order of their names, a folder before a file, and else as the drive has them. What came on two pages,
// because the folder has changed meanwhile, is there once then.
func (l *Listing) sort() {
	defer runtime.KeepAlive(l)
	slices.SortFunc(l.places, func(a, b uint32) int {
		nameA, restA := cutBytes(l.from(a))
		nameB, restB := cutBytes(l.from(b))
		return cmp.Or(bytes.Compare(nameA, nameB), cmp.Compare(min(restA[0], aFile), min(restB[0], aFile)), cmp.Compare(a, b))
	})
	l.places = slices.CompactFunc(l.places, func(a, b uint32) bool {
		nameA, _ := cutBytes(l.from(a))
		nameB, _ := cutBytes(l.from(b))
		if !bytes.Equal(nameA, nameB) {
			return false
		}
		one, other := l.unpack(a), l.unpack(b)
		return len(one.id) > 0 && (one.kind == aFolder) == (other.kind == aFolder) && bytes.Equal(one.id, other.id)
	})
}
