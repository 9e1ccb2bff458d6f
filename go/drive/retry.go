package drive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/lib/pacer"

	"bridge/fault"
)

// How what fails is tried again. All figures are here, and the table says who acts on them.
//
//	what                        after                          how often           waits                why
//	a call to OpenDrive         driveRetryCodes, a connection  driveTries          the backoff, below   a drive may be away for some seconds
//	                            that breaks or times out
//	... that answers 401        the end of the session         with each new one,  not at all           one login for all who wait (session.go)
//	                            (a refused login is final)     renewals are few
//	... while the new login     the same                       driveTries          the backoff, or     the drive is busy: nothing is wrong with the
//	fails for now                                                                  Retry-After of the  password (session.go)
//	                                                                               login
//	... to a drive from which   the same                       not at all          as a call           it is away, and waiting would give the
//	nothing came for awayTime                                                                          same answer (away.go)
//	... for lostTime            never                                          driveMaxSleep       one call asks for all
//	opening a remote            the same, and 401 or 403 that  OpenTries           as a call            its login must not be sent again when refused
//	(login.go)                  does not refuse the login
//	any call (transport.go,     429, 403 "rate limit"          throttlePatience    Retry-After, or 50  the drive sheds load: all calls are held back
//	patience.go)                                                                   ms to 15 s, for all
//	... a write                 403 "only to view this         writePatience,      1 s to 15 s          at random the drive says so of any folder; one that was
//	                            folder"                        in a folder where                        refused to the end and never written to is believed
//	                                                           that makes sense
//	... of what was made        404                            freshPatience       0.5 s to 8 s         the drive does not know it yet
//	by this process                                            after it was made
//	... an answer in HTML       as 503, never a login          as a call           as a call            it is a server in front of the drive that says so
//	making a folder             as a call, but the parent is   driveTries          the backoff          asked twice, the drive makes two
//	                            looked at before each try
//	a chunk of an upload        as a call; one byte of it      driveTries          the backoff          "uploaded=N" tells where to go on: what has
//	                            first                                                                   arrived is not sent again
//	the close of an upload      a time-out, 423, 5xx: the      closePatience, and  1 s to 30 s          it works on, for minutes, and refuses the same
//	                            file is looked at              more for more                            call meanwhile; never begun again, never removed
//	a download too many         429 "Too many downloads"       refusedTime         until its turn       an address may have six; nothing else is held
//	(downloads_transport.go)                                                       has come             back (downloads.go)
//	a download, all others too  the daily volume is used up    never               volumePause and      nothing is sent until the drive is asked again
//	                                                                               more                 (downloads_answers.go)
//	a download that breaks off  any error while its bytes      ReadTries           the backoff          goes on where it stopped
//	                            come
//	an upload whose content is  what may pass, and what does   3 times             0.5 s, 1 s (store)   above this layer: src/connector/retry.rs
//	at hand                     not match its hash
//	an upload that is streamed  never whole: each of its calls is tried again, and what a lost answer left is looked for (close.go)
//
// The backoff is one for all calls of a remote: after a failure nothing is sent for a while, which doubles with
// each failure that follows and halves with each success. A server that says how long (Retry-After)
// is obeyed. Whoever waits and is cancelled leaves at once.
const (
	// driveMinSleep is between any two calls, as in rclone's backend, unless the option pacer_min_sleep says otherwise.
	driveMinSleep = 10 * time.Millisecond
	// driveMaxSpace is between two calls while some fail.
	driveMaxSpace = 100 * time.Millisecond
	// driveMaxSleep is the longest pause: a drive that does not answer is an error that the user should see.
	driveMaxSleep = 5 * time.Second
	// driveMaxRetryAfter bounds what a server may ask for.
	driveMaxRetryAfter = 2 * time.Minute
	// driveTries makes it 10 to 20 s until a call is given up.
	driveTries = 12
	OpenTries  = 12
	// awayTime is how long nothing has come from a drive that is away, of two different things at least. It is more than a call
	// is tried for. When nothing was asked for as long, it is not known whether the drive is away.
	awayTime = 30 * time.Second
	// lostTime is from when on it is only asked once in driveMaxSleep, and all other calls fail at once.
	lostTime = 5 * time.Minute

	// throttlePatience is how long calls are held back that the drive refuses because there are too many. The
	// wait doubles from throttlePause to maxPersistPause; that for a write that is refused from persistPause on.
	throttlePatience = 5 * time.Minute
	throttlePause    = 50 * time.Millisecond
	persistPause     = time.Second
	maxPersistPause  = 15 * time.Second
	// writePatience is how long a write is tried again that the drive says is not allowed: bursts of such answers last tens of seconds.
	writePatience = time.Minute
	// freshPatience is how long what was just made may be unknown.
	freshPatience   = 30 * time.Second
	unknownPause    = 500 * time.Millisecond
	maxUnknownPause = 8 * time.Second
	// closePatience is how long the end of an upload is waited for, and closePatienceGiB what each GiB adds.
	closePatience    = 30 * time.Minute
	closePatienceGiB = 10 * time.Minute
	closePause       = time.Second
	maxClosePause    = 30 * time.Second
	// closeAgain is after how long an upload that is being processed is closed once more: that work may have been lost.
	closeAgain = 4 * time.Minute
	// logoutTime is how long the end of a remote waits until its logout is sent.
	logoutTime = 200 * time.Millisecond

	// sessionLife is how old a session gets before it is renewed without being asked to: it would
	// end in the middle of something.
	sessionLife = 6 * time.Hour
	// loginTime bounds a login.
	loginTime = time.Minute
	// loginBurst new sessions may begin one after another, then one in each loginPause: an account
	// must not be locked because some call answers 401 whatever the session.
	loginBurst = 10
	loginPause = 10 * time.Second
)

