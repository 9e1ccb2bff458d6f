package core

import (
	"testing"

	"bridge/checks"
	"bridge/fault"
)

func TestStreamHandles(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	object := upload(t, r, "a", "abc").Object
	reader, err := OpenReader(object, 0, -1)
	checks.OK(t, err)
	writer, err := Create(r, "b", 3, 0)
	checks.OK(t, err)

	// The wrong kind of handle, and handles of the other tables.
	checks.HasKind(t, Write(reader, []byte("x")), fault.Handle)
	refused(t, "commit", commitIn{reader}, fault.Handle)
	_, err = Read(writer, make([]byte, 1))
	checks.HasKind(t, err, fault.Handle)
	for _, handle := range []uint64{0, 9999999, r, object} {
		checks.HasKind(t, CloseStream(handle), fault.Handle)
		checks.HasKind(t, Write(handle, []byte("x")), fault.Handle)
		refused(t, "commit", commitIn{handle}, fault.Handle)
		_, err = Read(handle, make([]byte, 1))
		checks.HasKind(t, err, fault.Handle)
	}
	_, err = OpenReader(r, 0, -1)
	checks.HasKind(t, err, fault.Handle)
	_, err = Create(object, "x", 1, 0)
	checks.HasKind(t, err, fault.Handle)

	checks.OK(t, CloseStream(reader))
	checks.HasKind(t, CloseStream(reader), fault.Handle)
	checks.OK(t, CloseStream(writer))
	checks.HasKind(t, CloseStream(writer), fault.Handle)
}
