package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
)

func TestAsError(t *testing.T) {
	for _, test := range []struct {
		err    error
		kind   Kind
		status int
		retry  bool
	}{
		{fs.ErrorObjectNotFound, NotFound, 0, false},
		{fmt.Errorf("listing: %w", fs.ErrorDirNotFound), NotFound, 0, false},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, NotFound, 0, false},
		{fs.ErrorIsFile, IsFile, 0, false},
		{syscall.ENOTDIR, IsFile, 0, false},
		{fs.ErrorIsDir, Exists, 0, false},
		{fs.ErrorDirExists, Exists, 0, false},
		{fs.ErrorDirectoryNotEmpty, Exists, 0, false},
		{syscall.ENOTEMPTY, Exists, 0, false},
		{syscall.EISDIR, Exists, 0, false},
		{iofs.ErrPermission, Permission, 0, false},
		{fs.ErrorPermissionDenied, Permission, 0, false},
		{fs.ErrorFileNameTooLong, NameTooLong, 0, false},
		{syscall.ENAMETOOLONG, NameTooLong, 0, false},
		{syscall.ENOSPC, NoSpace, 0, false},
		{fs.ErrorNotImplemented, Unsupported, 0, false},
		{context.Canceled, Cancelled, 0, false},
		{&url.Error{Op: "Get", URL: "https://x/", Err: context.Canceled}, Cancelled, 0, false},
		{context.DeadlineExceeded, Timeout, 0, true},
		{&url.Error{Op: "Get", URL: "https://x/", Err: os.ErrDeadlineExceeded}, Timeout, 0, true},
		// A connection that was cut says nothing about the data.
		{io.ErrUnexpectedEOF, Other, 0, true},
		{&url.Error{Op: "Get", URL: "https://x/", Err: io.EOF}, Other, 0, true},
		{errors.New("anything"), Other, 0, false},
		{fserrors.RetryError(errors.New("anything")), Other, 0, true},
		{New(Config, "", "bad"), Config, 0, false},
	} {
		got := As(test.err, "a/b")
		if got.Kind != test.kind || got.Status != test.status || got.Retry != test.retry || got.Path != "a/b" {
			t.Errorf("%v: got %s, want %s %d retry=%v", test.err, got.JSON(), test.kind, test.status, test.retry)
		}
	}
}

func TestErrorForms(t *testing.T) {
	first := New(NotFound, "a", "is \"gone\"")
	if got := first.JSON(); got != `{"kind":"notFound","message":"is \"gone\"","path":"a"}` {
		t.Error(got)
	}
	if got := first.Error(); got != `a: is "gone"` {
		t.Error(got)
	}
	// The first path is the closest one, and giving one leaves the original alone.
	if got := As(fmt.Errorf("more: %w", first), "b"); got != first {
		t.Error(got)
	}
	bare := New(Other, "", "x")
	if got := As(bare, "b"); got.Path != "b" || bare.Path != "" || bare.Error() != "x" {
		t.Error(got, bare)
	}
}

func TestMessage(t *testing.T) {
	const address = "https://dev.opendrive.com/api/v1/folder/itembyname.json/5e551d/0?name=a%20b"
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("one\n  two\tthree"), "one two three"},
		// A session that is not known yet, because the remote is just being opened.
		{fmt.Errorf("failed to get folder list: %w", &url.Error{Op: "Get", URL: address, Err: io.EOF}), "failed to get folder list: Get dev.opendrive.com: EOF"},
		{&url.Error{Op: "parse", URL: "::5e551d", Err: errors.New("bad")}, "parse the server: bad"},
	} {
		if got := Message(test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	KeepSecret("two  blanks")
	if got := Message(errors.New("it is two  blanks")); strings.Contains(got, "blanks") {
		t.Error(got)
	}
	KeepSecret("panicking")
	if got := Recovered(errors.New("no panicking")).JSON(); strings.Contains(got, "panicking") {
		t.Error(got)
	}
}
