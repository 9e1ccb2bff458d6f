package drive

import (
	"context"
	"sync"

	"github.com/rclone/rclone/fs"
)

// Opening is how a remote is opened, beside what rclone knows of.
type Opening struct {
	// Downloads is how many downloads it may have at once; 0 is the default.
	Downloads int
	// Certain has it opened only if its base is the only folder of its name where it is, where a drive can have two. It costs
	// a listing of the folders beside it.
	Certain bool
}

// downloads is how many downloads there may be at once.
func (o Opening) downloads() int {
	if o.Downloads > 0 {
		return min(o.Downloads, maxDownloads)
	}
	return DefaultDownloads
}

// openings are those that go on, by rclone's configuration in their context. What a remote wraps is opened by rclone's cache in a context of
// its own, into which that alone is taken (Get in fs/cache/cache.go).
var openings sync.Map

// WithOpening gives a context in which a remote, and what it wraps, is opened in a way, until it is told that all is open. The context has a
// configuration of its own.
func WithOpening(ctx context.Context, opening Opening) (_ context.Context, opened func()) {
	ctx, config := fs.AddConfig(ctx)
	openings.Store(config, opening)
	return ctx, func() { openings.Delete(config) }
}

// openingIn is what the context says of that.
func openingIn(ctx context.Context) Opening {
	found, _ := openings.Load(fs.GetConfig(ctx))
	opening, _ := found.(Opening)
	return opening
}
