package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	iofs "io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
)

// Kind says what sort of failure an error is. The Rust side has an enum with the same names.
type Kind string

// The kinds of failure.
const (
	KindNotFound       Kind = "notFound"       // the file or folder does not exist
	KindExists         Kind = "exists"         // something of that name is there already
	KindIsFile         Kind = "isFile"         // a folder was expected and a file is there
	KindAuthentication Kind = "authentication" // the server refused the credentials
	KindPermission     Kind = "permission"     // the account may not do this
	KindRateLimited    Kind = "rateLimited"    // the server asks to slow down
	KindNameTooLong    Kind = "nameTooLong"    // the remote cannot hold a name of this length
	KindNoSpace        Kind = "noSpace"        // the remote is full
	KindTimeout        Kind = "timeout"        // the server or the network did not answer in time
	KindCorrupt        Kind = "corrupt"        // size or hash differ from what they should be
	KindCancelled      Kind = "cancelled"      // the caller gave up
	KindConfig         Kind = "config"         // the configuration is wrong
	KindHandle         Kind = "handle"         // an unknown or closed handle
	KindUnsupported    Kind = "unsupported"    // the backend cannot do this
	KindOther          Kind = "other"
)

// Error is what every failing call answers, as JSON.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
	// Status is the HTTP status that the server gave, 0 if there was none.
	Status int `json:"status,omitempty"`
	// Retry tells that the same call may succeed later.
	Retry bool `json:"retry,omitempty"`
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// JSON gives the error as a JSON object. Its message may hold anything that a server says: what
// is not fit for a terminal is escaped in Rust (src/text.rs).
func (e *Error) JSON() string {
	text, err := json.Marshal(e)
	if err != nil {
		return `{"kind":"other","message":"an error that cannot be written as JSON"}`
	}
	return string(text)
}

func newError(kind Kind, path, message string) *Error {
	return &Error{Kind: kind, Path: path, Message: message}
}

// AsError turns any error into an *Error with a kind; path is what it was about.
func AsError(err error, path string) *Error {
	var known *Error
	if errors.As(err, &known) {
		if known.Path == "" && path != "" {
			copied := *known
			copied.Path = path
			return &copied
		}
		return known
	}
	kind, status := classify(err)
	retry := kind == KindRateLimited || kind == KindTimeout ||
		(kind == KindOther && (fserrors.IsRetryError(err) || fserrors.ShouldRetry(err)))
	return &Error{Kind: kind, Path: path, Message: message(err), Status: status, Retry: retry}
}

// classify finds the kind of an error of rclone's, and the HTTP status if a server gave one.
func classify(err error) (Kind, int) {
	var drive *opendrive.Error
	if errors.As(err, &drive) {
		return classifyStatus(drive.Info.Code, drive.Info.Message), drive.Info.Code
	}
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return KindCancelled, 0
	case errors.Is(err, fs.ErrorObjectNotFound), errors.Is(err, fs.ErrorDirNotFound), errors.Is(err, iofs.ErrNotExist):
		return KindNotFound, 0
	case errors.Is(err, fs.ErrorIsFile), errors.Is(err, syscall.ENOTDIR):
		return KindIsFile, 0
	case errors.Is(err, fs.ErrorIsDir), errors.Is(err, fs.ErrorDirExists), errors.Is(err, fs.ErrorDirectoryNotEmpty), errors.Is(err, iofs.ErrExist), errors.Is(err, syscall.EISDIR):
		return KindExists, 0
	case errors.Is(err, fs.ErrorPermissionDenied), errors.Is(err, iofs.ErrPermission):
		return KindPermission, 0
	case errors.Is(err, fs.ErrorFileNameTooLong), errors.Is(err, syscall.ENAMETOOLONG):
		return KindNameTooLong, 0
	case errors.Is(err, syscall.ENOSPC):
		return KindNoSpace, 0
	case errors.Is(err, fs.ErrorNotImplemented), errors.Is(err, fs.ErrorCantSetModTime), errors.Is(err, fs.ErrorCantSetModTimeWithoutDelete):
		return KindUnsupported, 0
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return KindTimeout, 0
	}
	return KindOther, 0
}

// classifyStatus reads an answer of OpenDrive's: its HTTP status and its message.
func classifyStatus(code int, message string) Kind {
	switch code {
	case http.StatusUnauthorized:
		return KindAuthentication
	case http.StatusForbidden:
		return KindPermission
	case http.StatusNotFound:
		return KindNotFound
	case http.StatusConflict:
		return KindExists
	case http.StatusTooManyRequests:
		return KindRateLimited
	case http.StatusInsufficientStorage:
		return KindNoSpace
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return KindTimeout
	}
	lower := strings.ToLower(message)
	switch {
	case strings.Contains(lower, "space") || strings.Contains(lower, "quota"):
		return KindNoSpace
	case strings.Contains(lower, "too long"):
		return KindNameTooLong
	}
	return KindOther
}

// message is what is told of an error: one line, without secrets.
func message(err error) string {
	text := err.Error()
	var request *url.Error
	if problem := certificateProblem(err); problem != "" {
		text = problem
	} else if errors.As(err, &request) {
		// An address has the session id in it, which may not be known yet. The host tells enough.
		host := "the server"
		if address, parseErr := url.Parse(request.URL); parseErr == nil && address.Host != "" {
			host = address.Host
		}
		text = strings.ReplaceAll(text, strconv.Quote(request.URL), host)
		text = strings.ReplaceAll(text, request.URL, host)
	}
	return strings.Join(strings.Fields(redact(text)), " ")
}

func recovered(cause any) *Error {
	return newError(KindOther, "", redact(fmt.Sprintf("a bug: panic in the Go code: %v", cause)))
}
