package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/lib/pacer"
	"github.com/rclone/rclone/lib/rest"

	"bridge/checks"
	"bridge/fault"
)

var (
	wentWrong = pacer.State{ConsecutiveRetries: 1, LastError: checks.DriveError(503, "busy")}
	wentWell  = pacer.State{}
)

// waited is how long the backoff holds a call back.
func waited(t *testing.T, b *backoff) time.Duration {
	t.Helper()
	begun := time.Now()
	checks.OK(t, b.wait(t.Context()))
	return time.Since(begun)
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(backoff)
		if got := waited(t, b); got != 0 {
			t.Error("waits without a reason", got)
		}
		total, last := time.Duration(0), time.Duration(0)
		for try := range driveTries - 1 {
			space := b.Calculate(wentWrong)
			// Others that were on their way fail as well, and make it no worse.
			for range 20 {
				b.Calculate(wentWrong)
			}
			want := min(driveMinSleep<<(try+1), driveMaxSleep)
			last = waited(t, b)
			if last < want/2 || last > want || space > driveMaxSpace {
				t.Errorf("try %d: waits %v of %v, then %v between calls", try, last, want, space)
			}
			total += last
			time.Sleep(time.Millisecond)
		}
		if total < 10*time.Second || total > 21*time.Second {
			t.Error("a call is given up after", total)
		}
		for range 20 {
			b.Calculate(wentWell)
		}
		if space := b.Calculate(wentWell); space != driveMinSleep || waited(t, b) != 0 {
			t.Error("still waits", space)
		}
		// Neither the end of a session nor a refused login is a reason to wait.
		b.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: &expiredError{new(opendrive.Error)}})
		b.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: fault.New(fault.Authentication, "", "x")})
		if got := waited(t, b); got != 0 {
			t.Error(got)
		}
	})
}

func TestBackoffObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(backoff)
		b.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: &waitError{checks.DriveError(429, "x"), time.Minute}})
		// What succeeds meanwhile was sent before.
		b.Calculate(wentWell)
		if got := waited(t, b); got != time.Minute {
			t.Error(got)
		}
		b.Calculate(wentWell)
		if got := waited(t, b); got != 0 {
			t.Error(got)
		}
	})
}

func TestBackoffIsLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(backoff)
		b.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: &waitError{checks.DriveError(429, "x"), time.Minute}})
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		result := checks.Started(func() error { return b.wait(ctx) })
		time.Sleep(time.Second)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Error(err, time.Since(begun))
		}
	})
}

func TestRetryAfterHeader(t *testing.T) {
	// In a bubble no time passes between the date and the look at it.
	synctest.Test(t, func(t *testing.T) {
		date := func(in time.Duration) string { return time.Now().Add(in).UTC().Format(http.TimeFormat) }
		for value, want := range map[string]time.Duration{
			"": 0, "soon": 0, "-5": 0, "0": 0, "3": 3 * time.Second, "86400": driveMaxRetryAfter, "99999999999": driveMaxRetryAfter,
			date(-time.Hour): 0, date(time.Hour): driveMaxRetryAfter, date(30 * time.Second): 30 * time.Second,
		} {
			if got := retryAfter(http.Header{"Retry-After": {value}}); (got - want).Abs() > 2*time.Second {
				t.Errorf("%q: %v, want %v", value, got, want)
			}
		}
	})
}

// account is a server in memory: logins, and calls that answer as it says.
type account struct {
	logins atomic.Int64
	// login is done at each login, which then gives this session and status.
	login func(number int64) (session string, status int)
	// valid tells whether a session is good.
	valid func(session string) bool
	calls sync.Map
	// retryAfter is the header of that name of each answer to a login.
	retryAfter string
}

func (a *account) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
	if strings.HasSuffix(req.URL.Path, loginPath) {
		id, status := a.login(a.logins.Add(1))
		resp, err := answer(status, fmt.Sprintf(`{"SessionID":%q,"error":{"code":%d,"message":"Invalid username or password"}}`, id, status))
		resp.Header.Set("Retry-After", a.retryAfter)
		return resp, err
	}
	id := req.URL.Query().Get("session_id")
	count, _ := a.calls.LoadOrStore(id, new(atomic.Int64))
	count.(*atomic.Int64).Add(1)
	if !a.valid(id) {
		return answer(http.StatusUnauthorized, `{"error":{"code":401,"message":"Session has expired"}}`)
	}
	return answer(http.StatusOK, `{}`)
}

// of is how many calls came with a session.
func (a *account) of(session string) int64 {
	if count, found := a.calls.Load(session); found {
		return count.(*atomic.Int64).Load()
	}
	return 0
}

// client gives a remote's client and pacer on the account, logged in as "first".
func (a *account) client(t *testing.T) func() error {
	client := rest.NewClient(&http.Client{Transport: a}).SetRoot("https://drive.test")
	held := new(backoff)
	p := fs.NewPacer(t.Context(), held)
	// The pacer's last timer must have gone off when the bubble ends.
	t.Cleanup(func() { time.Sleep(driveMaxSpace) })
	p.SetRetries(driveTries)
	keepSession(t.Context(), client, "first", opendrive.Account{Username: "u", Password: "p"}, held, new(presence))
	d := &Drive{fields: fields{client: client, pacer: p}}
	return func() error {
		_, err := d.post(t.Context(), "/x.json?session_id=first", map[string]any{"n": bytes.Repeat([]byte("x"), 10)}, nil)
		return err
	}
}

