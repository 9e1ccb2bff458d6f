package drive

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"bridge/fault"
)

// presence is whether the drive is there at all. Each call is tried for as long as a short failure lasts; but once nothing at
// all has come for longer than that, every further call would wait as long for the same answer.
type presence struct {
	mu sync.Mutex
	// failures and since are of what has failed since the last answer.
	failures int
	since    time.Time
	// path is that of the first of them, several tells that another one failed too: one file that the drive cannot give says
	// nothing of the drive.
	path    string
	several bool
	// open is how many requests are on their way, idle since when there is none.
	open int
	idle time.Time
	// asked is when a request was last let through while the drive is lost, cause what it had last said.
	asked time.Time
	cause error
}

// begins takes note of a request that is sent. Its end is told to ends.
func (p *presence) begins() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
}

func (p *presence) ends() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.idle = time.Now()
}

// answered takes note of an answer of the drive, whatever it says.
func (p *presence) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = 0
}

// failed takes note of a request without an answer, and gives what its error becomes.
func (p *presence) failed(req *http.Request, what error) error {
	if req.Context().Err() != nil {
		return what
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failures++; p.failures == 1 {
		p.since, p.path, p.several = time.Now(), req.URL.Path, false
	}
	p.several = p.several || req.URL.Path != p.path
	p.cause, p.asked = what, time.Now()
	if !p.away(awayTime) {
		return what
	}
	return p.err()
}

// lost tells whether a request is not worth making: the drive has been away for long, and was asked a moment ago.
func (p *presence) lost() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == 0 && time.Since(p.idle) >= awayTime {
		// Nobody has asked for a while. What failed before that says nothing of now.
		p.failures = 0
	}
	if !p.away(lostTime) {
		return nil
	}
	if now := time.Now(); now.Sub(p.asked) > driveMaxSleep {
		p.asked = now
		return nil
	}
	return p.err()
}

// away tells whether nothing has come for so long; call with the lock held.
func (p *presence) away(long time.Duration) bool {
	return p.several && p.failures >= driveTries && time.Since(p.since) >= long
}

func (p *presence) err() error {
	message := fmt.Sprintf("the drive has not answered for %v: %s", time.Since(p.since).Round(time.Second), fault.Message(p.cause))
	return &awayError{&fault.Error{Kind: fault.Away, Message: message, Retry: true}}
}

// awayError is the failure of a request while the drive is away. It is not tried again on any level of rclone's; the same
// may succeed later.
type awayError struct{ cause *fault.Error }

func (e *awayError) Error() string         { return e.cause.Error() }
func (e *awayError) Unwrap() error         { return e.cause }
func (e *awayError) NoLowLevelRetry() bool { return true }

func isAway(err error) bool {
	var away *awayError
	return errors.As(err, &away)
}
