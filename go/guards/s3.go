package guards

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/fault"
)

// guardS3 makes a bucket of another region an error. Where the base is above all buckets, the S3 backend lists such a bucket as an empty one
// (list in backend/s3/s3.go).
func guardS3(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		f, err := open(ctx, name, root, config)
		if f == nil || f.Root() != "" {
			return f, err
		}
		all := allBuckets{before(f)}
		// What wraps it lists by List then.
		all.features.ListP = nil
		return all, err
	}
}

// allBuckets is an S3 remote whose base is above all buckets.
type allBuckets struct{ guarded }

// nobodysName is one that no file has.
const nobodysName = ".plakar-opendrive-asks"

func (a allBuckets) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := a.Fs.List(ctx, dir)
	if err != nil || len(entries) > 0 || dir == "" {
		return entries, err
	}
	// To a question after a file there is an answer.
	nobodys, err := a.Fs.NewObject(ctx, path.Join(dir, nobodysName))
	if err == nil {
		// With no_head_object nothing was asked yet.
		var body io.ReadCloser
		if body, err = nobodys.Open(ctx); err == nil {
			_ = body.Close()
		}
	}
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusMovedPermanently {
		return nil, fault.New(fault.Other, "", "the bucket is in another region than the remote, and cannot be listed beside others: give it a location of its own, rclone:///BUCKET")
	}
	return entries, nil
}
