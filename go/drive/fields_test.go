package drive

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rclone/rclone/backend/crypt"
	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/lib/rest"

	"bridge/checks"
	"bridge/fault"
)

// Everything private that is reached into: a new rclone must have the same fields.
func TestPrivateFields(t *testing.T) {
	remote := new(opendrive.Fs)
	checks.OK(t, set(remote, "srv", rest.NewClient(http.DefaultClient)))
	checks.OK(t, set(remote, "pacer", fs.NewPacer(t.Context(), nil)))
	f, err := fieldsOf(remote)
	checks.OK(t, err)
	f.options.ChunkSize, f.session.SessionID, *f.root = 7, "S", "a/b"
	same, err := fieldsOf(remote)
	checks.OK(t, err)
	if same.options.ChunkSize != 7 || same.session.SessionID != "S" || remote.Root() != "a/b" {
		t.Error("the fields are copies")
	}
	if f.connections != http.DefaultClient {
		t.Error("another client")
	}
	if address, err := addressOf(f.client.SetRoot("https://drive")); err != nil || address != "https://drive" {
		t.Error(address, err)
	}

	date := time.Unix(1600000000, 0)
	o, err := newObject(objectFields{remote: remote, path: "a/b", id: "F1", parent: "D1", modTime: date, md5: "abc", size: 3})
	checks.OK(t, err)
	sum, err := o.Hash(t.Context(), hash.MD5)
	checks.OK(t, err)
	if o.Remote() != "a/b" || o.ID() != "F1" || o.ParentID() != "D1" || o.Size() != 3 || sum != "abc" || !o.ModTime(t.Context()).Equal(date) || o.Fs() != remote {
		t.Errorf("%+v", o)
	}
	checks.OK(t, setModTime(o, date.Add(time.Second)))
	if !o.ModTime(t.Context()).Equal(date.Add(time.Second)) {
		t.Errorf("%+v", o)
	}
	_, err = cryptOf(new(crypt.Object))
	checks.OK(t, err)

	_, err = field[*fs.Pacer](remote, "session")
	checks.HasKind(t, err, fault.Other)
	_, err = field[string](remote, "nothing")
	checks.HasKind(t, err, fault.Other)
	checks.HasKind(t, set(o, "id", 1), fault.Other)
}

func TestOnlyOpenDriveIsOurs(t *testing.T) {
	if Of(object.MemoryFs) != nil || Of(nil) != nil || Is(object.MemoryFs) {
		t.Error("a remote in memory passes for OpenDrive")
	}
	Shutdown(nil)
	Shutdown(object.MemoryFs)
	HangUp(object.MemoryFs)
	if _, err := of(new(opendrive.Fs)); err == nil {
		t.Error("a remote that we did not open")
	}
}

// The failure of a connection has no type: only its text tells.
func TestABrokenConnectionIsTriedAgain(t *testing.T) {
	for text, again := range map[string]bool{
		"http2: client connection force closed via ClientConn.Close": true,
		"http2: client connection lost":                              true,
		"x509: certificate signed by unknown authority":              false,
	} {
		broken := http2ErrorTransport{roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New(text) })}
		_, err := (&http.Client{Transport: broken}).Get("https://dev.opendrive.com/") //nolint:bodyclose // there is none
		if fserrors.ShouldRetry(err) != again {
			t.Errorf("%q: tried again: %v", text, !again)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (fn roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return fn(req) }
