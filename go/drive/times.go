package drive

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/rest"
)

// oldest is the oldest time that the drive takes: it refuses what is before 1970 (rclone issue 2296).
var oldest = time.Unix(0, 0)

// nearest gives the nearest time to one that the drive takes, in the whole seconds that it keeps.
func nearest(t time.Time) time.Time {
	if t.Before(oldest) {
		return oldest
	}
	return time.Unix(t.Unix(), 0)
}

// SetTime gives a file a modification time, and tells which one it has then: a drive that refuses that time leaves the
// content as it is, with the nearest time that it takes.
func SetTime(ctx context.Context, f fs.Fs, o fs.Object, t time.Time) (time.Time, error) {
	if Of(f) == nil {
		return t, o.SetModTime(ctx, t)
	}
	before := o.ModTime(ctx)
	kept := nearest(t)
	err := o.SetModTime(ctx, kept)
	if statusOf(err) == http.StatusBadRequest {
		return before, nil
	}
	return kept, err
}

// settings gives a file its time and its access in one call. Neither is worth losing the content for: what the drive
// refuses (400) stays as it is.
func (d *Drive) settings(ctx context.Context, id string, modTime time.Time) (*record, error) {
	request := struct {
		Session  string `json:"session_id"`
		File     string `json:"file_id"`
		ModTime  string `json:"file_modification_time"`
		IsPublic int    `json:"file_ispublic"`
	}{d.id, id, strconv.FormatInt(modTime.Unix(), 10), d.access()}
	answer := new(record)
	_, err := d.call(ctx, &rest.Opts{Method: http.MethodPut, Path: "/file/filesettings.json"}, &request, answer)
	if statusOf(err) == http.StatusBadRequest {
		return nil, nil
	}
	return answer, err
}

// setAccess says who may see a file.
func (d *Drive) setAccess(ctx context.Context, id string) error {
	request := struct {
		Session  string `json:"session_id"`
		File     string `json:"file_id"`
		IsPublic int    `json:"file_ispublic"`
	}{d.id, id, d.access()}
	_, err := d.post(ctx, "/file/access.json", &request, nil)
	return err
}
