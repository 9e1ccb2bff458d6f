package drive

import (
	"errors"
	"net/http"
	"testing"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/lib/rest"

	"bridge/checks"
	"bridge/fault"
)

// tuneOpenDrive reaches into the backend: a new rclone must have the same fields.
func TestOpenDriveFields(t *testing.T) {
	drive := new(opendrive.Fs)
	_, err := field[*fs.Pacer](drive, "pacer")
	checks.OK(t, err)
	_, err = field[opendrive.UserSessionInfo](drive, "session")
	checks.OK(t, err)
	_, err = field[*rest.Client](drive, "srv")
	checks.OK(t, err)
	_, err = field[opendrive.Options](drive, "opt")
	checks.OK(t, err)
	_, err = field[*http.Client](rest.NewClient(nil), "c")
	checks.OK(t, err)
	_, err = field[*fs.Pacer](drive, "session")
	checks.HasKind(t, err, fault.Other)
	_, err = field[string](drive, "nothing")
	checks.HasKind(t, err, fault.Other)
}

func TestOnlyOpenDriveIsTuned(t *testing.T) {
	checks.OK(t, tune(t.Context(), object.MemoryFs))
	checks.OK(t, tune(t.Context(), nil))
}

// The failure of a connection has no type: only its text tells.
func TestABrokenConnectionIsTriedAgain(t *testing.T) {
	for text, again := range map[string]bool{
		"http2: client connection force closed via ClientConn.Close": true,
		"http2: client connection lost":                              true,
		"x509: certificate signed by unknown authority":              false,
	} {
		broken := patientTransport{roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New(text) })}
		_, err := (&http.Client{Transport: broken}).Get("https://dev.opendrive.com/") //nolint:bodyclose // there is none
		if fserrors.ShouldRetry(err) != again {
			t.Errorf("%q: tried again: %v", text, !again)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (fn roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return fn(req) }
