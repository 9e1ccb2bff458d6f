package guards

import (
	"context"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/hash"
)

// guardHasher makes hasher pass on the hashes of what it wraps, and no others. Those that it adds come out of a data base on this
// machine (backend/hasher/object.go): they tell what was sent once, not what the server has. The data base is left alone. Two names may be one
// where they are on what it wraps.
func guardHasher(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := open(ctx, name, root, settled{config, map[string]string{"max_age": "0", "auto_size": "0"}})
		if f == nil {
			return nil, err
		}
		hashless := hashless{before(f)}
		// hasher leaves that out of what it passes on (stubFeatures in backend/hasher/hasher.go): a restore would write two files into one.
		if unwrap := hashless.features.UnWrap; unwrap != nil && unwrap().Features().CaseInsensitive {
			hashless.features.CaseInsensitive = true
		}
		return hashless, err
	}
}

// hashless is a hasher remote without hashes of its own.
type hashless struct{ guarded }

func (h hashless) Hashes() hash.Set {
	if unwrap := h.features.UnWrap; unwrap != nil {
		return unwrap().Hashes()
	}
	return hash.Set(hash.None)
}
