package drive

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/fs"

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
		s.hasFolder(rootID, "other")
		other := func() error { _, err := d.remote.List(t.Context(), "other"); return err }
		checks.OK(t, other())
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
			if other() == nil {
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

// A folder or file that the drive never gives is no drive that is away, also where nothing else is asked for.
func TestOneThatFailsIsNotTheDrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		bad := s.hasFolder(rootID, "bad")
		works := true
		d := on(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			if !works && strings.HasSuffix(req.URL.Path, "/"+bad) {
				return answer(req, 503, "Busy"), nil
			}
			return s.RoundTrip(req)
		}))
		list := func(path string) error { _, err := d.remote.List(t.Context(), path); return err }
		checks.OK(t, list("bad"))
		works = false
		for begun := time.Now(); time.Since(begun) < lostTime+awayTime; {
			if err := list("bad"); err == nil || isAway(err) {
				t.Fatal(err)
			}
		}
		checks.OK(t, list(""))
	})
}

// A drive that gives no more downloads today answers: whoever can wait for tomorrow must be told so each time.
func TestAUsedUpVolumeIsNoDriveThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		files := []fs.Object{}
		for _, name := range []string{"a", "b"} {
			file, err := uploaded(t.Context(), d, name, "abc", modified)
			checks.OK(t, err)
			files = append(files, file)
		}
		s.before = func(call string, _ int) (int, string) {
			if call == "download/file" {
				return 200, usedUp
			}
			return 0, ""
		}
		for begun := time.Now(); time.Since(begun) < 2*awayTime; time.Sleep(5 * time.Second) {
			for _, file := range files {
				in, err := file.Open(t.Context())
				if err == nil {
					_ = in.Close()
				}
				checks.HasKind(t, err, fault.VolumeUsedUp)
			}
		}
	})
}

// answeredWith gives two files of a drive that answers each download with one byte, and calls it this range.
func answeredWith(t *testing.T, text, contentRange string) []fs.Object {
	t.Helper()
	s := newServer()
	d := on(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		if !strings.Contains(req.URL.Path, downloadPath) {
			return s.RoundTrip(req)
		}
		resp := plainAnswer(http.StatusPartialContent, text, "application/octet-stream")
		resp.Header.Set("Content-Range", contentRange)
		resp.Request = req
		return resp, nil
	}))
	files := []fs.Object{}
	for _, name := range []string{"a", "b"} {
		file, err := uploaded(t.Context(), d, name, "abc", modified)
		checks.OK(t, err)
		files = append(files, file)
	}
	return files
}

// openFirst opens the first byte of a file for somebody who waits for it.
func openFirst(t *testing.T, file fs.Object) error {
	t.Helper()
	w := &Want{Urgent: new(atomic.Bool)}
	w.Urgent.Store(true)
	in, err := file.Open(Wanting(t.Context(), w, file), &fs.RangeOption{Start: 0, End: 0})
	if err == nil {
		_ = in.Close()
	}
	return err
}

// Nor is one whose answers are not what was asked for.
func TestJudgedAnswersAreNoDriveThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := answeredWith(t, "a", "bytes 0-0/4")
		for begun := time.Now(); time.Since(begun) < 2*awayTime; time.Sleep(time.Second) {
			for _, file := range files {
				checks.HasKind(t, openFirst(t, file), fault.Corrupt)
			}
		}
	})
}

// Nor is one that answers with other bytes, which is tried again.
func TestOtherRangesAreNoDriveThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := answeredWith(t, "b", "bytes 1-1/3")
		for begun := time.Now(); time.Since(begun) < 4*awayTime; {
			for _, file := range files {
				if err := openFirst(t, file); err == nil {
					t.Fatal("another range passes")
				} else if isAway(err) {
					t.Fatal(err)
				}
			}
		}
	})
}

// What failed long before says nothing: many may ask at once then, and what fails once is tried again.
func TestAnOutageLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.hasFolder(rootID, "other")
		d := on(t, s)
		list := func(path string) error { _, err := d.remote.List(t.Context(), path); return err }
		checks.OK(t, list("other"))
		fail := func() {
			s.before = func(string, int) (int, string) { return 503, "<html>" }
			for _, path := range []string{"", "other"} {
				if err := list(path); err == nil || isAway(err) {
					t.Fatal(err)
				}
			}
		}
		fail()
		time.Sleep(lostTime + time.Minute)
		s.before = func(string, int) (int, string) {
			time.Sleep(time.Second)
			return 0, ""
		}
		all(t, 5, func() error { return list("") }, func(err error) bool { return err == nil })
		fail()
		time.Sleep(awayTime)
		s.made()
		s.before = func(_ string, count int) (int, string) {
			if count == 1 {
				return 503, "<html>"
			}
			return 0, ""
		}
		checks.OK(t, list(""))
	})
}

// A drive that is away can be one that lets each request hang.
func TestSilenceIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.hasFolder(rootID, "other")
		silent := false
		d := on(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			if silent {
				time.Sleep(2 * awayTime)
				return nil, io.ErrUnexpectedEOF
			}
			return s.RoundTrip(req)
		}))
		list := func(path string) error { _, err := d.remote.List(t.Context(), path); return err }
		checks.OK(t, list("other"))
		silent = true
		if err := list(""); err == nil || isAway(err) {
			t.Error(err)
		}
		if err := list("other"); !isAway(err) {
			t.Error(err)
		}
	})
}
