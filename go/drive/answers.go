package drive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"bridge/fault"
)

// How long an answer of OpenDrive's may be, unpacked; a download may be any. The listing of a
// folder takes some 600 bytes for each file; one that is read as it comes (scan) is never in memory.
var (
	// scanLimit is for the listing of a whole folder. One that is longer is read by pages.
	scanLimit    int64 = 2 << 30
	listingLimit int64 = 256 << 20
	answerLimit  int64 = 4 << 20
	// entryLimit is for one entry of a listing that is read as it comes, which is in memory as a whole.
	entryLimit int64 = 4 << 20
)

// answerHead is how much of an answer is looked at before rclone gets it.
const answerHead = 16 << 10

const (
	listingPath  = "/folder/list.json/"
	downloadPath = "/download/file.json/"
)

// answers looks at what OpenDrive answers before rclone's backend does, which reads an answer
// of any length into memory, and takes an error with status 200, or JSON that is no listing at
// all, for an empty folder.
type answers struct{ http2ErrorTransport }

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.http2ErrorTransport.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if isDownload(req) && resp.StatusCode < 300 {
		return resp, nil
	}
	listing := strings.Contains(req.URL.Path, listingPath)
	limit := answerLimit
	switch {
	case resp.StatusCode >= 300:
		// What is wrong is told in few words.
	case listing && scanned(req.Context()):
		limit = scanLimit
	case listing:
		limit = listingLimit
	case strings.HasSuffix(req.URL.Path, archivePath):
		limit = maxArchive
	}
	bounded := &boundedBody{body: resp.Body, left: limit, limit: limit, what: anAnswer}
	buffered := bufio.NewReaderSize(bounded, answerHead)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{buffered, resp.Body}
	head, err := buffered.Peek(answerHead)
	if err != nil && err != io.EOF {
		// rclone finds it too, and knows what to do about it.
		return resp, nil
	}
	if resp.StatusCode >= 300 {
		judgeFailure(resp, head, err == io.EOF)
		return resp, nil
	}
	if err := judge(resp, head, err == io.EOF, listing); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// judgeFailure looks at an answer that is an error. The end of a session can come with any status, and what a
// server in front of the drive says is not about the call: it is as if the drive was away for a moment.
func judgeFailure(resp *http.Response, head []byte, whole bool) {
	if failure := errorIn(head, whole); failure != nil && failure.endOfSession() {
		withStatus(resp, http.StatusUnauthorized)
		return
	}
	if resp.StatusCode < 400 || !isHTML(resp.Header, head) {
		return
	}
	text := fmt.Sprintf("a server in front of the drive answers %d %s, in HTML", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode < 500 {
		withStatus(resp, http.StatusServiceUnavailable)
	}
	var answer struct {
		Error answerError `json:"error"`
	}
	answer.Error = answerError{resp.StatusCode, text}
	body, _ := json.Marshal(answer)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(body), resp.Body}
	resp.ContentLength = int64(len(body))
}

func isHTML(header http.Header, head []byte) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<"))
}

func withStatus(resp *http.Response, code int) {
	resp.StatusCode, resp.Status = code, fmt.Sprintf("%d %s", code, http.StatusText(code))
}

// judge tells what is wrong with an answer that claims to be good, by its beginning. One with an
// error in it gets the status of that error.
func judge(resp *http.Response, head []byte, whole, listing bool) error {
	if failure := errorIn(head, whole); failure != nil {
		code := http.StatusInternalServerError
		if failure.endOfSession() {
			code = http.StatusUnauthorized
		} else if failure.Code >= 400 && failure.Code < 600 {
			code = failure.Code
		}
		withStatus(resp, code)
		return nil
	}
	if !listing || !whole {
		return nil
	}
	if len(bytes.TrimSpace(head)) == 0 {
		// Perhaps it only broke off: rclone tries again for what is wrapped.
		return fmt.Errorf("the server's answer is empty, where a listing should be: %w", io.ErrUnexpectedEOF)
	}
	var found struct{ Folders, Files, DirUpdateTime json.RawMessage }
	// What is no JSON, or breaks off, rclone finds by itself.
	if err := json.Unmarshal(head, &found); err == nil && found.Folders == nil && found.Files == nil && found.DirUpdateTime == nil {
		return fault.New(fault.Other, "", fmt.Sprintf("the server's answer is not a listing: %.60q", head))
	}
	return nil
}

type answerError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// endOfSession tells whether an error is that a session is over.
func (e *answerError) endOfSession() bool {
	return strings.Contains(e.Message, "Session does not exist") || strings.Contains(e.Message, "please re-login")
}

// errorIn finds the drive's error object in an answer.
func errorIn(head []byte, whole bool) *answerError {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	switch {
	case whole && (json.Unmarshal(head, &answer) != nil || answer.Error == nil || string(answer.Error) == "null"):
		return nil
	case !whole && !bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte(`{"error":`)):
		return nil
	}
	// Without a code that is understood it is an error all the same.
	failure := new(answerError)
	_ = json.Unmarshal(answer.Error, failure)
	return failure
}

// boundedBody is a body that ends with an error when it is longer than it may be.
type boundedBody struct {
	body        io.Reader
	left, limit int64
	what        string
}

func (b *boundedBody) Read(buffer []byte) (int, error) {
	if b.left <= 0 {
		// The end may be just here.
		if n, err := b.body.Read(make([]byte, 1)); n == 0 && err != nil {
			return 0, err
		}
		return 0, &tooLongError{fault.New(fault.Other, "", fmt.Sprintf("%s is longer than %d MiB", b.what, b.limit>>20)), b.what}
	}
	n, err := b.body.Read(buffer[:min(int64(len(buffer)), b.left)])
	b.left -= int64(n)
	return n, err
}

// What may be too long.
const (
	anAnswer = "the server's answer"
	anEntry  = "an entry of the server's listing"
)

// tooLongError is the end of what is longer than it may be.
type tooLongError struct {
	cause *fault.Error
	what  string
}

func (e *tooLongError) Error() string { return e.cause.Error() }
func (e *tooLongError) Unwrap() error { return e.cause }

// errNoSession is a login that succeeded and gave nothing to go on with.
var errNoSession = errors.New("the server accepted the login and gave no session")