// all makes many calls at once, each of which must end as it should.
func all(t *testing.T, count int, do func() error, want func(error) bool) {
	t.Helper()
	var group sync.WaitGroup
	for range count {
		group.Go(func() {
			if err := do(); !want(err) {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestOldSessionIsRenewedBeforeItBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{valid: func(string) bool { return true }}
		a.login = func(int64) (string, int) {
			// The others wait for it.
			time.Sleep(time.Second)
			return "second", http.StatusOK
		}
		do := a.client(t)
		all(t, 20, do, func(err error) bool { return err == nil })
		time.Sleep(sessionLife - time.Minute)
		all(t, 20, do, func(err error) bool { return err == nil })
		if a.of("first") != 40 || a.logins.Load() != 0 {
			t.Error("renewed too early", a.of("first"), a.logins.Load())
		}
		time.Sleep(time.Minute)
		all(t, 20, do, func(err error) bool { return err == nil })
		if a.of("first") != 40 || a.of("second") != 20 || a.logins.Load() != 1 {
			t.Error(a.of("first"), a.of("second"), a.logins.Load())
		}
	})
}

// A session that is good although it is old goes on, and the login that fails is not made again and again.
func TestOldSessionStaysWhenTheLoginFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{valid: func(string) bool { return true }}
		a.login = func(int64) (string, int) { return "", http.StatusUnauthorized }
		do := a.client(t)
		time.Sleep(sessionLife + time.Minute)
		all(t, 20, do, func(err error) bool { return err == nil })
		if a.of("first") != 20 || a.logins.Load() != 1 {
			t.Error(a.of("first"), a.logins.Load())
		}
	})
}

func TestRefusedLoginIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{valid: func(string) bool { return false }}
		a.login = func(int64) (string, int) { return "", http.StatusUnauthorized }
		do := a.client(t)
		begun := time.Now()
		refused := func(err error) bool { return err != nil && fault.As(err, "").Kind == fault.Authentication }
		all(t, 20, do, refused)
		sent := a.of("first")
		all(t, 20, do, refused)
		// Those that had been sent before, and none since.
		if sent > 20 || a.of("first") != sent || a.logins.Load() != 1 || time.Since(begun) > 5*time.Second {
			t.Error(sent, a.of("first"), a.logins.Load(), time.Since(begun))
		}
	})
}

// A session that ends while the drive takes no login for a moment is no refusal of user name and password.
func TestALoginThatFailsForNowIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{valid: func(id string) bool { return id == "second" }}
		a.login = func(int64) (string, int) { return "", http.StatusServiceUnavailable }
		do := a.client(t)
		all(t, 20, do, func(err error) bool {
			known := fault.As(err, "")
			return err != nil && known.Kind != fault.Authentication && known.Retry && strings.Contains(known.Message, "a new login fails for now")
		})
		a.login = func(int64) (string, int) { return "second", http.StatusOK }
		time.Sleep(time.Minute)
		all(t, 20, do, func(err error) bool { return err == nil })
	})
}

// A login that the drive asks to wait with waits, and so does all that waits for it.
func TestALoginIsNotMadeBeforeTheDriveWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		a := &account{valid: func(id string) bool { return id == "second" }, retryAfter: "60"}
		a.login = func(int64) (string, int) {
			if time.Since(begun) < time.Minute {
				return "", http.StatusServiceUnavailable
			}
			return "second", http.StatusOK
		}
		all(t, 20, a.client(t), func(err error) bool { return err == nil })
		if took := time.Since(begun); a.logins.Load() != 2 || took < time.Minute || took > time.Minute+driveMaxSleep {
			t.Error(a.logins.Load(), took)
		}
	})
}

// A server that answers 401 whatever the session is not flooded with logins.
func TestLoginsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{valid: func(string) bool { return false }}
		a.login = func(number int64) (string, int) { return "session" + string(rune('a'+number)), http.StatusOK }
		do := a.client(t)
		begun := time.Now()
		all(t, 20, do, func(err error) bool { return err != nil && fault.As(err, "").Kind == fault.Authentication })
		if most := loginBurst + int64(time.Since(begun)/loginPause) + 1; a.logins.Load() > most {
			t.Errorf("%d logins in %v", a.logins.Load(), time.Since(begun))
		}
	})
}

// The least time between two calls is an option, with bounds.
func TestMinSleep(t *testing.T) {
	for value, want := range map[string]time.Duration{"": driveMinSleep, "1ms": time.Millisecond, "0.5s": time.Second / 2, "1s500ms": 1500 * time.Millisecond, "10": 10 * time.Second} {
		got, err := minSleepIn(configmap.Simple{minSleepOption: value})
		checks.OK(t, err)
		if got != want {
			t.Errorf("%q: %v", value, got)
		}
		b := &backoff{least: got}
		if space := b.Calculate(pacer.State{}); space != want {
			t.Errorf("%q: calls %v apart", value, space)
		}
		if space := b.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: errors.New("x")}); space < want || space > max(want, driveMaxSpace) {
			t.Errorf("%q: calls that fail %v apart", value, space)
		}
	}
	for _, value := range []string{"0", "0.9ms", "10.1s", "-10ms", "off", "fast", "1m"} {
		_, err := minSleepIn(configmap.Simple{minSleepOption: value})
		checks.HasKind(t, err, fault.Config)
	}
}
