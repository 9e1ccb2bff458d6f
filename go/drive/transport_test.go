package drive

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bridge/checks"
	"bridge/fault"
)

const (
	viewOnly = "Your user access enables you only to view this folder, please contact your administrator to change it"
	sayOver  = `{"error":{"code":401,"message":"Session does not exist, please re-login."}}`
)

// For a minute and more the drive refuses every call, without a word about how long.
func TestThrottled(t *testing.T) {
	for name, refusal := range map[string]struct {
		status int
		text   string
	}{"429": {429, "Too many requests"}, "403": {403, "API rate limit exceeded"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				d := on(t, s)
				begun := time.Now()
				s.before = func(string, int) (int, string) {
					if time.Since(begun) < 2*time.Minute {
						return refusal.status, refusal.text
					}
					return 0, ""
				}
				all(t, 20, func() error {
					_, err := d.list(t.Context(), "")
					return err
				}, func(err error) bool { return err == nil })
				if took, calls := time.Since(begun), len(strings.Fields(s.made())); took > 3*time.Minute || calls > 20*16 {
					t.Error(took, calls)
				}
				// It never ends: one error, once, after some minutes.
				s.before = func(string, int) (int, string) { return refusal.status, refusal.text }
				begun = time.Now()
				_, err := uploaded(t.Context(), d, "a", "abc", modified)
				if checks.HasKind(t, err, fault.RateLimited); time.Since(begun) < throttlePatience || time.Since(begun) > throttlePatience+time.Minute {
					t.Error(time.Since(begun), err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				begun = time.Now()
				_, err = d.list(ctx, "")
				if err == nil || time.Since(begun) != 90*time.Second {
					t.Error(time.Since(begun), err)
				}
			})
		})
	}
}

// Too many downloads are no reason to hold anything else back.
func TestTooManyDownloadsAreLeftToOthers(t *testing.T) {
	s := newServer()
	s.before = func(string, int) (int, string) { return 429, "Too many downloads from same IP" }
	synctest.Test(t, func(t *testing.T) {
		d := on(t, s)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://drive.test"+downloadPath+"F1", nil)
		checks.OK(t, err)
		ended := checks.Started(func() error {
			_, err := d.connections.Do(req) //nolint:bodyclose // there is none
			return err
		})
		time.Sleep(time.Minute)
		if calls := s.made(); waited(t, d.held) != 0 || len(strings.Fields(calls)) < 3 {
			t.Error(calls)
		}
		checks.HasKind(t, fault.As(<-ended, ""), fault.RateLimited)
	})
}

func TestWritesThatAreRefusedAtRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		begun := time.Now()
		s.before = func(call string, _ int) (int, string) {
			if time.Since(begun) < 40*time.Second && call != "folder/list" && call != "file/info" {
				return 403, viewOnly
			}
			return 0, ""
		}
		checks.OK(t, d.makeFolder(t.Context(), "sub"))
		o, err := uploaded(t.Context(), d, "sub/a", "abc", modified)
		checks.OK(t, err)
		begun = time.Now()
		kept, err := d.remote.Move(t.Context(), o, "sub/b")
		checks.OK(t, err)
		begun = time.Now()
		checks.OK(t, kept.Remove(t.Context()))
		// In the middle of an upload too.
		begun = time.Now().Add(-39 * time.Second)
		_, err = uploaded(t.Context(), d, "sub/c", strings.Repeat("x", 3<<20), modified)
		checks.OK(t, err)
	})
}

// What was waited because there were too many calls is no reason to believe the first refusal of a write.
func TestWritesThatAreRefusedAfterTooManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		begun := time.Now()
		s.before = func(string, int) (int, string) {
			switch passed := time.Since(begun); {
			case passed < writePatience+10*time.Second:
				return 429, "Too many requests"
			case passed < writePatience+30*time.Second:
				return 403, viewOnly
			}
			return 0, ""
		}
		_, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.OK(t, err)
	})
}