// driveRetryCodes are the answers after which the backend tries again, its retryErrorCodes.
var driveRetryCodes = []int{401, 408, 423, 429, 500, 502, 503, 504}

// again tells whether a call to OpenDrive may succeed when tried again, as the backend's shouldRetry does.
func again(ctx context.Context, answer *http.Response, err error) bool {
	return !fserrors.ContextError(ctx, &err) && (fserrors.ShouldRetry(err) || fserrors.ShouldRetryHTTP(answer, driveRetryCodes))
}

// ReadTries is how often a download of so many bytes is taken up where it stopped: more often the longer it takes.
func ReadTries(size int64) int {
	return 10 + int(max(size, 0)>>26)
}

// retryAfter is how long the server asks to wait, 0 if it does not: in seconds or as a date (RFC 9110, 10.2.3).
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(max(seconds, 0), int(driveMaxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = time.Until(date)
	}
	return min(max(wait, 0), driveMaxRetryAfter)
}

// waitError is the error of a server that says how long to wait. rclone's own (pacer.RetryAfterError) says in
// its text that the call is tried again, also when it is not.
type waitError struct {
	cause error
	wait  time.Duration
}

func (e *waitError) Error() string { return e.cause.Error() }
func (e *waitError) Unwrap() error { return e.cause }

// jittered is a pause of half to all of a time, so that those who were thrown out together do not
// come back together.
func jittered(pause time.Duration) time.Duration {
	return pause/2 + rand.N(pause/2+1)
}

// pause waits, and tells why if the wait was cancelled.
func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff holds the calls of one remote back while they fail. It is the calculator of the remote's
// pacer, which tells it how calls end, but the waiting is not left to the pacer: that cannot be
// cancelled, and lets calls through one by one, so that many of them would wait for each other's pauses.
type backoff struct {
	// least is the least time between two calls, driveMinSleep if it is not set.
	least time.Duration

	mu    sync.Mutex
	sleep time.Duration
	until time.Time
}

// Calculate takes the end of a call, and gives the space until the next one.
func (b *backoff) Calculate(state pacer.State) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	least := cmp.Or(b.least, driveMinSleep)
	b.sleep = max(b.sleep, least)
	var expired *expiredError
	var final *fault.Error
	switch now := time.Now(); {
	case errors.As(state.LastError, &expired), errors.As(state.LastError, &final):
		// There is a new session by now, or there will never be one: no reason to slow down.
	case state.ConsecutiveRetries == 0:
		b.sleep = max(b.sleep/2, least)
	default:
		if !isAway(state.LastError) {
			heldUp.say(fmt.Sprintf("the drive answers: %s; trying again (failures in a row: %d)", fault.Message(state.LastError), state.ConsecutiveRetries))
		}
		// A call that fails within the pause began before it: that is no further failure.
		if now.After(b.until) {
			b.sleep = min(2*b.sleep, driveMaxSleep)
			b.until = now.Add(jittered(b.sleep))
		}
	}
	var asked *waitError
	if errors.As(state.LastError, &asked) {
		if until := time.Now().Add(asked.wait); until.After(b.until) {
			b.until = until
		}
	}
	if isAway(state.LastError) {
		// The calls that fail at once need no space between them.
		return least
	}
	return max(least, min(b.sleep, driveMaxSpace))
}

// hold lets nothing be sent for a time.
func (b *backoff) hold(wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(wait); until.After(b.until) {
		b.until = until
	}
}

// wait returns when calls may be sent.
func (b *backoff) wait(ctx context.Context) error {
	for {
		b.mu.Lock()
		left := time.Until(b.until)
		b.mu.Unlock()
		if err := pause(ctx, left); err != nil || left <= 0 {
			return err
		}
	}
}

// refusedLogin tells what is wrong with a login that was refused for good; "" if another may succeed.
func refusedLogin(err error) string {
	var refusal *opendrive.Error
	// Of no error too.
	if !errors.As(err, &refusal) || strings.HasPrefix(refusal.Info.Message, notJSON) {
		return ""
	}
	// The backend's own words for it say nothing to who reads them.
	said := strings.TrimPrefix(fault.Message(err), "failed to create session: ")
	switch {
	case refusal.Info.Code == http.StatusUnauthorized:
		return said
	case refusal.Info.Code == http.StatusForbidden && !isRateLimit(refusal.Info.Message):
		return captchaWanted + said
	}
	return ""
}

// notJSON begins the message that the backend makes up for an answer without one, as those of a server in front of
// the drive are (errorHandler in backend/opendrive/opendrive.go).
const notJSON = "Unknown "

// captchaWanted is what a login is answered with 403 for.
const captchaWanted = "the drive refuses the login until you have logged in on the website once (https://www.opendrive.com), where it may ask for a captcha: "
