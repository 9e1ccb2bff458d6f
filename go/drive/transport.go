package drive

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/rest"
)

// connectionsOf gives the HTTP client that a drive's calls go through.
func connectionsOf(drive *opendrive.Fs) (*http.Client, error) {
	client, err := field[*rest.Client](drive, "srv")
	if err != nil {
		return nil, err
	}
	return field[*http.Client](client, "c")
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

// HangUp closes the idle connections of an OpenDrive remote that is closed. Each remote has a
// transport of its own, which would keep them, and goroutines for them, for a minute.
func HangUp(f fs.Fs) {
	if drive := Of(f); drive != nil {
		if connections, err := connectionsOf(drive); err == nil {
			connections.CloseIdleConnections()
		}
	}
}

// patientTransport marks the failure of a whole HTTP/2 connection as one that may pass. It hits every call on the
// connection, and rclone's list of such failures (retriableErrorStrings in fs/fserrors/error.go) lacks it.
type patientTransport struct{ http.RoundTripper }

func (t patientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	// "force closed", "lost", "not usable" in net/http/h2_bundle.go of Go 1.26; none of them is exported.
	if err != nil && strings.HasPrefix(err.Error(), "http2: client conn") {
		// One of the list's own texts, which net/http has for HTTP/1. Not wrapped: rclone looks at the innermost error.
		err = fmt.Errorf("transport connection broken: %v", err)
	}
	return resp, err
}

func (t patientTransport) inner() http.RoundTripper { return t.RoundTripper }

// CloseIdleConnections is what http.Client looks for.
func (t patientTransport) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}
