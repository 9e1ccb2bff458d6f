package guards

import (
	"context"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
)

// guardChunker makes a file of which a part is missing an error. By default chunker leaves it out of its listings (fail_hard in
// backend/chunker/chunker.go); whoever has set that option has chosen.
func guardChunker(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		if !chosen(config, "fail_hard") {
			config = settled{config, map[string]string{"fail_hard": "true"}}
		}
		return open(ctx, name, root, config)
	}
}
