package drive

import (
	"fmt"
	"testing"

	"github.com/rclone/rclone/fs/fserrors"

	"bridge/checks"
	"bridge/fault"
)

// What the API answers becomes an error of a kind.
func TestClassify(t *testing.T) {
	for _, test := range []struct {
		err    error
		kind   fault.Kind
		status int
		retry  bool
	}{
		{checks.DriveError(400, "Some problem"), fault.Other, 400, false},
		{checks.DriveError(400, "Not enough SPACE"), fault.NoSpace, 400, false},
		{checks.DriveError(400, "There is no free space left"), fault.NoSpace, 400, false},
		{checks.DriveError(500, "The storage quota is exceeded"), fault.NoSpace, 500, false},
		{checks.DriveError(400, "A name may not end in white space"), fault.Other, 400, false},
		{fserrors.RetryError(checks.DriveError(500, "Namespace not ready")), fault.Other, 500, true},
		{checks.DriveError(400, "Name is too long"), fault.NameTooLong, 400, false},
		{checks.DriveError(401, "Invalid username or password"), fault.Authentication, 401, false},
		// The backend marks what it would try again, a refused login too.
		{fserrors.RetryError(checks.DriveError(401, "Invalid")), fault.Authentication, 401, false},
		{checks.DriveError(403, "No"), fault.Permission, 403, false},
		{fmt.Errorf("failed: %w", checks.DriveError(404, "No")), fault.NotFound, 404, false},
		{checks.DriveError(408, "Slow"), fault.Timeout, 408, true},
		{checks.DriveError(409, "There"), fault.Exists, 409, false},
		{checks.DriveError(429, "Many"), fault.RateLimited, 429, true},
		{fserrors.RetryError(checks.DriveError(500, "Oops")), fault.Other, 500, true},
		{checks.DriveError(504, "Slow"), fault.Timeout, 504, true},
		{checks.DriveError(507, "Full"), fault.NoSpace, 507, false},
	} {
		got := fault.As(test.err, "a/b")
		if got.Kind != test.kind || got.Status != test.status || got.Retry != test.retry || got.Path != "a/b" {
			t.Errorf("%v: got %s, want %s %d retry=%v", test.err, got.JSON(), test.kind, test.status, test.retry)
		}
	}
}
