package drive

import (
	"testing"

	"github.com/rclone/rclone/backend/opendrive"

	"bridge/checks"
	"bridge/fault"
)

// putOn and makeFolder reach into the backend: a new rclone must have the same fields.
func TestOpenDriveUploadFields(t *testing.T) {
	drive := new(opendrive.Fs)
	parts, err := partsOf(drive)
	checks.OK(t, err)
	parts.options.ChunkSize = 7
	same, err := partsOf(drive)
	checks.OK(t, err)
	if same.options.ChunkSize != 7 {
		t.Fatal("the options are a copy")
	}
	object := new(opendrive.Object)
	checks.OK(t, set(object, "fs", drive))
	checks.OK(t, set(object, "remote", "a/b"))
	checks.OK(t, set(object, "id", "F1"))
	if object.Remote() != "a/b" || object.ID() != "F1" || object.Fs() != drive {
		t.Fatalf("%q %q", object.Remote(), object.ID())
	}
	checks.HasKind(t, set(object, "id", 1), fault.Other)
}
