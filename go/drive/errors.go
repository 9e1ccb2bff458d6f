package drive

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/rclone/rclone/backend/opendrive"

	"bridge/fault"
)

func init() { fault.Register(classify) }

// classify finds the kind of an error that OpenDrive's API gave.
func classify(err error) (kind fault.Kind, status int, found bool) {
	var refusal *opendrive.Error
	if !errors.As(err, &refusal) {
		return "", 0, false
	}
	return classifyStatus(refusal.Info.Code, refusal.Info.Message), refusal.Info.Code, true
}

// isFull finds what a full drive may say, whose words are not known. A sentence about white space in a name is none of that.
var isFull = regexp.MustCompile(`(?i)\b(not enough|insufficient|no|out of) ((free|disk|storage) )?space\b|\bquota\b`)

// classifyStatus reads an answer of OpenDrive's: its HTTP status and its message.
func classifyStatus(code int, message string) fault.Kind {
	switch code {
	case http.StatusUnauthorized:
		return fault.Authentication
	case http.StatusForbidden:
		return fault.Permission
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Exists
	case http.StatusTooManyRequests:
		return fault.RateLimited
	case http.StatusInsufficientStorage:
		return fault.NoSpace
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return fault.Timeout
	}
	switch {
	case isFull.MatchString(message):
		return fault.NoSpace
	case strings.Contains(strings.ToLower(message), "too long"):
		return fault.NameTooLong
	}
	return fault.Other
}
