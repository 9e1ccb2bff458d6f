package drive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"bridge/fault"
)

// The transports of a drive, from the outside in: retryingTransport, pages, answers, http2ErrorTransport, downloadTransport,
// timekeeper, countingTransport, onConnections, rclone's.

// http2ErrorTransport marks the failure of a whole HTTP/2 connection as one that may pass. It hits every call on the
// connection, and rclone's list of such failures (retriableErrorStrings in fs/fserrors/error.go) lacks it.
type http2ErrorTransport struct{ http.RoundTripper }

func (t http2ErrorTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	// "force closed", "lost", "not usable" in net/http/h2_bundle.go of Go 1.26; none of them is exported.
	if err != nil && strings.HasPrefix(err.Error(), "http2: client conn") {
		// One of the list's own texts, which net/http has for HTTP/1. Not wrapped: rclone looks at the innermost error.
		err = fmt.Errorf("transport connection broken: %v", err)
	}
	return resp, err
}

// CloseIdleConnections is what http.Client looks for.
func (t http2ErrorTransport) CloseIdleConnections() { closeIdle(t.RoundTripper) }

func closeIdle(transport http.RoundTripper) {
	(&http.Client{Transport: transport}).CloseIdleConnections()
}

// retryingTransport makes a request again that the drive has refused for the time being, as long as the table in retry.go
// says. Such a refusal can last for minutes, which is more than rclone's pacer tries; and it is one whatever call it is
// about, of ours or of rclone's backend.
type retryingTransport struct {
	http.RoundTripper
	drive *Drive
}

// CloseIdleConnections is what http.Client looks for.
func (p *retryingTransport) CloseIdleConnections() { closeIdle(p.RoundTripper) }

func (p *retryingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	p.drive.presence.begins()
	defer p.drive.presence.ends()
	waiting := patience{drive: p.drive, folder: folderOf(req.Context())}
	for {
		resp, err := p.RoundTripper.RoundTrip(req)
		if err != nil {
			var judged *fault.Error
			var other *otherAnswerError
			if errors.As(err, &other) || errors.As(err, &judged) && judged.Kind != fault.Away && judged.Kind != fault.Timeout {
				// It says what is wrong with an answer, so there was one, now or before: the drive is there.
				return resp, err
			}
			return resp, p.drive.presence.failed(req, err)
		}
		if resp.StatusCode >= http.StatusInternalServerError {
			answer := refusalIn(resp, req)
			if err := p.drive.presence.failed(req, errors.New(answer.message)); isAway(err) {
				_ = resp.Body.Close()
				return nil, err
			}
			return resp, nil
		}
		p.drive.presence.answered()
		if resp.StatusCode < 400 {
			p.drive.refusals.worked(req, waiting.folder)
			return resp, nil
		}
		answer := refusalIn(resp, req)
		wait, again := waiting.after(answer)
		if !again {
			if answer.throttled() {
				// The pacer would begin all over.
				_ = resp.Body.Close()
				return nil, fault.New(fault.RateLimited, "", fmt.Sprintf("the drive refused calls for %v: %s", throttlePatience, answer.message))
			}
			return resp, nil
		}
		next, ok := once(req)
		if !ok {
			return resp, nil
		}
		_ = resp.Body.Close()
		heldUp.say(fmt.Sprintf("the drive answers %d: %s; trying again", answer.status, answer.message))
		if answer.throttled() {
			p.drive.held.hold(wait)
			wait = 0
		}
		if err := pause(req.Context(), wait); err != nil {
			return nil, err
		}
		begun := time.Now()
		if err := p.drive.held.wait(req.Context()); err != nil {
			return nil, err
		}
		waiting.excuse(time.Since(begun))
		req = next
	}
}

// once gives a request that can be sent in place of one that was sent; false if its body cannot come twice.
func once(req *http.Request) (*http.Request, bool) {
	next := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return next, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	next.Body = body
	return next, err == nil
}

// refusal is an answer that is an error.
type refusal struct {
	status  int
	message string
	header  http.Header
	request *http.Request
}

// refusalIn reads an error answer, and leaves it as it was.
func refusalIn(resp *http.Response, req *http.Request) refusal {
	head, err := io.ReadAll(io.LimitReader(resp.Body, answerHead))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), after(rest, err)), rest}
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(head, &answer) != nil || answer.Error.Message == "" {
		answer.Error.Message = resp.Status
	}
	return refusal{resp.StatusCode, answer.Error.Message, resp.Header, req}
}

// broken is what is left of an answer that broke off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
