package core

import (
	"errors"
	"net/http"
	"testing"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/lib/rest"
)

// tuneOpenDrive reaches into the backend: a new rclone must have the same fields.
func TestOpenDriveFields(t *testing.T) {
	drive := new(opendrive.Fs)
	_, err := field[*fs.Pacer](drive, "pacer")
	ok(t, err)
	_, err = field[opendrive.UserSessionInfo](drive, "session")
	ok(t, err)
	_, err = field[*rest.Client](drive, "srv")
	ok(t, err)
	_, err = field[opendrive.Options](drive, "opt")
	ok(t, err)
	_, err = field[*http.Client](rest.NewClient(nil), "c")
	ok(t, err)
	_, err = field[*fs.Pacer](drive, "session")
	hasKind(t, err, KindOther)
	_, err = field[string](drive, "nothing")
	hasKind(t, err, KindOther)
}

func TestOnlyOpenDriveIsTuned(t *testing.T) {
	ok(t, tuneOpenDrive(t.Context(), newFakeFs()))
	ok(t, tuneOpenDrive(t.Context(), nil))
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
