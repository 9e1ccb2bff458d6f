package drive

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/pacer"

	"bridge/fault"
)

// rootID is the drive's id of its topmost folder.
const rootID = "0"

// newFsFn is how a backend is opened.
type newFsFn func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error)

// Every OpenDrive remote of the process is opened by us, also one that crypt or alias wraps.
func init() {
	info, err := fs.Find(opendriveName)
	if err != nil {
		panic(err)
	}
	info.NewFs = newFs(info.NewFs)
	addMinSleep(info)
}

// newFs opens an OpenDrive remote: the backend logs in, and the base is looked for by us, in one call.
func newFs(theirs newFsFn) newFsFn {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		sleep, err := minSleepIn(config)
		if err != nil {
			return nil, err
		}
		remote, err := login(ctx, theirs, name, config)
		if err != nil {
			return nil, err
		}
		d, err := tune(ctx, remote, sleep)
		if err != nil {
			return nil, err
		}
		isFile, err := d.enter(ctx, strings.Trim(root, "/"))
		if err != nil {
			d.end()
			// Each of its calls was tried again already, and another login helps none of them.
			failure := *fault.As(err, "")
			failure.Retry = false
			return nil, &failure
		}
		if isFile {
			return remote, fs.ErrorIsFile
		}
		return remote, nil
	}
}

// enter makes a folder the base of a remote that was opened at the top. It tells whether a file is there: then the
// base is the folder that it is in. A base that is not there is no error.
func (d *Drive) enter(ctx context.Context, root string) (isFile bool, err error) {
	if root == "" {
		return false, nil
	}
	d.certain = openingIn(ctx).Certain
	id, missing, isFile, err := d.locate(ctx, root)
	if err != nil {
		return false, err
	}
	if isFile {
		root = Parent(root)
	}
	*d.root, *d.folders = root, dircache.New(root, rootID, finder{d})
	if len(missing) > 0 && !isFile {
		return false, nil
	}
	d.dirs().Put(root, id)
	return isFile, d.dirs().FindRoot(ctx, false)
}

// locate finds the folder of a path, or the last one of the way there that exists, and what is missing from there on.
// It tells whether the path is that of a file, which is in that folder then. One call does for a folder that is there;
// that one is not there, and that there is no other one of its name, is believed of listings only.
func (d *Drive) locate(ctx context.Context, at string) (id string, missing []string, isFile bool, err error) {
	parts := strings.Split(at, "/")
	if d.certain {
		if id, err = d.onlyOne(ctx, parts); id == "" && err == nil {
			id, missing, isFile, err = d.descend(ctx, rootID, parts)
		}
		// Who may not list a folder on the way cannot know what else is in it.
		if err == nil || fault.As(err, "").Kind != fault.Permission {
			return id, missing, isFile, err
		}
	}
	id = rootID
	for _, known := range []int{len(parts), len(parts) - 1} {
		found, err := d.byPath(ctx, parts[:known])
		if err != nil {
			return "", nil, false, err
		}
		if found != "" {
			id, parts = found, parts[known:]
			break
		}
	}
	return d.descend(ctx, id, parts)
}

// onlyOne finds the folder of a path that is the only one of its name where it is: by two calls, whatever the number of files above
// it. It is "" if it is not found that way.
func (d *Drive) onlyOne(ctx context.Context, parts []string) (string, error) {
	above, err := d.byPath(ctx, parts[:len(parts)-1])
	if above == "" || err != nil {
		return "", err
	}
	below, err := d.folderNamesakes(ctx, above, d.named(parts[len(parts)-1]))
	if err == nil {
		err = below.alone()
	}
	if err != nil {
		return "", err
	}
	return below.id(), nil
}

// descend goes from a folder along a path by listings, as far as it goes.
func (d *Drive) descend(ctx context.Context, id string, parts []string) (folder string, missing []string, isFile bool, err error) {
	for len(parts) > 0 {
		found, err := d.namesakes(ctx, id, d.named(parts[0]))
		if err == nil && d.certain {
			err = found.alone()
		}
		if err != nil {
			return "", nil, false, err
		}
		below := found.id()
		if below == "" {
			return id, parts, len(parts) == 1 && len(found.files) > 0, nil
		}
		id, parts = below, parts[1:]
	}
	return id, nil, false, nil
}

// byPath asks the drive for the id of a folder; "" if it does not tell, for whatever reason.
func (d *Drive) byPath(ctx context.Context, parts []string) (string, error) {
	if len(parts) == 0 {
		return rootID, nil
	}
	names := make([]string, len(parts))
	for at, part := range parts {
		names[at] = d.options.Enc.FromStandardName(part)
	}
	request := struct {
		Session string `json:"session_id"`
		Path    string `json:"path"`
	}{d.id, strings.Join(names, "/")}
	var response struct {
		ID text `json:"FolderId"`
	}
	_, err := d.post(ctx, "/folder/idbypath.json", &request, &response)
	if err == nil {
		return string(response.ID), nil
	}
	if failure := fault.As(err, ""); cancelled(ctx, err) || failure.Kind == fault.Authentication || failure.Kind == fault.RateLimited {
		return "", err
	}
	return "", nil
}

// Open opens any backend at a path: again if the failure may pass, but never after OpenDrive has refused a login. An OpenDrive
// remote, or one that a crypt or alias wraps, keeps its session and is paced and retried as the table in retry.go says.
func Open(ctx context.Context, info *fs.RegInfo, name, path string, options configmap.Simple) (fs.Fs, error) {
	held := new(backoff)
	for try := 1; ; try++ {
		f, err := info.NewFs(ctx, name, path, fs.ConfigMap(info.Prefix, info.Options, "", options))
		if err == nil {
			return f, nil
		}
		if errors.Is(err, fs.ErrorIsFile) {
			Shutdown(f)
			return nil, fault.New(fault.IsFile, path, "is a file, not a folder")
		}
		failure := fault.As(err, "")
		if try == OpenTries || !failure.Retry {
			return nil, failure
		}
		held.Calculate(pacer.State{ConsecutiveRetries: try, LastError: err})
		if err := held.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// Shutdown lets a backend clean up, if it wants to, and logs out of an OpenDrive remote. What it is wrapped in may be
// opened again, by rclone's cache: that keeps its session.
func Shutdown(f fs.Fs) {
	if f == nil {
		return
	}
	if do := f.Features().Shutdown; do != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = do(ctx)
	}
	if remote, ok := f.(*opendrive.Fs); ok {
		if d, err := of(remote); err == nil {
			d.end()
		}
	}
}

// end logs out.
func (d *Drive) end() { d.logins.logout() }
