package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/fs/fshttp"
	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

// endpoint is where the backend sends its calls (defaultEndpoint in backend/opendrive/opendrive.go).
const endpoint = "https://dev.opendrive.com/api/v1"

// login has the backend log in, once: a refused login must not be sent again. What is no refusal of the login Open tries again, as any
// failure that may pass.
func login(ctx context.Context, theirs newFsFn, name string, config configmap.Mapper) (*opendrive.Fs, error) {
	once, ci := fs.AddConfig(ctx)
	ci.LowLevelRetries = 1
	f, err := theirs(once, name, "", config)
	spent.loggedIn(err)
	if err == nil {
		return f.(*opendrive.Fs), nil
	}
	if refused := refusedLogin(err); refused != "" {
		return nil, &fault.Error{Kind: fault.Authentication, Message: refused, Status: statusOf(err)}
	}
	err = notRefused(err)
	if statusOf(err) == http.StatusTooManyRequests {
		err = &waitError{err, askedWait(ctx)}
	}
	return nil, err
}

// notRefused makes of an answer to a login that says nothing of it what it is for any other call: a server in front of the drive is a drive that
// is away for a moment, and a rate limit is one whatever its status.
func notRefused(err error) error {
	var answer *opendrive.Error
	if !errors.As(err, &answer) {
		return err
	}
	passing := new(opendrive.Error)
	switch code := answer.Info.Code; {
	case code == http.StatusForbidden && isRateLimit(answer.Info.Message):
		passing.Info.Code, passing.Info.Message = http.StatusTooManyRequests, answer.Info.Message
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		passing.Info.Code = http.StatusServiceUnavailable
		passing.Info.Message = fmt.Sprintf("a server in front of the drive answers %d %s", code, http.StatusText(code))
	default:
		return err
	}
	return fserrors.RetryError(passing)
}

// askedWait tells how long the drive asks to be left alone that has refused a login as one call too many; 0 if it does not say. The backend
// keeps no header of an answer, so this is one more call, which needs neither a session nor a password.
func askedWait(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, infoTime)
	defer cancel()
	connections := fshttp.NewClient(ctx)
	connections.Transport = countingTransport{connections.Transport, &spent}
	defer connections.CloseIdleConnections()
	stayOnTLS(connections)
	request := struct {
		Session string `json:"session_id"`
	}{}
	answer, err := rest.NewClient(connections).SetRoot(endpoint).CallJSON(ctx, &rest.Opts{
		Method: http.MethodPost, Path: "/session/exists.json", IgnoreStatus: true, NoResponse: true,
	}, &request, nil)
	if err != nil || answer.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	return retryAfter(answer.Header)
}
