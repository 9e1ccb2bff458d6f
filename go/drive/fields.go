package drive

import (
	"fmt"
	"net/http"
	"reflect"
	"time"
	"unsafe"

	"github.com/rclone/rclone/backend/crypt"
	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// All private fields of rclone's that are reached into are read and written here; TestPrivateFields fails when a new
// rclone has other fields. rclone offers no other way to the client, the pacer and the folders of a remote that is open.

// fields are those of an open OpenDrive remote.
type fields struct {
	root        *string
	options     *opendrive.Options
	session     *opendrive.UserSessionInfo
	client      *rest.Client
	connections *http.Client
	pacer       *fs.Pacer
	folders     **dircache.DirCache
}

func fieldsOf(remote *opendrive.Fs) (f fields, err error) {
	var client **rest.Client
	var pacer **fs.Pacer
	pointTo(&err, &f.root, remote, "root")
	pointTo(&err, &f.options, remote, "opt")
	pointTo(&err, &f.session, remote, "session")
	pointTo(&err, &client, remote, "srv")
	pointTo(&err, &pacer, remote, "pacer")
	pointTo(&err, &f.folders, remote, "dirCache")
	if err != nil {
		return f, err
	}
	f.client, f.pacer = *client, *pacer
	f.connections, err = connectionsIn(f.client)
	return f, err
}

// connectionsIn gives the HTTP client that a REST client's calls go through.
func connectionsIn(client *rest.Client) (*http.Client, error) {
	return field[*http.Client](client, "c")
}

// connectionsOf gives the HTTP client that a drive's calls go through.
func connectionsOf(remote *opendrive.Fs) (*http.Client, error) {
	client, err := field[*rest.Client](remote, "srv")
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, errNotOpen
	}
	return connectionsIn(client)
}

// addressOf gives the address that a REST client's paths stand behind.
func addressOf(client *rest.Client) (string, error) { return field[string](client, "rootURL") }

// objectFields are those of a file.
type objectFields struct {
	remote           *opendrive.Fs
	path, id, parent string
	modTime          time.Time
	md5              string
	size             int64
}

// newObject makes a file of the backend's.
func newObject(of objectFields) (*opendrive.Object, error) {
	o := new(opendrive.Object)
	var err error
	put(&err, o, "fs", of.remote)
	put(&err, o, "remote", of.path)
	put(&err, o, "id", of.id)
	put(&err, o, "parent", of.parent)
	put(&err, o, "modTime", of.modTime)
	put(&err, o, "md5", of.md5)
	put(&err, o, "size", of.size)
	return o, err
}

// setModTime changes the modification time that a file is known to have.
func setModTime(o *opendrive.Object, modTime time.Time) error { return set(o, "modTime", modTime) }

// cryptOf gives the remote that a file of crypt's belongs to.
func cryptOf(o fs.Object) (**crypt.Fs, error) { return fieldOf[*crypt.Fs](o, "f") }

// pointTo points to a field, unless an error came before.
func pointTo[T any](err *error, to **T, owner any, name string) {
	if *err == nil {
		*to, *err = fieldOf[T](owner, name)
	}
}

// put writes a field, unless an error came before.
func put[T any](err *error, owner any, name string, value T) {
	if *err == nil {
		*err = set(owner, name, value)
	}
}

// field reads an unexported field.
func field[T any](owner any, name string) (value T, err error) {
	found, err := fieldOf[T](owner, name)
	if err != nil {
		return value, err
	}
	return *found, nil
}

// set writes an unexported field.
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
		return nil, fault.New(fault.Other, "", fmt.Sprintf("this rclone's %T has no field %s of type %s", owner, name, reflect.TypeFor[T]()))
	}
	// SAFETY: the field was just checked to be of type T and belongs to a live, addressable struct.
	return (*T)(unsafe.Pointer(found.UnsafeAddr())), nil
}
