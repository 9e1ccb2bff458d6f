package guards

import (
	"context"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config/configmap"
)

// combined is a combine that tells what its upstreams cannot. It is used by its address: rclone's cache compares remotes, and a slice cannot be
// compared.
type combined struct {
	guarded
	lacks []string
}

func (c *combined) limits() []string { return c.lacks }

// guardCombine makes uploads get their names when they are complete, wherever one of the upstreams needs that, and tells that two names
// may be one, wherever they are on one of them.
func guardCombine(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := open(ctx, name, root, config)
		if f == nil {
			return nil, err
		}
		upstreams := remotesIn(config, "upstreams")
		for at, upstream := range upstreams {
			_, upstreams[at], _ = strings.Cut(upstream, "=")
		}
		uploadApart(ctx, f, upstreams)
		whole := &combined{before(f), limitsOf(ctx, upstreams)}
		whole.features.CaseInsensitive = foldsAs(ctx, f, upstreams)
		return whole, err
	}
}

// limitsOf gives what upstreams cannot tell of: a sentence each, which names the upstream.
func limitsOf(ctx context.Context, upstreams []string) []string {
	var lacks []string
	for _, upstream := range upstreams {
		// What cannot be opened, the backend has refused.
		if f, err := cache.Get(ctx, upstream); err == nil {
			for _, limit := range Limits(f) {
				lacks = append(lacks, shownRemote(upstream)+": "+limit)
			}
		}
	}
	return lacks
}

// remotesIn gives the remotes that an option lists. What cannot be understood is the backend's to refuse.
func remotesIn(config configmap.Mapper, key string) []string {
	var remotes fs.SpaceSepList
	if value, _ := config.Get(key); value != "" {
		_ = remotes.Set(value)
	}
	return remotes
}

// uploadApart has uploads to a remote get their names when they are complete, if that is needed on one of its upstreams: rclone does
// so only if it is needed on all of them (Mask in fs/features.go).
func uploadApart(ctx context.Context, f fs.Fs, upstreams []string) {
	for _, upstream := range upstreams {
		if u, err := cache.Get(ctx, upstream); err == nil && u.Features().PartialUploads {
			f.Features().PartialUploads = true
		}
	}
}

// foldsAs tells whether two names that differ in case only may be one: on a remote, or on one of its upstreams. rclone says so only if
// they are on all of them (Mask in fs/features.go), and a restore would write both files into one.
func foldsAs(ctx context.Context, f fs.Fs, upstreams []string) bool {
	return f.Features().CaseInsensitive || slices.ContainsFunc(upstreams, func(upstream string) bool {
		u, err := cache.Get(ctx, upstream)
		return err == nil && u.Features().CaseInsensitive
	})
}
