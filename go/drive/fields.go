package drive

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

const opendriveName = "opendrive"

// tune sets how an OpenDrive remote paces and retries, and makes it survive the end of
// its session, now that its login is done. Other remotes are left alone; crypt is looked through.
func tune(ctx context.Context, f fs.Fs) error {
	drive := Of(f)
	if drive == nil {
		return nil
	}
	p, err := field[*fs.Pacer](drive, "pacer")
	if err != nil {
		return err
	}
	p.SetRetries(driveTries)
	held := new(backoff)
	p.SetCalculator(held)

	client, err := field[*rest.Client](drive, "srv")
	if err != nil {
		return err
	}
	connections, err := connectionsOf(drive)
	if err != nil {
		return err
	}
	session, err := field[opendrive.UserSessionInfo](drive, "session")
	if err != nil {
		return err
	}
	options, err := field[opendrive.Options](drive, "opt")
	if err != nil {
		return err
	}
	if session.SessionID == "" {
		return errNoSession
	}
	stayOnTLS(connections)
	timed := &timekeeper{RoundTripper: newOnConnections(ctx, connections.Transport)}
	connections.Transport = answers{patientTransport{newDownloadTransport(ctx, fs.GetConfig(ctx).HTTPProxy, timed)}}
	keepSession(ctx, client, session.SessionID, opendrive.Account{Username: options.UserName, Password: options.Password}, held)
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
		return nil, fault.New(fault.Other, "", fmt.Sprintf("this rclone's OpenDrive backend has no field %s of type %s", name, reflect.TypeFor[T]()))
	}
	// The field was just checked to be of type T and belongs to a live, addressable struct.
	return (*T)(unsafe.Pointer(found.UnsafeAddr())), nil
}
