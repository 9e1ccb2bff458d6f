package core

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/pacer"
	"github.com/rclone/rclone/lib/rest"
)

const opendriveName = "opendrive"

// How calls to OpenDrive are paced and retried. The backend's own figures (10 ms between calls,
// 10 tries, sleeping up to 5 minutes) but for the longest sleep: a drive that does not answer
// for minutes is an error that the user should see.
const (
	driveMinSleep = 10 * time.Millisecond
	driveMaxSleep = 5 * time.Second
	driveTries    = 10
)

// tuneOpenDrive sets how an OpenDrive remote paces and retries, and makes it survive the end of
// its session, now that its login is done. Other remotes are left alone; crypt is looked through.
func tuneOpenDrive(ctx context.Context, f fs.Fs) error {
	drive := openDrive(f)
	if drive == nil {
		return nil
	}
	p, err := field[*fs.Pacer](drive, "pacer")
	if err != nil {
		return err
	}
	p.SetRetries(driveTries)
	p.SetCalculator(driveCalculator{pacer.NewDefault(pacer.MinSleep(driveMinSleep), pacer.MaxSleep(driveMaxSleep), pacer.DecayConstant(1))})

	client, err := field[*rest.Client](drive, "srv")
	if err != nil {
		return err
	}
	connections, err := field[*http.Client](client, "c")
	if err != nil {
		return err
	}
	connections.Transport = patientTransport{connections.Transport}
	session, err := field[opendrive.UserSessionInfo](drive, "session")
	if err != nil {
		return err
	}
	options, err := field[opendrive.Options](drive, "opt")
	if err != nil {
		return err
	}
	keepSession(ctx, client, session.SessionID, opendrive.Account{Username: options.UserName, Password: options.Password})
	return nil
}

// openDrive gives the OpenDrive remote that a remote is or wraps, nil if there is none.
func openDrive(f fs.Fs) *opendrive.Fs {
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

// hangUp closes the idle connections of an OpenDrive remote that is closed. Each remote has a
// transport of its own, which would keep them, and goroutines for them, for a minute.
func hangUp(f fs.Fs) {
	drive := openDrive(f)
	if drive == nil {
		return
	}
	client, err := field[*rest.Client](drive, "srv")
	if err != nil {
		return
	}
	if connections, err := field[*http.Client](client, "c"); err == nil {
		connections.CloseIdleConnections()
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

// CloseIdleConnections is what http.Client looks for.
func (t patientTransport) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}

// driveCalculator paces calls. A session that has ended is renewed by the time its error gets
// here, so it is no reason to slow down; many calls fail for it at once, and each would double the
// sleep. Neither is a login that was refused for good.
type driveCalculator struct{ pacer.Calculator }

func (c driveCalculator) Calculate(state pacer.State) time.Duration {
	var expired *expiredError
	var refused *Error
	if errors.As(state.LastError, &expired) || errors.As(state.LastError, &refused) {
		return driveMinSleep
	}
	return c.Calculator.Calculate(state)
}

// field reads an unexported field of the backend's Fs or Object. rclone offers no other way to
// reach the pacer of a remote that is open; TestOpenDriveFields fails when a new rclone has other
// fields.
func field[T any](owner any, name string) (value T, err error) {
	found, err := fieldOf[T](owner, name)
	if err != nil {
		return value, err
	}
	return *found, nil
}

// set writes an unexported field of the backend's Object.
func set[T any](owner any, name string, value T) error {
	found, err := fieldOf[T](owner, name)
	if err == nil {
		*found = value
	}
	return err
}

// fieldOf points to an unexported field of a struct that owner points to.
func fieldOf[T any](owner any, name string) (*T, error) {
	found := reflect.ValueOf(owner).Elem().FieldByName(name)
	if !found.IsValid() || found.Type() != reflect.TypeFor[T]() {
		return nil, newError(KindOther, "", fmt.Sprintf("this rclone's OpenDrive backend has no field %s of type %s", name, reflect.TypeFor[T]()))
	}
	// The field was just checked to be of type T and belongs to a live, addressable struct.
	return (*T)(unsafe.Pointer(found.UnsafeAddr())), nil
}
