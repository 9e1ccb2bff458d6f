package drive

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// missingError is the answer to the close of an upload of which the drive has too little.
type missingError struct {
	cause    error
	uploaded int64
}

func (e *missingError) Error() string { return e.cause.Error() }
func (e *missingError) Unwrap() error { return e.cause }

// close ends the upload: with the content that was sent, or with that which the drive knows. A large file keeps the
// drive at work for minutes; the call may end before that, and its repetition is refused. So after an answer that is
// none the file is looked at, until it is what was sent.
func (u *upload) close(ctx context.Context) (*record, error) {
	patience := closePatience + time.Duration(u.size>>30)*closePatienceGiB
	begun, wait := time.Now(), closePause
	tries, processing := 0, false
	for {
		tries++
		stored, mayPass, err := u.closeOnce(ctx)
		if err == nil {
			return stored, nil
		}
		locked := statusOf(err) == http.StatusLocked
		mayPass = mayPass || isAway(err)
		processing = processing || locked
		expired := sessionEnded(err)
		switch {
		case expired && tries < driveTries:
			continue
		case isAway(err) && u.size <= wholeFile:
			// Perhaps it has closed the file all the same.
			u.closing = true
			return nil, err
		case locked || mayPass && !expired:
			u.closing = true
		case !u.closing || expired:
			return nil, missing(err)
		case missing(err) != err:
			// So it is not at work.
			u.closing = false
			return nil, missing(err)
		}
		// What is refused after an answer was lost was done, or is being done.
		refused := !locked && !mayPass
		looking := time.Now()
		for looks := 0; ; looks++ {
			if looks > 0 || locked || tries > 1 && u.size > wholeFile {
				if err := pause(ctx, wait); err != nil {
					return nil, err
				}
				wait = pauseAfter(wait, maxClosePause)
			}
			found, infoErr := u.info(ctx, u.id)
			if infoErr == nil && found.holds(u.size, u.sum()) && (found.finished() || refused) {
				return found, nil
			}
			if infoErr != nil && cancelled(ctx, infoErr) {
				return nil, infoErr
			}
			switch {
			case refused && time.Since(looking) > 2*freshPatience && u.created && infoErr == nil && found.Size != nil && found.Hash != nil && *found.Hash != "":
				// It was done, with other bytes than were sent: nothing else can be in a file that is ours. Whoever called compares, and removes it.
				return found, nil
			case refused && time.Since(looking) > 2*freshPatience, !processing && u.size <= wholeFile && tries >= driveTries:
				return nil, err
			case time.Since(begun) > patience:
				return nil, fault.New(fault.Timeout, "", fmt.Sprintf("the drive has all bytes, and has not made a file of them for %v: %s", patience, fault.Message(err)))
			}
			if !refused && (!locked || time.Since(looking) > closeAgain) {
				break
			}
		}
	}
}

// finished tells whether a record is not that of an upload which goes on. An empty file may look like one.
func (r *record) finished() bool {
	return r.Hash != nil && (*r.Hash != "" || r.Size != nil && *r.Size > 0)
}

// missing tells how much the drive has, if that is what an error says.
func missing(err error) error {
	if uploaded, told := uploadedIn(err); told {
		return &missingError{err, uploaded}
	}
	return err
}

func (u *upload) closeOnce(ctx context.Context) (stored *record, mayPass bool, err error) {
	request := struct {
		Session  string `json:"session_id"`
		File     string `json:"file_id"`
		Size     int64  `json:"file_size"`
		Location string `json:"temp_location,omitempty"`
		ModTime  int64  `json:"file_time"`
		Hash     string `json:"file_hash"`
	}{u.Drive.id, u.id, u.size, u.location, u.modTime.Unix(), u.sum()}
	if u.known {
		request.Location = ""
	}
	stored = new(record)
	err = u.pacer.CallNoRetry(func() (bool, error) {
		var err error
		mayPass, err = u.attempt(ctx, &rest.Opts{Method: http.MethodPost, Path: "/upload/close_file_upload.json"}, &request, stored)
		// That one file is being processed is no reason to slow down.
		return mayPass && statusOf(err) != http.StatusLocked, err
	})
	return stored, mayPass, err
}
