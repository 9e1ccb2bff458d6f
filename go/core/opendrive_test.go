package core

import (
	"net/http"
	"testing"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
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
