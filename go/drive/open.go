package drive

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/lib/pacer"

	"bridge/fault"
)

// loginRefused is what the backend says of a login that failed (NewFs in backend/opendrive/opendrive.go).
const loginRefused = "failed to create session"

// Open opens any backend at a path: again if the failure may pass, but never after OpenDrive has refused a login. An OpenDrive
// remote, or one that a crypt or alias wraps, keeps its session and is paced and retried as the table in retry.go says.
func Open(ctx context.Context, info *fs.RegInfo, name, path string, options configmap.Simple) (fs.Fs, error) {
	openCtx := withOneTry(ctx, info.Name, options)
	held := new(backoff)
	for try := 1; ; try++ {
		f, err := info.NewFs(openCtx, name, path, fs.ConfigMap(info.Prefix, info.Options, "", options))
		if err == nil {
			if err = tune(ctx, f); err != nil {
				Shutdown(f)
				return nil, err
			}
			return f, nil
		}
		if errors.Is(err, fs.ErrorIsFile) {
			Shutdown(f)
			return nil, fault.New(fault.IsFile, path, "is a file, not a folder")
		}
		failure := fault.As(err, "")
		// The session that was just begun has ended already: nothing is wrong with the password.
		expired := info.Name == opendriveName && failure.Kind == fault.Authentication && !strings.Contains(err.Error(), loginRefused)
		if try == OpenTries || !(failure.Retry || expired) {
			return nil, failure
		}
		held.Calculate(pacer.State{ConsecutiveRetries: try, LastError: err})
		if err := held.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// Shutdown lets a backend clean up, if it wants to.
func Shutdown(f fs.Fs) {
	if f == nil {
		return
	}
	if do := f.Features().Shutdown; do != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = do(ctx)
	}
}
