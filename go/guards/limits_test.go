package guards

import (
	"context"
	"slices"
	"testing"

	_ "github.com/rclone/rclone/backend/alias"
	_ "github.com/rclone/rclone/backend/combine"
	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/memory"
	_ "github.com/rclone/rclone/backend/union"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config/configmap"
)

// lame is a backend that cannot tell of everything.
type lame struct{ fs.Fs }

func (lame) limits() []string { return []string{"it limps"} }

// Name is what the cache of remotes tells it from the one below by.
func (lame) Name() string { return ":lame" }

func init() {
	fs.Register(&fs.RegInfo{Name: "lame", NewFs: func(ctx context.Context, name, root string, m configmap.Mapper) (fs.Fs, error) {
		f, err := fs.NewFs(ctx, root)
		return lame{f}, err
	}})
}

// What an upstream cannot tell of is missing from what wraps it, too.
func TestLimitsOfWhatIsWrapped(t *testing.T) {
	Install()
	t.Cleanup(cache.Clear)
	dir := t.TempDir()
	for remote, expected := range map[string][]string{
		":lame:" + dir: {"it limps"},
		dir:            nil,
		":union,upstreams=':memory: :lame:" + dir + ":ro':":                 {"lame:" + dir + ": it limps"},
		":combine,upstreams='a=:lame:" + dir + " b=:memory:y':":             {"lame:" + dir + ": it limps"},
		":alias,remote=\":union,upstreams=':memory: :lame:" + dir + "':\":": {"lame:" + dir + ": it limps"},
	} {
		f, err := fs.NewFs(context.Background(), remote)
		if err != nil {
			t.Error(remote, err)
			continue
		}
		if found := Limits(f); !slices.Equal(found, expected) {
			t.Errorf("%s: %q instead of %q", remote, found, expected)
		}
	}
}
