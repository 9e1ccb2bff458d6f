package fault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	iofs "io/fs"
	"net"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
)

// Kind says what sort of failure an error is. The Rust side has an enum with the same names.
type Kind string

// The kinds of failure.
const (
	NotFound       Kind = "notFound"       // the file or folder does not exist
	Exists         Kind = "exists"         // something of that name is there already
	IsFile         Kind = "isFile"         // a folder was expected and a file is there
	Authentication Kind = "authentication" // the server refused the credentials
	Undecryptable  Kind = "undecryptable"  // nothing in a folder can be decrypted with the password
	Permission     Kind = "permission"     // the account may not do this
	RateLimited    Kind = "rateLimited"    // the server asks to slow down
	NameTooLong    Kind = "nameTooLong"    // the remote cannot hold a name of this length
	NoSpace        Kind = "noSpace"        // the remote is full
	TooLarge       Kind = "tooLarge"       // the remote has less room left than this file takes
	VolumeUsedUp   Kind = "volumeUsedUp"   // no more may be downloaded today
	Away           Kind = "away"           // nothing has come from the server for a while
	Timeout        Kind = "timeout"        // the server or the network did not answer in time
	Corrupt        Kind = "corrupt"        // size or hash differ from what they should be
	Cancelled      Kind = "cancelled"      // the caller gave up
	Config         Kind = "config"         // the configuration is wrong
	Handle         Kind = "handle"         // an unknown or closed handle
	Unsupported    Kind = "unsupported"    // the backend cannot do this
	Other          Kind = "other"
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
// is not fit for a terminal is escaped in Rust (terminal/src/text.rs).
func (e *Error) JSON() string {
	text, err := json.Marshal(e)
	if err != nil {
		return `{"kind":"other","message":"an error that cannot be written as JSON"}`
	}
	return string(text)
}

func New(kind Kind, path, message string) *Error {
	return &Error{Kind: kind, Path: path, Message: message}
}

// AsError turns any error into an *Error with a kind; path is what it was about.
func As(err error, path string) *Error {
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
	retry := kind == RateLimited || kind == Timeout ||
		(kind == Other && (fserrors.IsRetryError(err) || fserrors.ShouldRetry(err)))
	return &Error{Kind: kind, Path: path, Message: Message(err), Status: status, Retry: retry}
}

// Classifier finds the kind of an error that a service gave, and its HTTP status; false if the error is not the service's.
type Classifier func(err error) (kind Kind, status int, found bool)

var classifiers []Classifier

// Register adds a classifier. Call it from an init function: nothing guards the list.
func Register(known Classifier) { classifiers = append(classifiers, known) }

// classify finds the kind of an error of rclone's, and the HTTP status if a server gave one.
func classify(err error) (Kind, int) {
	for _, known := range classifiers {
		if kind, status, found := known(err); found {
			return kind, status
		}
	}
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return Cancelled, 0
	case errors.Is(err, fs.ErrorObjectNotFound), errors.Is(err, fs.ErrorDirNotFound), errors.Is(err, iofs.ErrNotExist):
		return NotFound, 0
	case errors.Is(err, fs.ErrorIsFile), errors.Is(err, syscall.ENOTDIR):
		return IsFile, 0
	case errors.Is(err, fs.ErrorIsDir), errors.Is(err, fs.ErrorDirExists), errors.Is(err, fs.ErrorDirectoryNotEmpty), errors.Is(err, iofs.ErrExist), errors.Is(err, syscall.EISDIR):
		return Exists, 0
	case errors.Is(err, fs.ErrorPermissionDenied), errors.Is(err, iofs.ErrPermission):
		return Permission, 0
	case errors.Is(err, fs.ErrorFileNameTooLong), errors.Is(err, syscall.ENAMETOOLONG):
		return NameTooLong, 0
	case errors.Is(err, syscall.ENOSPC):
		return NoSpace, 0
	case errors.Is(err, fs.ErrorNotImplemented), errors.Is(err, fs.ErrorCantSetModTime), errors.Is(err, fs.ErrorCantSetModTimeWithoutDelete):
		return Unsupported, 0
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return Timeout, 0
	}
	return Other, 0
}

// Message is what is told of an error: one line, without secrets.
func Message(err error) string {
	text := err.Error()
	var request *url.Error
	if problem := cmp.Or(certificateProblem(err), bareProblem(err)); problem != "" {
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
	return strings.Join(strings.Fields(Redact(text)), " ")
}

func Recovered(cause any) *Error {
	return New(Other, "", Redact(fmt.Sprintf("a bug: panic in the Go code: %v", cause)))
}
