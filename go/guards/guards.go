package guards

import (
	"context"
	"sync"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
)

// newFs opens a remote of a backend.
type newFs func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error)

// guards are what stands before each backend, by its name.
var guards = map[string]func(newFs) newFs{
	"chunker": guardChunker,
	"combine": guardCombine,
	"hasher":  guardHasher,
	"local":   guardLocal,
	"s3":      guardS3,
	"sftp":    guardSftp,
	"union":   guardUnion,
	"webdav":  guardWebdav,
}

var installed sync.Once

// Install puts the guards before all backends that are linked in. Call it before the first remote is opened.
func Install() {
	installed.Do(func() {
		for name, guard := range guards {
			// An error tells that the backend is not in this build.
			if info, err := fs.Find(name); err == nil {
				info.NewFs = guard(info.NewFs)
			}
		}
	})
}

// guarded is a remote that a guard stands before.
type guarded struct {
	fs.Fs
	features *fs.Features
}

// before gives a remote with features of its own, which are those of the backend.
func before(f fs.Fs) guarded {
	features := *f.Features()
	return guarded{f, &features}
}

func (g guarded) Features() *fs.Features { return g.features }

// Shutdown lets the backend clean up: rclone's cache asks for that when it drops what others have wrapped, and only of what can do so itself.
func (g guarded) Shutdown(ctx context.Context) error {
	if do := g.features.Shutdown; do != nil {
		return do(ctx)
	}
	return nil
}

// limits are those of the backend, where the guard has none of its own.
func (g guarded) limits() []string { return Limits(g.Fs) }

// settled is a configuration in which some values are fixed.
type settled struct {
	configmap.Mapper
	values map[string]string
}

func (s settled) Get(key string) (string, bool) {
	if value, ok := s.values[key]; ok {
		return value, true
	}
	return s.Mapper.Get(key)
}

// chosen tells whether the user has set an option: what else there is are rclone's defaults.
func chosen(config configmap.Mapper, key string) bool {
	switch config := config.(type) {
	case *configmap.Map:
		value, ok := config.GetPriority(key, configmap.PriorityConfig)
		return ok && value != ""
	case settled:
		_, ok := config.values[key]
		return ok || chosen(config.Mapper, key)
	}
	value, ok := config.Get(key)
	return ok && value != ""
}

// limited is a remote that cannot tell of all that is there.
type limited interface {
	// limits gives a sentence for each thing that it cannot.
	limits() []string
}

// Limits are what a remote cannot tell of, or one that it wraps: a sentence each, none if all is well.
func Limits(f fs.Fs) []string {
	for f != nil {
		if f, ok := f.(limited); ok {
			return f.limits()
		}
		unwrap := f.Features().UnWrap
		if unwrap == nil {
			break
		}
		f = unwrap()
	}
	return nil
}
