package drive

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// largeFile is the size in bytes from which on an upload is not begun before it is known to fit.
const largeFile = 100_000_000

// room remembers that the drive does not tell what it has room for.
type room struct {
	mu      sync.Mutex
	unknown bool
}

// accountInfo is what we read of users/info. Its answer holds a secret too, which is not decoded.
type accountInfo struct {
	StorageUsed number
	// MaxStorage and MaxFileSize are MB, or absent. That of the second is not told: it is taken for that of the other limits beside it,
	// MaxStorage and BwMax. Were it bytes, nothing that fits would be refused here, and the drive itself would refuse what does not.
	MaxStorage, MaxFileSize number
}

// fits tells why a large file cannot be on the drive: beyond the largest that the plan allows, or the room that is left.
func (d *Drive) fits(ctx context.Context, size int64) error {
	d.room.mu.Lock()
	unknown := d.room.unknown
	d.room.mu.Unlock()
	if size < largeFile || unknown {
		return nil
	}
	var account accountInfo
	if _, err := d.call(ctx, &rest.Opts{Method: http.MethodGet, Path: "/users/info.json/" + d.id}, nil, &account); err != nil {
		if cancelled(ctx, err) {
			return err
		}
		// It may be refused to users of somebody's account. The upload tells then.
		d.room.mu.Lock()
		defer d.room.mu.Unlock()
		d.room.unknown = true
		return nil
	}
	const mb = 1 << 20
	if limit := int64(account.MaxFileSize) * mb; limit > 0 && size > limit {
		return fault.New(fault.Unsupported, "", fmt.Sprintf("the drive takes files of at most %d MB with this plan, and this one has %d MB", limit/mb, (size+mb-1)/mb))
	}
	free := int64(account.MaxStorage)*mb - int64(account.StorageUsed)
	if account.MaxStorage > 0 && size > free {
		return fault.New(fault.TooLarge, "", fmt.Sprintf("the drive has %d MB left, and the file has %d MB", max(free, 0)/mb, (size+mb-1)/mb))
	}
	return nil
}
