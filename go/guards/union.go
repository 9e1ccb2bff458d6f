package guards

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/fspath"

	"bridge/fault"
)

// guardUnion makes an upstream that cannot be listed or asked an error. union lists what the others have (List in
// backend/union/union.go), and says of a file that none of them has that it is not there (NewObject), so that a disk that is not mounted, or a server that is away, looks like one on which nothing is left. The base of each upstream
// has to be there when the union is opened; below it a folder need not be everywhere. A folder that an upstream has under the name of another
// one's file, or the other way round, union leaves out (wrapEntries): both are listed here. Two names may be one, wherever they are on one of
// the upstreams.
func guardUnion(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		upstreams := upstreamsOf(config)
		for at, upstream := range upstreams {
			if err := watch(ctx, upstream, root); err != nil {
				failure := *fault.As(err, "")
				if failure.Kind == fault.NotFound {
					// The base of the union is another matter, and may be missing.
					failure.Kind = fault.Other
				}
				failure.Message = fmt.Sprintf("upstream %d of %d of the union (%s) cannot be listed: %s; make it reachable, or take it out of the option \"upstreams\"",
					at+1, len(upstreams), shownRemote(upstream), failure.Message)
				return nil, &failure
			}
		}
		f, err := open(ctx, name, root, config)
		if f == nil {
			return nil, err
		}
		uploadApart(ctx, f, upstreams)
		whole := &wholeUnion{before(f), limitsOf(ctx, upstreams)}
		whole.features.CaseInsensitive = foldsAs(ctx, f, upstreams)
		return whole, err
	}
}

// upstreamsOf gives the remotes of a union, without what may be done to each.
func upstreamsOf(config configmap.Mapper) []string {
	remotes := remotesIn(config, "upstreams")
	if len(remotes) == 0 {
		remotes = remotesIn(config, "remotes")
	}
	upstreams := make([]string, 0, len(remotes))
	for _, remote := range remotes {
		// The mode is looked for behind the name, which has a colon too: drive:ro is a folder.
		if name, path, err := fspath.SplitFs(remote); err == nil {
			for _, mode := range []string{":ro", ":nc", ":writeback"} {
				if before, found := strings.CutSuffix(path, mode); found {
					remote = name + before
					break
				}
			}
		}
		upstreams = append(upstreams, remote)
	}
	return upstreams
}

// watch lists an upstream, and has the union find one that takes note of calls that fail.
func watch(ctx context.Context, upstream, root string) error {
	base, err := cache.Get(ctx, upstream)
	if err != nil {
		return err
	}
	if _, err := base.List(ctx, ""); err != nil {
		return err
	}
	// The union takes it from there, by this name.
	full := fspath.JoinRootPath(upstream, strings.Trim(root, "/"))
	f, err := cache.Get(ctx, full)
	if _, ok := f.(watched); ok || f == nil || err != nil {
		// What a file is, the union finds out; any other error comes again there.
		return nil
	}
	cache.Put(full, watched{before(f)})
	return nil
}

// shownRemote gives what tells a remote from others without the options that may be written out in it.
func shownRemote(remote string) string {
	parsed, err := fspath.Parse(remote)
	if err != nil || parsed.Name == "" {
		return fault.Redact(remote)
	}
	return strings.TrimPrefix(parsed.Name, ":") + ":" + parsed.Path
}

// watched is an upstream that takes note of calls that fail.
type watched struct{ guarded }

func (w watched) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := w.Fs.List(ctx, dir)
	note(ctx, err)
	if noted, ok := ctx.Value(notedKey{}).(*notedCall); ok {
		noted.mu.Lock()
		defer noted.mu.Unlock()
		noted.entries = append(noted.entries, entries...)
	}
	return entries, err
}

func (w watched) NewObject(ctx context.Context, path string) (fs.Object, error) {
	o, err := w.Fs.NewObject(ctx, path)
	note(ctx, err)
	return o, err
}

// answers are the errors by which an upstream tells that something is not there: all others tell nothing.
var answers = []error{fs.ErrorDirNotFound, fs.ErrorObjectNotFound, fs.ErrorIsDir, fs.ErrorIsFile, fs.ErrorNotAFile, syscall.ENOTDIR}

// notedCall is what upstreams have noted in one call of the union's: their first error, and what they list.
type notedCall struct {
	mu      sync.Mutex
	err     error
	entries fs.DirEntries
}

type notedKey struct{}

// noting gives a context in which upstreams take note, and what they noted when the call is over.
func noting(ctx context.Context) (context.Context, *notedCall) {
	noted := new(notedCall)
	return context.WithValue(ctx, notedKey{}, noted), noted
}

func (n *notedCall) failure() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// hidden gives what a union leaves out of a listing, because the first upstream that has the name has a file under it and another one a folder,
// or the other way round.
func (n *notedCall) hidden(shown fs.DirEntries, nameOf func(fs.DirEntry) string) (hidden fs.DirEntries) {
	n.mu.Lock()
	defer n.mu.Unlock()
	files := make(map[string]bool, len(shown))
	for _, entry := range shown {
		_, files[nameOf(entry)] = entry.(fs.Object)
	}
	for _, entry := range n.entries {
		name := nameOf(entry)
		_, isFile := entry.(fs.Object)
		if asFile, known := files[name]; known && isFile != asFile {
			hidden = append(hidden, entry)
			// Once is enough, however many upstreams have it.
			delete(files, name)
		}
	}
	return hidden
}

func note(ctx context.Context, err error) {
	noted, ok := ctx.Value(notedKey{}).(*notedCall)
	if !ok || err == nil || slices.ContainsFunc(answers, func(answer error) bool { return errors.Is(err, answer) }) {
		return
	}
	noted.mu.Lock()
	defer noted.mu.Unlock()
	if noted.err == nil {
		noted.err = err
	}
}

// wholeUnion is a union that tells what all upstreams have. It is used by its address, as a combine is.
type wholeUnion struct {
	guarded
	lacks []string
}

func (w *wholeUnion) limits() []string { return w.lacks }

func (w *wholeUnion) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	ctx, noted := noting(ctx)
	entries, err := w.Fs.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := noted.failure(); err != nil {
		return nil, fmt.Errorf("an upstream of the union cannot be listed: %w", err)
	}
	for _, entry := range noted.hidden(entries, w.nameOf) {
		if _, isFile := entry.(fs.Object); isFile {
			// Several upstreams may have it: which one is read is the union's to say, and not that of the upstream that answers first.
			if o, err := w.NewObject(ctx, entry.Remote()); err == nil {
				entry = o
			}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// nameOf gives the name by which the union takes entries of its upstreams for one.
func (w *wholeUnion) nameOf(entry fs.DirEntry) string {
	if w.Fs.Features().CaseInsensitive {
		return strings.ToLower(entry.Remote())
	}
	return entry.Remote()
}

func (w *wholeUnion) NewObject(ctx context.Context, path string) (fs.Object, error) {
	ctx, noted := noting(ctx)
	o, err := w.Fs.NewObject(ctx, path)
	failure := noted.failure()
	if o != nil && failure == nil {
		// Beside the file it gives what others say who have a folder there, or a file in the place of a folder above: that is no failure.
		return o, nil
	}
	if !errors.Is(err, fs.ErrorObjectNotFound) {
		return o, err
	}
	if failure != nil {
		return nil, fmt.Errorf("an upstream of the union cannot be asked: %w", failure)
	}
	return nil, err
}
