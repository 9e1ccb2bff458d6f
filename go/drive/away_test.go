package drive

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bridge/checks"
	"bridge/fault"
)

// Once the drive is away each call is tried once, whatever it is; as soon as it answers, all are tried again.
func TestDriveThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		o, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.OK(t, err)
		s.made()
		s.before = func(string, int) (int, string) { return 503, "<html>" }
		list := func() error { _, err := d.remote.List(t.Context(), ""); return err }
		put := func() error { _, err := uploaded(t.Context(), d, "b", "abc", modified); return err }
		read := func() error {
			in, err := o.Open(t.Context())
			if err == nil {
				_ = in.Close()
			}
			return err
		}
		tries := func(call func() error) (int, error) {
			t.Helper()
			err := call()
			return len(strings.Fields(s.made())), err
		}
		// A call that begins while it was there is tried as ever.
		if made, err := tries(list); made < driveTries || err == nil || isAway(err) {
			t.Error(made, err)
		}
		for time.Since(d.presence.since) < awayTime {
			if list() == nil {
				t.Fatal("the drive answered")
			}
		}
		s.made()
		for name, call := range map[string]func() error{"list": list, "put": put, "read": read} {
			begun := time.Now()
			made, err := tries(call)
			var known *fault.Error
			if made > 1 || time.Since(begun) > driveMaxSleep || !isAway(err) || !errors.As(err, &known) || !known.Retry || known.Kind != fault.Away {
				t.Errorf("%s: %d calls in %v: %v", name, made, time.Since(begun), err)
			}
			if !strings.Contains(fault.As(err, "").Message, "the drive has not answered for ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		// After some minutes one call asks for all.
		for time.Since(d.presence.since) < lostTime {
			if list() == nil {
				t.Fatal("the drive answered")
			}
		}
		s.made()
		begun := time.Now()
		for range 100 {
			if !isAway(list()) {
				t.Fatal("not away")
			}
		}
		if made, gone := len(strings.Fields(s.made())), time.Since(begun); made > 1 || gone > driveMaxSleep {
			t.Errorf("%d calls in %v", made, gone)
		}
		time.Sleep(driveMaxSleep + time.Second)
		// It is back for a moment, and away again: that may pass.
		s.before = nil
		checks.OK(t, list())
		s.made()
		s.before = func(_ string, count int) (int, string) {
			if count < 5 {
				return 503, "<html>"
			}
			return 0, ""
		}
		if made, err := tries(list); made != 5 || err != nil {
			t.Error(made, err)
		}
	})
}

// A file that has arrived whole is not removed because the drive went away before it said so.
func TestDriveGoesAwayAtTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		s.before = func(call string, _ int) (int, string) {
			if call != "upload/close_file_upload" {
				return 0, ""
			}
			d.presence.failures, d.presence.since = driveTries, time.Now().Add(-awayTime)
			return 503, "<html>"
		}
		_, err := uploaded(t.Context(), d, "a", "abc", modified)
		if !isAway(err) || strings.Contains(s.made(), "delete") {
			t.Error(err)
		}
	})
}
