package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"regexp"
	"strconv"

	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// probed is the length from which on the rest of a chunk whose answer was lost is not simply sent again: its first byte
// goes alone. Either the drive takes it, or says where to go on.
const probed = 64 << 10

// bring sends the content and closes the upload.
func (u *upload) bring(ctx context.Context, first *chunk) (*record, error) {
	if u.known {
		stored, err := u.close(ctx)
		if err == nil || u.closing || !refusedForGood(err) {
			return stored, err
		}
		// It does not have that content after all.
		u.known = false
	}
	// The place that comes with the creation may be none, and the bytes of a file of several chunks do not come twice: until it has
	// taken a whole file, a place is asked for, as rclone's backend does.
	if u.location == "" || (first.length < u.size && !u.placeWorks.Load()) {
		if err := u.open(ctx); err != nil {
			return nil, err
		}
	}
	last, err := u.send(ctx, first)
	if err == nil {
		defer last.release()
		var stored *record
		if stored, err = u.finish(ctx, last); err == nil {
			if !u.opened && u.size > 0 && stored.holds(u.size, u.sum()) {
				u.placeWorks.Store(true)
			}
			return stored, nil
		}
	}
	if !u.opened && refusedForGood(err) {
		u.placeWorks.Store(false)
	}
	// A place is asked for if all bytes are still at hand.
	if u.opened || u.closing || first.length < u.size || !refusedForGood(err) {
		return nil, err
	}
	if err := u.open(ctx); err != nil {
		return nil, err
	}
	if _, err := u.send(ctx, first); err != nil {
		return nil, err
	}
	return u.finish(ctx, first)
}

// refusedForGood tells whether the drive has refused a call as one that cannot be.
func refusedForGood(err error) bool {
	status := statusOf(err)
	return status == http.StatusBadRequest || status == http.StatusNotFound
}

// send sends chunk after chunk, and gives the last one: it is kept until the upload is closed.
func (u *upload) send(ctx context.Context, c *chunk) (*chunk, error) {
	for offset := int64(0); ; {
		err := u.sendChunk(ctx, c, offset, offset)
		if offset == 0 && !u.opened && c.length < u.size && refusedForGood(err) {
			u.placeWorks.Store(false)
			// The rest has not come yet, so this is the time to ask for a place.
			if err = u.open(ctx); err == nil {
				err = u.sendChunk(ctx, c, 0, 0)
			}
		}
		if err != nil {
			if offset > 0 {
				c.release()
			}
			return nil, err
		}
		if offset += c.length; offset >= u.size {
			return c, nil
		}
		c.release()
		if c, err = u.next(ctx, offset); err != nil {
			return nil, err
		}
	}
}

// finish closes the upload; if the drive lacks some of the last chunk, after sending that again.
func (u *upload) finish(ctx context.Context, last *chunk) (*record, error) {
	for try := 1; ; try++ {
		stored, err := u.close(ctx)
		var missing *missingError
		begin := u.size - last.length
		if !errors.As(err, &missing) || missing.uploaded < begin || missing.uploaded >= u.size || try == maxMissing {
			return stored, err
		}
		if err := u.sendChunk(ctx, last, begin, missing.uploaded); err != nil {
			return nil, err
		}
	}
}

// maxMissing is how often the end of a file is sent again because the drive has not got it.
const maxMissing = 3

// sendChunk sends what the drive lacks of the chunk that begins at an offset, from one in it on.
func (u *upload) sendChunk(ctx context.Context, c *chunk, begin, at int64) error {
	end, probe, most := begin+c.length, false, at
	for tries := 1; at < end; {
		to := end
		if probe && end-at > probed {
			to = at + 1
		}
		written, mayPass, err := u.postChunk(ctx, c, begin, at, to)
		if err == nil {
			at, probe = at+written, false
			most = max(most, at)
			continue
		}
		if uploaded, told := uploadedIn(err); told && uploaded != at {
			if uploaded < begin || uploaded > end {
				return &fault.Error{Kind: fault.Other, Retry: true, Status: http.StatusBadRequest,
					Message: fmt.Sprintf("the drive has %d bytes of the file, where %d were sent", uploaded, at)}
			}
			// Two servers of the drive's that know different amounts would send it to and fro for ever.
			if uploaded <= most {
				if tries == driveTries {
					return &fault.Error{Kind: fault.Other, Retry: true, Status: http.StatusBadRequest,
						Message: fmt.Sprintf("the drive says once that it has %d bytes of the file, and once that it has %d", at, uploaded)}
				}
				tries++
			}
			at, probe, most = uploaded, false, max(most, uploaded)
			continue
		}
		if !mayPass || tries == driveTries {
			return err
		}
		tries++
		// After the end of a session nothing has arrived.
		probe = !sessionEnded(err)
	}
	return nil
}

// offsetText is how the drive says how much of a file it has: when a chunk does not begin there, and when a file is closed too early.
var offsetText = regexp.MustCompile(`uploaded=(\d+)`)

// uploadedIn reads how much of a file the drive has from an error.
func uploadedIn(err error) (int64, bool) {
	if statusOf(err) != http.StatusBadRequest {
		return 0, false
	}
	found := offsetText.FindStringSubmatch(err.Error())
	if found == nil {
		return 0, false
	}
	uploaded, err := strconv.ParseInt(found[1], 10, 64)
	return uploaded, err == nil
}

// postChunk sends a part of a chunk, and gives how much of it the drive has taken.
func (u *upload) postChunk(ctx context.Context, c *chunk, begin, from, to int64) (written int64, mayPass bool, err error) {
	length := to - from
	head, tail, contentType, err := u.form(from, length)
	if err != nil {
		return 0, false, err
	}
	body := func() io.Reader {
		return io.MultiReader(bytes.NewReader(head), c.section(from-begin, to-begin), bytes.NewReader(tail))
	}
	size := int64(len(head)) + length + int64(len(tail))
	var answer struct {
		Written *number `json:"TotalWritten"`
	}
	err = u.pacer.CallNoRetry(func() (bool, error) {
		var err error
		mayPass, err = u.attempt(withContent(ctx, length), &rest.Opts{
			Method: http.MethodPost, Path: "/upload/upload_file_chunk.json", ContentType: contentType, ContentLength: &size, Body: body(),
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(body()), nil },
		}, nil, &answer)
		return mayPass, err
	})
	if err != nil {
		return 0, mayPass, err
	}
	if answer.Written == nil {
		return length, false, nil
	}
	if written = int64(*answer.Written); written <= 0 || written > length {
		return 0, false, fault.New(fault.Other, "", fmt.Sprintf("the drive took %d bytes of %d that were sent", written, length))
	}
	return written, false, nil
}

// form gives what is around the bytes of a chunk in a request.
func (u *upload) form(offset, length int64) (head, tail []byte, contentType string, err error) {
	var written bytes.Buffer
	form := multipart.NewWriter(&written)
	for _, field := range [][2]string{
		{"session_id", u.Drive.id}, {"file_id", u.id}, {"temp_location", u.location},
		{"chunk_offset", strconv.FormatInt(offset, 10)}, {"chunk_size", strconv.FormatInt(length, 10)},
	} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			return nil, nil, "", err
		}
	}
	// The name in rclone's form, as its own backend sends it: there is no control character in it, which would break the header.
	if _, err := form.CreateFormFile("file_data", path.Base(u.path)); err != nil {
		return nil, nil, "", err
	}
	split := written.Len()
	err = form.Close()
	return written.Bytes()[:split], written.Bytes()[split:], form.FormDataContentType(), err
}
