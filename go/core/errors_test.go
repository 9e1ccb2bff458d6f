package core

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

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
)

func driveError(code int, message string) error {
	err := new(opendrive.Error)
	err.Info.Code, err.Info.Message = code, message
	return err
}

func TestAsError(t *testing.T) {
	for _, test := range []struct {
		err    error
		kind   Kind
		status int
		retry  bool
	}{
		{fs.ErrorObjectNotFound, KindNotFound, 0, false},
		{fmt.Errorf("listing: %w", fs.ErrorDirNotFound), KindNotFound, 0, false},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, KindNotFound, 0, false},
		{fs.ErrorIsFile, KindIsFile, 0, false},
		{syscall.ENOTDIR, KindIsFile, 0, false},
		{fs.ErrorIsDir, KindExists, 0, false},
		{fs.ErrorDirExists, KindExists, 0, false},
		{fs.ErrorDirectoryNotEmpty, KindExists, 0, false},
		{syscall.ENOTEMPTY, KindExists, 0, false},
		{syscall.EISDIR, KindExists, 0, false},
		{iofs.ErrPermission, KindPermission, 0, false},
		{fs.ErrorPermissionDenied, KindPermission, 0, false},
		{fs.ErrorFileNameTooLong, KindNameTooLong, 0, false},
		{syscall.ENAMETOOLONG, KindNameTooLong, 0, false},
		{syscall.ENOSPC, KindNoSpace, 0, false},
		{fs.ErrorNotImplemented, KindUnsupported, 0, false},
		{context.Canceled, KindCancelled, 0, false},
		{&url.Error{Op: "Get", URL: "https://x/", Err: context.Canceled}, KindCancelled, 0, false},
		{context.DeadlineExceeded, KindTimeout, 0, true},
		{&url.Error{Op: "Get", URL: "https://x/", Err: os.ErrDeadlineExceeded}, KindTimeout, 0, true},
		// A connection that was cut says nothing about the data.
		{io.ErrUnexpectedEOF, KindOther, 0, true},
		{&url.Error{Op: "Get", URL: "https://x/", Err: io.EOF}, KindOther, 0, true},
		{errors.New("anything"), KindOther, 0, false},
		{fserrors.RetryError(errors.New("anything")), KindOther, 0, true},
		{newError(KindConfig, "", "bad"), KindConfig, 0, false},
		{driveError(400, "Some problem"), KindOther, 400, false},
		{driveError(400, "Not enough SPACE"), KindNoSpace, 400, false},
		{driveError(400, "Name is too long"), KindNameTooLong, 400, false},
		{driveError(401, "Invalid username or password"), KindAuthentication, 401, false},
		// The backend marks what it would try again, a refused login too.
		{fserrors.RetryError(driveError(401, "Invalid")), KindAuthentication, 401, false},
		{driveError(403, "No"), KindPermission, 403, false},
		{fmt.Errorf("failed: %w", driveError(404, "No")), KindNotFound, 404, false},
		{driveError(408, "Slow"), KindTimeout, 408, true},
		{driveError(409, "There"), KindExists, 409, false},
		{driveError(429, "Many"), KindRateLimited, 429, true},
		{fserrors.RetryError(driveError(500, "Oops")), KindOther, 500, true},
		{driveError(504, "Slow"), KindTimeout, 504, true},
		{driveError(507, "Full"), KindNoSpace, 507, false},
	} {
		got := AsError(test.err, "a/b")
		if got.Kind != test.kind || got.Status != test.status || got.Retry != test.retry || got.Path != "a/b" {
			t.Errorf("%v: got %s, want %s %d retry=%v", test.err, got.JSON(), test.kind, test.status, test.retry)
		}
	}
}

func TestErrorForms(t *testing.T) {
	first := newError(KindNotFound, "a", "is \"gone\"")
	if got := first.JSON(); got != `{"kind":"notFound","message":"is \"gone\"","path":"a"}` {
		t.Error(got)
	}
	if got := first.Error(); got != `a: is "gone"` {
		t.Error(got)
	}
	// The first path is the closest one, and giving one leaves the original alone.
	if got := AsError(fmt.Errorf("more: %w", first), "b"); got != first {
		t.Error(got)
	}
	bare := newError(KindOther, "", "x")
	if got := AsError(bare, "b"); got.Path != "b" || bare.Path != "" || bare.Error() != "x" {
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
		if got := message(test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	keepSecret("two  blanks")
	if got := message(errors.New("it is two  blanks")); strings.Contains(got, "blanks") {
		t.Error(got)
	}
	keepSecret("panicking")
	if got := recovered(errors.New("no panicking")).JSON(); strings.Contains(got, "panicking") {
		t.Error(got)
	}
}
