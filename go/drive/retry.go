package drive

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/fs/fspath"
	"github.com/rclone/rclone/lib/pacer"

	"bridge/fault"
)

// How what fails is tried again. What happens is decided here; whoever uses it is thin.
//
//	what                        after                          how often           waits                why
//	a call to OpenDrive         driveRetryCodes, a connection  driveTries          the backoff, below   a drive may be away for some seconds
//	                            that breaks or times out
//	... that answers 401        the end of the session         with each new one,  not at all           one login for all who wait (session.go)
//	                            (a refused login is final)     renewals are few
//	opening a remote            the same, but 401              OpenTries           as a call            its login must not be sent again when refused
//	making a folder             as a call, but the parent is   driveTries          the backoff          asked twice, the drive makes two
//	                            looked at before each try
//	a download that breaks off  any error while its bytes      ReadTries           the backoff          goes on where it stopped
//	                            come
//	an upload whose content is  what may pass, and what does   3 times             0.5 s, 1 s (store)   above this layer: src/connector/store/spool.rs
//	at hand                     not match its hash                                                      and src/connector/destination/upload.rs
//	an upload that is streamed  never whole: each of its calls is tried again, and what a lost answer left is looked for (writers.go)
//
// The backoff is one for all calls of a remote: after a failure nothing is sent for a while, which doubles with
// each failure that follows and halves with each success. A server that says how long (Retry-After)
// is obeyed. Whoever waits and is cancelled leaves at once.
const (
	// driveMinSleep is between any two calls, as in rclone's backend.
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

// withOneTry makes the calls of a backend that is opened not be tried again where that is needed: the
// login is one of them, and a refused one would be sent again and again. tune sets the tries of
// the later calls. crypt and others have the remote that they wrap in an option.
func withOneTry(ctx context.Context, backend string, options map[string]string) context.Context {
	if backend != opendriveName && !slices.ContainsFunc(slices.Collect(maps.Values(options)), namesOpenDrive) {
		return ctx
	}
	ctx, ci := fs.AddConfig(ctx)
	ci.LowLevelRetries = 1
	return ctx
}

// namesOpenDrive tells whether an option is an OpenDrive remote written out (":opendrive,username=…:path"),
// or one that wraps it.
func namesOpenDrive(option string) bool {
	parsed, err := fspath.Parse(option)
	return err == nil && (parsed.Name == ":"+opendriveName || slices.ContainsFunc(slices.Collect(maps.Values(parsed.Config)), namesOpenDrive))
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
	mu    sync.Mutex
	sleep time.Duration
	until time.Time
}

// Calculate takes the end of a call, and gives the space until the next one.
func (b *backoff) Calculate(state pacer.State) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sleep = max(b.sleep, driveMinSleep)
	var expired *expiredError
	var final *fault.Error
	switch now := time.Now(); {
	case errors.As(state.LastError, &expired), errors.As(state.LastError, &final):
		// There is a new session by now, or there will never be one: no reason to slow down.
	case state.ConsecutiveRetries == 0:
		b.sleep = max(b.sleep/2, driveMinSleep)
	// A call that fails within the pause began before it: that is no further failure.
	case now.After(b.until):
		b.sleep = min(2*b.sleep, driveMaxSleep)
		b.until = now.Add(jittered(b.sleep))
	}
	var asked *waitError
	if errors.As(state.LastError, &asked) {
		if until := time.Now().Add(asked.wait); until.After(b.until) {
			b.until = until
		}
	}
	return min(b.sleep, driveMaxSpace)
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

// refusedLogin tells whether an error is a login that was refused.
func refusedLogin(err error) bool {
	var refusal *opendrive.Error
	return errors.As(err, &refusal) && refusal.Info.Code == http.StatusUnauthorized
}
