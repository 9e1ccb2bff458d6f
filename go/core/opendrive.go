package core

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/pacer"
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

// tuneOpenDrive sets how an OpenDrive remote paces and retries, now that its login is done.
func tuneOpenDrive(f fs.Fs) error {
	drive, ok := f.(*opendrive.Fs)
	if !ok {
		return nil
	}
	p, err := field[*fs.Pacer](drive, "pacer")
	if err != nil {
		return err
	}
	p.SetRetries(driveTries)
	p.SetCalculator(pacer.NewDefault(pacer.MinSleep(driveMinSleep), pacer.MaxSleep(driveMaxSleep), pacer.DecayConstant(1)))
	if session, err := field[opendrive.UserSessionInfo](drive, "session"); err == nil {
		keepSecret(session.SessionID)
	}
	return nil
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
