package core

import "testing"

func TestStreamHandles(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	object := upload(t, r, "a", "abc").Object
	reader, err := OpenReader(object, 0, -1)
	ok(t, err)
	writer, err := Create(r, "b", 3, 0)
	ok(t, err)

	// The wrong kind of handle, and handles of the other tables.
	hasKind(t, Write(reader, []byte("x")), KindHandle)
	refused(t, "commit", commitIn{reader}, KindHandle)
	_, err = Read(writer, make([]byte, 1))
	hasKind(t, err, KindHandle)
	for _, handle := range []uint64{0, 9999999, r, object} {
		hasKind(t, CloseStream(handle), KindHandle)
		hasKind(t, Write(handle, []byte("x")), KindHandle)
		refused(t, "commit", commitIn{handle}, KindHandle)
		_, err = Read(handle, make([]byte, 1))
		hasKind(t, err, KindHandle)
	}
	_, err = OpenReader(r, 0, -1)
	hasKind(t, err, KindHandle)
	_, err = Create(object, "x", 1, 0)
	hasKind(t, err, KindHandle)

	ok(t, CloseStream(reader))
	hasKind(t, CloseStream(reader), KindHandle)
	ok(t, CloseStream(writer))
	hasKind(t, CloseStream(writer), KindHandle)
}
