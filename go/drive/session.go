package drive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/lib/rest"
	"golang.org/x/time/rate"

	"bridge/fault"
)

const (
	// sessionHead is how much of a request's body is searched for the session id: it stands in a
	// small JSON body, or in a form field before the file (rest.MultipartUpload).
	sessionHead = 64 << 10
	loginPath   = "/session/login.json"
	logoutPath  = "/session/logout.json"
)

// session keeps an OpenDrive remote logged in. rclone's backend writes the id of its first session into every
// request and never logs in again; here the id is replaced in each request on its way out, so that
// objects, uploads and listings go on with a new session as if nothing had happened.
type session struct {
	client  *rest.Client
	account opendrive.Account
	ctx     context.Context
	// held is asked before each request.
	held     *backoff
	presence *presence
	logins   *rate.Limiter
	// first is the id that the backend writes.
	first string
	// turn holds one token: whoever has it may read and change what follows.
	turn       chan struct{}
	current    string
	generation int
	begun      time.Time
	// ended is the session that was logged out of, if any. A remote that is used again, as rclone's cache may give one,
	// begins another.
	ended string
	// refused is set when a new login was refused: no other is tried.
	refused error
	// failing is why the last login in place of a session that had ended failed, in a way that may pass; nil once one has succeeded.
	failing error
	// notBefore is until when the drive, which said so when that login failed, wants no other.
	notBefore time.Time
}

// expiredError is the answer 401 of a call whose session has ended.
type expiredError struct{ cause *opendrive.Error }

func (e *expiredError) Error() string { return e.cause.Error() }
func (e *expiredError) Unwrap() error { return e.cause }

// noSessionError is the answer 401 of a call whose session has ended, while a new login fails in a way that may pass. It has the
// status of a drive that is busy: nothing is wrong with user name and password.
type noSessionError struct{ cause *opendrive.Error }

func (e *noSessionError) Error() string { return e.cause.Error() }
func (e *noSessionError) Unwrap() error { return e.cause }

// sessionEnded tells whether a call was refused for its session, so that nothing of it was done.
func sessionEnded(err error) bool {
	var expired *expiredError
	var none *noSessionError
	return errors.As(err, &expired) || errors.As(err, &none)
}

type generationKey struct{}

// keepSession hooks into the client of a remote that has just logged in; ctx carries rclone's
// options for the logins to come.
func keepSession(ctx context.Context, client *rest.Client, id string, account opendrive.Account, held *backoff, presence *presence) *session {
	fault.KeepSecret(id)
	s := &session{
		client:   client,
		account:  account,
		ctx:      context.WithoutCancel(ctx),
		held:     held,
		presence: presence,
		logins:   rate.NewLimiter(rate.Every(loginPause), loginBurst),
		first:    id,
		turn:     make(chan struct{}, 1),
		current:  id,
		begun:    time.Now(),
	}
	client.SetSigner(s.sign)
	client.SetErrorHandler(s.failed)
	return s
}

// sign puts the current session into a request, when its time has come.
func (s *session) sign(req *http.Request) error {
	if strings.HasSuffix(req.URL.Path, loginPath) || strings.HasSuffix(req.URL.Path, logoutPath) {
		return nil
	}
	if err := s.presence.lost(); err != nil {
		return err
	}
	if err := s.held.wait(req.Context()); err != nil {
		return err
	}
	if err := s.lock(req.Context()); err != nil {
		return err
	}
	if time.Since(s.begun) > sessionLife && s.refused == nil {
		// Should it fail, the old session may still do, and nobody tries again until it has ended.
		s.begun = time.Now()
		_ = s.login()
	}
	id, generation, refused := s.current, s.generation, s.refused
	s.unlock()
	if refused != nil {
		return refused
	}
	*req = *req.WithContext(context.WithValue(req.Context(), generationKey{}, generation))
	if id == s.first {
		return nil
	}
	return replaceSession(req, s.first, id)
}

// replaceSession replaces a session id in the address and the body of a request.
func replaceSession(req *http.Request, old, id string) error {
	req.URL.Path = strings.Replace(req.URL.Path, old, id, 1)
	req.URL.RawPath = strings.Replace(req.URL.RawPath, old, id, 1)
	req.URL.RawQuery = strings.Replace(req.URL.RawQuery, old, id, 1)
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	head := make([]byte, sessionHead)
	n, err := io.ReadFull(req.Body, head)
	whole := err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !whole {
		return err
	}
	replaced := bytes.Replace(head[:n], []byte(old), []byte(id), 1)
	if req.ContentLength > 0 {
		req.ContentLength += int64(len(replaced) - n)
	}
	with := func(rest io.ReadCloser) io.ReadCloser {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(replaced), rest), rest}
	}
	req.Body = with(req.Body)
	if original := req.GetBody; original != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			rest, err := original()
			if err != nil {
				return nil, err
			}
			if _, err := io.CopyN(io.Discard, rest, int64(n)); err != nil {
				return nil, err
			}
			return with(rest), nil
		}
	}
	return nil
}

