package guards

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/lib/random"
)

// addresses tells whether a WebDAV server understands the address that a file is to be moved to. WsgiDAV 4.4 takes the quotes off
// before it looks for the parts of the address (its issue 139): it cuts a name at a question mark or a semicolon, and replaces the
// file that has the first part for its name. So before the first move to a name with such a character a small file of ours is moved,
// whose name is nobody's wherever it is cut.
type addresses struct {
	fs fs.Fs

	mu           sync.Mutex
	known, right bool
}

// misread tells whether the server may take the address of a path for another one.
func (a *addresses) misread(ctx context.Context, remote string) bool {
	if odd(a.fs.Root()) {
		// Cut there, the name of our small file could be somebody's.
		return true
	}
	if !odd(remote) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.known {
		a.right, a.known = a.try(ctx)
	}
	return !a.right
}

// try moves a small file, and removes it wherever it is then. Nothing is known if the server cannot be asked.
func (a *addresses) try(ctx context.Context) (right, known bool) {
	move := a.fs.Features().Move
	if move == nil {
		return false, true
	}
	from := ".plakar-opendrive-probe-" + random.String(8)
	to := from + "a?b#c;d%41"
	const text = "plakar-opendrive tries how this server moves files"
	small, err := a.fs.Put(ctx, strings.NewReader(text), object.NewStaticObjectInfo(from, time.Now(), int64(len(text)), true, nil, nil))
	if err != nil {
		return false, false
	}
	moved, err := move(ctx, small, to)
	if err == nil {
		_ = moved.Remove(ctx)
		return true, true
	}
	there := a.remove(ctx, from)
	for at := range to {
		if strings.ContainsAny(to[at:at+1], oddInAddresses) {
			there = a.remove(ctx, to[:at]) || there
		}
	}
	there = a.remove(ctx, to) || there
	return false, there || errors.Is(err, fs.ErrorObjectNotFound)
}

// remove removes a file; true if it was there.
func (a *addresses) remove(ctx context.Context, remote string) bool {
	o, err := a.fs.NewObject(ctx, remote)
	return err == nil && o.Remove(ctx) == nil
}