// Nor is what was waited for that after it. The last refusals last longer than any hold, so that one of them is seen.
func TestWritesThatAreRefusedBeforeTooManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		begun := time.Now()
		before, after := 0, 0
		s.before = func(string, int) (int, string) {
			switch passed := time.Since(begun); {
			case passed < 5*time.Second:
				before++
				return 403, viewOnly
			case passed < writePatience+10*time.Second:
				return 429, "Too many requests"
			case passed < writePatience+30*time.Second:
				after++
				return 403, viewOnly
			}
			return 0, ""
		}
		_, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.OK(t, err)
		if before == 0 || after == 0 {
			t.Error(before, after)
		}
	})
}

// A refusal that is meant is believed after a minute, and then at once.
func TestWritesThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		s.before = func(string, int) (int, string) { return 403, viewOnly }
		for _, most := range []time.Duration{writePatience + maxPersistPause, time.Second, time.Second} {
			begun := time.Now()
			_, err := uploaded(t.Context(), d, "a", "abc", modified)
			if checks.HasKind(t, err, fault.Permission); time.Since(begun) > most {
				t.Error(time.Since(begun))
			}
		}
		// Once something was written there, it is not believed so easily.
		s.before = nil
		d.refusals = refusals{}
		_, err := uploaded(t.Context(), d, "b", "abc", modified)
		checks.OK(t, err)
		s.before = func(string, int) (int, string) { return 403, viewOnly }
		for range 2 {
			begun := time.Now()
			_, err := uploaded(t.Context(), d, "c", "abc", modified)
			if checks.HasKind(t, err, fault.Permission); time.Since(begun) < writePatience {
				t.Error(time.Since(begun))
			}
		}
		// These are meant.
		for _, text := range []string{"Permission denied", "Account users cannot do this"} {
			s.before = func(string, int) (int, string) { return 403, text }
			begun := time.Now()
			_, err := uploaded(t.Context(), d, "c", "abc", modified)
			if checks.HasKind(t, err, fault.Permission); time.Since(begun) > time.Second {
				t.Error(time.Since(begun))
			}
		}
	})
}

// What was made a moment ago may not be found.
func TestWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		old := s.has(rootID, "old", "abc")
		o, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.OK(t, err)
		unknown := time.Now().Add(20 * time.Second)
		s.before = func(call string, _ int) (int, string) {
			if time.Now().Before(unknown) && (call == "file/info" || call == "file/rename") {
				return 404, "File does not exist"
			}
			return 0, ""
		}
		begun := time.Now()
		if _, err := d.info(t.Context(), old.id); statusOf(err) != 404 || time.Since(begun) > time.Second {
			t.Error(err, time.Since(begun))
		}
		_, err = d.info(t.Context(), ID(o))
		checks.OK(t, err)
		if took := time.Since(begun); took < 20*time.Second || took > 29*time.Second {
			t.Error(took)
		}
		// Gone is gone.
		time.Sleep(freshPatience)
		unknown, begun = time.Now().Add(time.Hour), time.Now()
		if _, err := d.info(t.Context(), ID(o)); statusOf(err) != 404 || time.Since(begun) > time.Second {
			t.Error(err, time.Since(begun))
		}
	})
	if names(`{"file_id":"F12"}`, "F1") || !names(`{"file_id":"F1"}`, "F1") || !names("/file.json/S/F1", "F1") || names("F12F1", "F1") || names("x", "") {
		t.Error("an id in another")
	}
}

// What a server in front of the drive says is not about the session, nor about the call.
func TestAnswersInHTML(t *testing.T) {
	for _, status := range []int{401, 403, 404, 500, 502} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			s.before = func(_ string, count int) (int, string) {
				if count <= 3 {
					return status, "<html><body>no</body></html>"
				}
				return 0, ""
			}
			d := on(t, s)
			_, err := d.list(t.Context(), "")
			checks.OK(t, err)
			if calls := s.made(); strings.Contains(calls, "login") {
				t.Error(calls)
			}
		})
	}
}
