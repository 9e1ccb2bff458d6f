package drive

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

const opendriveName = "opendrive"

// Drive is an OpenDrive remote that is open: what it is reached through, and what is known of it.
type Drive struct {
	fields
	remote *opendrive.Fs
	held   *backoff
	keeper *timekeeper
	// downloads gives each download its turn.
	downloads *downloadTransport
	logins    *session
	// id is the session that is written into requests; logins replaces it on the way out.
	id    string
	fresh fresh
	// refusals are what is known of writes that the drive refuses.
	refusals refusals
	presence presence
	room     room
	// placeWorks tells that the place which comes with a creation has taken a whole file, and none was refused since.
	placeWorks atomic.Bool
	// certain tells that the base has to be the only folder of its name where it is.
	certain bool
}

// tune sets how an OpenDrive remote paces and retries, and makes it survive the end of its session, now that its
// login is done. sleep is the least time between two calls.
func tune(ctx context.Context, remote *opendrive.Fs, sleep time.Duration) (*Drive, error) {
	f, err := fieldsOf(remote)
	if err != nil {
		return nil, err
	}
	if f.session.SessionID == "" {
		return nil, errNoSession
	}
	if _, err := newObject(objectFields{}); err != nil {
		return nil, err
	}
	d := &Drive{fields: f, remote: remote, held: &backoff{least: sleep}, id: f.session.SessionID}
	*f.folders = dircache.New("", rootID, finder{d})
	f.pacer.SetRetries(driveTries)
	f.pacer.SetCalculator(d.held)
	stayOnTLS(f.connections)
	d.keeper = &timekeeper{RoundTripper: countingTransport{newOnConnections(ctx, f.connections.Transport), &spent}}
	d.downloads = newDownloadTransport(ctx, fs.GetConfig(ctx).HTTPProxy, d.keeper)
	f.connections.Transport = &retryingTransport{drive: d, RoundTripper: pages{answers{http2ErrorTransport{d.downloads}}}}
	account := opendrive.Account{Username: f.options.UserName, Password: f.options.Password}
	d.logins = keepSession(ctx, f.client, d.id, account, d.held, &d.presence)
	return d, nil
}

// Of gives the OpenDrive remote that a remote is or wraps, nil if there is none.
func Of(f fs.Fs) *opendrive.Fs {
	for f != nil {
		if drive, ok := f.(*opendrive.Fs); ok {
			return drive
		}
		unwrap := f.Features().UnWrap
		if unwrap == nil {
			return nil
		}
		f = unwrap()
	}
	return nil
}

// Is tells whether a remote is an OpenDrive one itself, not one that something wraps.
func Is(f fs.Fs) bool {
	_, ok := f.(*opendrive.Fs)
	return ok
}

// of gives the drive that an OpenDrive remote was opened as.
func of(remote *opendrive.Fs) (*Drive, error) {
	connections, err := connectionsOf(remote)
	if err != nil {
		return nil, err
	}
	if outermost, ok := connections.Transport.(*retryingTransport); ok {
		return outermost.drive, nil
	}
	return nil, errNotOpen
}

// errNotOpen is a bug of ours: Open tunes every OpenDrive remote.
var errNotOpen = errors.New("a bug: an OpenDrive remote that was opened past us")

// stored gives a name as the drive stores it.
func (d *Drive) stored(leaf string) (string, error) {
	name := d.options.Enc.FromStandardName(leaf)
	if len(name) > driveNameLimit {
		return "", fs.ErrorFileNameTooLong
	}
	return name, nil
}

// access is who may see what is made, as the drive's API wants it.
func (d *Drive) access() int {
	return max(0, slices.Index([]string{"private", "public", "hidden"}, d.options.Access))
}

// attempt makes one call and decodes its answer. It tells whether the call may succeed when made again.
func (d *Drive) attempt(ctx context.Context, opts *rest.Opts, request, response any) (bool, error) {
	answer, err := d.client.CallJSON(ctx, opts, request, response)
	return again(ctx, answer, err), err
}

// post makes a call, again while that may help, and decodes its answer. It tells how often the call was made.
func (d *Drive) post(ctx context.Context, path string, request, response any) (calls int, err error) {
	return d.call(ctx, &rest.Opts{Method: http.MethodPost, Path: path}, request, response)
}

func (d *Drive) call(ctx context.Context, opts *rest.Opts, request, response any) (calls int, err error) {
	err = d.pacer.Call(func() (bool, error) {
		calls++
		return d.attempt(ctx, opts, request, response)
	})
	return calls, err
}

// HangUp closes the idle connections of an OpenDrive remote that is closed. Each remote has a
// transport of its own, which would keep them, and goroutines for them, for a minute.
func HangUp(f fs.Fs) {
	if remote := Of(f); remote != nil {
		if connections, err := connectionsOf(remote); err == nil {
			connections.CloseIdleConnections()
		}
	}
}

// statusOf gives the HTTP status of an error that the API gave, 0 if it is none.
func statusOf(err error) int {
	var refusal *opendrive.Error
	if errors.As(err, &refusal) {
		return refusal.Info.Code
	}
	return 0
}

// pauseAfter is the pause that follows one of a kind that grows to a limit.
func pauseAfter(pause, limit time.Duration) time.Duration { return min(2*pause, limit) }

// cancelled tells whether an error is that the caller gave up.
func cancelled(ctx context.Context, err error) bool {
	return ctx.Err() != nil || fault.As(err, "").Kind == fault.Cancelled
}