// failed reads an error of the server's. If the session has ended there is a new one when it
// returns, and the backend, which tries again after a 401, uses it.
func (s *session) failed(resp *http.Response) error {
	failure := &opendrive.Error{}
	// A body that is not JSON is told of by its status.
	_ = rest.DecodeJSON(resp, &failure)
	if failure.Info.Code == 0 {
		failure.Info.Code = resp.StatusCode
	}
	if failure.Info.Message == "" {
		failure.Info.Message = "Unknown " + resp.Status
	}
	if resp.StatusCode == http.StatusUnauthorized {
		generation, ours := resp.Request.Context().Value(generationKey{}).(int)
		if !ours {
			return failure
		}
		renewed, failing, err := s.renew(resp.Request.Context(), generation)
		switch {
		case err != nil:
			return err
		case renewed:
			return &expiredError{failure}
		case failing != nil:
			failure.Info.Code = http.StatusServiceUnavailable
			failure.Info.Message = "the session has ended, and a new login fails for now: " + fault.Message(failing)
			none := &noSessionError{failure}
			// What the drive asks of the login is asked of all that waits for it.
			var asked *waitError
			if errors.As(failing, &asked) {
				return &waitError{none, asked.wait}
			}
			return none
		}
	}
	if wait := retryAfter(resp.Header); wait > 0 {
		return &waitError{failure, wait}
	}
	return failure
}

// renew logs in again, once for all who find the same session ended. It tells whether there is a
// new session, and if not why the login fails, in a way that may pass. Without either there were too many logins.
func (s *session) renew(ctx context.Context, generation int) (renewed bool, failing, err error) {
	if err := s.lock(ctx); err != nil {
		return false, nil, err
	}
	defer s.unlock()
	if s.generation != generation {
		return true, nil, nil
	}
	if s.refused != nil {
		return false, nil, s.refused
	}
	if time.Now().Before(s.notBefore) || !s.logins.Allow() {
		return false, s.failing, nil
	}
	s.failing = s.login()
	var asked *waitError
	if errors.As(s.failing, &asked) {
		s.notBefore = time.Now().Add(asked.wait)
	}
	if reason := refusedLogin(s.failing); reason != "" {
		s.refused = fault.New(fault.Authentication, "", "the session has ended, and a new login was refused: "+reason)
		return false, nil, s.refused
	}
	return s.failing == nil, s.failing, nil
}

// login begins a new session; call with the token.
func (s *session) login() error {
	ctx, cancel := context.WithTimeout(s.ctx, loginTime)
	defer cancel()
	var answer opendrive.UserSessionInfo
	_, err := s.client.CallJSON(ctx, &rest.Opts{Method: http.MethodPost, Path: loginPath}, &s.account, &answer)
	if err != nil {
		return err
	}
	if answer.SessionID == "" {
		return errNoSession
	}
	fault.KeepSecret(answer.SessionID)
	s.current, s.begun = answer.SessionID, time.Now()
	s.generation++
	s.failing = nil
	return nil
}

// logout ends the session. It waits for no more than that the request is on its way, over a connection that is open.
func (s *session) logout() {
	ctx, cancel := context.WithTimeout(s.ctx, loginTime)
	if s.lock(ctx) != nil {
		cancel()
		return
	}
	id := s.current
	again := s.ended == id
	s.ended = id
	s.unlock()
	if again {
		cancel()
		return
	}
	sent := make(chan struct{})
	told := sync.OnceFunc(func() { close(sent) })
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { told() },
	})
	go func() {
		defer cancel()
		defer told()
		request := struct {
			Session string `json:"session_id"`
		}{id}
		// Nothing follows from how it ends: a session that is left alone ends by itself.
		_, _ = s.client.CallJSON(ctx, &rest.Opts{Method: http.MethodPost, Path: logoutPath, NoResponse: true}, &request, nil)
	}()
	select {
	case <-sent:
	case <-time.After(logoutTime):
	}
}

func (s *session) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *session) unlock() { <-s.turn }
