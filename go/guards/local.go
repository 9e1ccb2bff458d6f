package guards

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/config/configstruct"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/lib/encoder"
	"golang.org/x/text/unicode/norm"
)

// guardLocal makes an error of what may not be read. The local backend gives an empty folder in the place of one that may not be opened, and
// leaves out what it may not look at (List in backend/local/local.go): it counts that beside the listing, for rclone's commands, which fail
// then. Nobody else hears of it.
func guardLocal(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := open(ctx, name, root, config)
		inner, ok := f.(*local.Fs)
		if !ok {
			return f, err
		}
		var options local.Options
		if optionsErr := configstruct.Set(config, &options); optionsErr != nil {
			return nil, optionsErr
		}
		return localRemote{before(inner), options.Enc, options.UTFNorm}, err
	}
}

// localRemote is a local remote that tells what it cannot list.
type localRemote struct {
	guarded
	encoding encoder.MultiEncoder
	// composed tells that names are listed with their accents composed, whatever they are on the disk.
	composed bool
}

func (l localRemote) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := l.Fs.List(ctx, dir)
	at := l.place(dir)
	if errors.Is(err, fs.ErrorDirNotFound) {
		// It says so of one that it may not ask for, too.
		if _, statErr := os.Stat(at); statErr != nil && !isGone(statErr) {
			return nil, statErr
		}
	}
	if err != nil {
		return nil, err
	}
	found, err := os.ReadDir(at)
	if err != nil && !isGone(err) {
		// What was left out is not known then.
		return nil, err
	}
	if len(found) <= len(entries) {
		return entries, nil
	}
	return append(entries, l.leftOut(ctx, dir, at, found, entries)...), nil
}

// place is where a folder is on this machine.
func (l localRemote) place(dir string) string {
	root := filepath.FromSlash(l.Root())
	// On Windows it has the colon of a disk, which the encoding would quote.
	volume := filepath.VolumeName(root)
	parts := strings.Split(filepath.ToSlash(root[len(volume):]), "/")
	above := true
	for at, part := range parts {
		// A base that is named from where this process is may begin with dots, which rclone tells as if they were a name.
		if above = above && (part == "．" || part == "．．"); above {
			parts[at] = strings.ReplaceAll(part, "．", ".")
		} else {
			parts[at] = l.encoding.FromStandardName(part)
		}
	}
	return filepath.Join(volume+filepath.FromSlash(strings.Join(parts, "/")), filepath.FromSlash(l.encoding.FromStandardPath(dir)))
}

// remoteOf gives the path by which something in a folder is listed.
func (l localRemote) remoteOf(dir, name string) string {
	if l.composed {
		name = norm.NFC.String(name)
	}
	return path.Join(dir, l.encoding.ToStandardName(name))
}

// linkKinds are what the local backend takes for a link: on Windows also what is irregular, a junction for example.
const linkKinds = os.ModeSymlink | os.ModeIrregular

// leftOut gives what is in a folder and not in its listing because it may not be looked at, as entries that nobody can read, and counts what
// is neither a file nor a folder. The folder is dir to rclone, and at on this machine.
func (l localRemote) leftOut(ctx context.Context, dir, at string, found []os.DirEntry, listed fs.DirEntries) (unread fs.DirEntries) {
	told := make(map[string]bool, len(listed))
	for _, entry := range listed {
		told[entry.Remote()] = true
	}
	counter, _ := ctx.Value(leftOutKey{}).(*leftOutCounter)
	for _, item := range found {
		remote, kind := l.remoteOf(dir, item.Name()), item.Type()
		switch {
		case told[remote], kind&linkKinds != 0 && told[remote+fs.LinkSuffix]:
		case kind.IsRegular(), kind.IsDir():
			_, err := os.Lstat(filepath.Join(at, item.Name()))
			switch {
			case err == nil || isGone(err):
				// It came meanwhile, or went, or the user wants no other file systems.
			case kind.IsDir():
				unread = append(unread, fs.NewDir(remote, time.Time{}))
			default:
				unread = append(unread, unreadFile{object.NewMemoryObject(remote, time.Time{}, nil).SetFs(l), err})
			}
		case counter != nil:
			counter.add(kind, item.Name())
		}
	}
	return unread
}

// isGone tells whether an error is that nothing is there.
func isGone(err error) bool {
	return errors.Is(err, iofs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// unreadFile is a file of which nothing can be learned: whoever reads it gets the reason.
type unreadFile struct {
	*object.MemoryObject
	reason error
}

func (u unreadFile) Size() int64 { return -1 }

func (u unreadFile) Hash(context.Context, hash.Type) (string, error) { return "", u.reason }

func (u unreadFile) Open(context.Context, ...fs.OpenOption) (io.ReadCloser, error) {
	return nil, u.reason
}

// LeftOut counts what is in a folder and no listing tells of: links, unless a local remote is told to follow or to keep them, pipes, sockets
// and devices.
type LeftOut struct {
	Links   int `json:"links,omitempty"`
	Pipes   int `json:"pipes,omitempty"`
	Sockets int `json:"sockets,omitempty"`
	Devices int `json:"devices,omitempty"`
	// Example is the name of one of them.
	Example string `json:"example,omitempty"`
}

type leftOutKey struct{}

type leftOutCounter struct {
	mu    sync.Mutex
	count LeftOut
}

// CountLeftOut gives a context in which local remotes, also those that others wrap, count what they leave out of listings, and how to get
// the count: nil if there is nothing.
func CountLeftOut(ctx context.Context) (context.Context, func() *LeftOut) {
	counter := new(leftOutCounter)
	return context.WithValue(ctx, leftOutKey{}, counter), func() *LeftOut {
		counter.mu.Lock()
		defer counter.mu.Unlock()
		if counter.count.Example == "" {
			return nil
		}
		count := counter.count
		return &count
	}
}

func (c *leftOutCounter) add(kind os.FileMode, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case kind&linkKinds != 0:
		c.count.Links++
	case kind&os.ModeNamedPipe != 0:
		c.count.Pipes++
	case kind&os.ModeSocket != 0:
		c.count.Sockets++
	case kind&os.ModeDevice != 0:
		c.count.Devices++
	default:
		return
	}
	if c.count.Example == "" {
		c.count.Example = name
	}
}
