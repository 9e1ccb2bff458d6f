package drive

import (
	"errors"
	"net/http"
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
	lower := strings.ToLower(message)
	switch {
	case strings.Contains(lower, "space") || strings.Contains(lower, "quota"):
		return fault.NoSpace
	case strings.Contains(lower, "too long"):
		return fault.NameTooLong
	}
	return fault.Other
}
