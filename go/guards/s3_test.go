package guards

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/object"
)

// httpStatus is an error of a server's, as those of S3's library are.
type httpStatus int

func (s httpStatus) Error() string       { return fmt.Sprintf("StatusCode: %d", int(s)) }
func (s httpStatus) HTTPStatusCode() int { return int(s) }

// The backend lists a bucket of another region as an empty one.
func TestS3BucketsOfAnotherRegion(t *testing.T) {
	file := fs.DirEntries{object.NewMemoryObject("bucket/a", time.Unix(1_700_000_000, 0), nil)}
	elsewhere := fmt.Errorf("operation error S3: %w", httpStatus(301))
	for name, test := range map[string]struct {
		f         *fixed
		dir       string
		questions int
		region    bool
	}{
		"another region":        {&fixed{asked: elsewhere}, "bucket", 1, true},
		"not asked at once":     {&fixed{late: elsewhere}, "bucket", 1, true},
		"empty":                 {&fixed{asked: fs.ErrorObjectNotFound}, "bucket", 1, false},
		"nothing may be asked":  {&fixed{asked: httpStatus(403)}, "bucket", 1, false},
		"something is there":    {&fixed{asked: httpStatus(301), entries: file}, "bucket", 0, false},
		"above all buckets":     {&fixed{asked: httpStatus(301)}, "", 0, false},
		"a location of its own": {&fixed{asked: httpStatus(301), root: "bucket"}, "", 0, false},
	} {
		test.f.features.ListP = func(context.Context, string, fs.ListRCallback) error { return nil }
		f := behind(t, guardS3, test.f)
		entries, err := f.List(context.Background(), test.dir)
		if (err != nil) != test.region || len(entries) != len(test.f.entries) || (err != nil && !strings.Contains(err.Error(), "another region")) {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
		if test.f.questions != test.questions {
			t.Errorf("%s: asked %d times", name, test.f.questions)
		}
		if past := f.Features().ListP != nil; past != (test.f.root != "") {
			t.Errorf("%s: what wraps it lists past the guard: %v", name, past)
		}
	}
}
