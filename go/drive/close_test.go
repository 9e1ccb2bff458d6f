package drive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bridge/checks"
	"bridge/fault"
)

// The drive works on a large file for minutes; what it answers meanwhile is no failure.
func TestSlowClose(t *testing.T) {
	data := strings.Repeat("x", 2<<20)
	for name, first := range map[string]struct {
		status int
		text   string
	}{"time-out": {504, "<html>"}, "unavailable": {503, "busy"}, "locked at once": {423, "This file is already being processed"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				begun, done := time.Time{}, false
				s.before = func(call string, _ int) (int, string) {
					if call != "upload/close_file_upload" {
						return 0, ""
					}
					if begun.IsZero() {
						begun = time.Now()
						return first.status, first.text
					}
					return 423, "This file is already being processed, please wait"
				}
				go func() {
					time.Sleep(10 * time.Minute)
					s.mu.Lock()
					defer s.mu.Unlock()
					for location, upload := range s.uploads {
						status, _ := s.do("upload/close_file_upload", nil, map[string]string{
							"file_id": upload.file, "temp_location": location, "file_size": fmt.Sprint(len(data)), "file_time": fmt.Sprint(modified.Unix()),
						}, nil)
						done = status == 200
						break
					}
				}()
				o, err := uploaded(t.Context(), on(t, s), "a", data, modified)
				checks.OK(t, err)
				is(t, s, o, data)
				took := time.Since(begun)
				if calls := s.made(); !done || took > 11*time.Minute || strings.Count(calls, "close_file_upload") > 8 || strings.Count(calls, "upload_file_chunk") != 1 {
					t.Errorf("%v: %s", took, calls)
				}
			})
		})
	}
}

// What the drive may complete yet is never removed, and its end is waited for in bounds, and left at once.
func TestCloseThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.before = func(call string, _ int) (int, string) {
			if call == "upload/close_file_upload" {
				return 423, "This file is already being processed"
			}
			return 0, ""
		}
		d := on(t, s)
		begun := time.Now()
		_, err := uploaded(t.Context(), d, "a", "abc", modified)
		checks.HasKind(t, err, fault.Timeout)
		if took := time.Since(begun); took < closePatience || took > closePatience+time.Minute || strings.Contains(s.made(), "delete") {
			t.Error(took, s.holds(rootID))
		}
		ctx, cancel := context.WithCancel(t.Context())
		result := checks.Started(func() error {
			_, err := uploaded(ctx, d, "b", "abc", modified)
			return err
		})
		time.Sleep(5 * time.Minute)
		cancelled := time.Now()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) || time.Since(cancelled) != 0 || strings.Contains(s.made(), "delete") {
			t.Error(err, time.Since(cancelled))
		}
	})
}

// When the answer to the close is lost, the file is looked at, and not sent again.
func TestLostCloseAnswer(t *testing.T) {
	for name, data := range map[string]string{"small": "abc", "empty": "", "large": strings.Repeat("x", 3<<20)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				s.lose = func(call string, count int) bool { return call == "upload/close_file_upload" }
				o, err := uploaded(t.Context(), on(t, s), "a", data, modified)
				checks.OK(t, err)
				is(t, s, o, data)
				sent := s.sent
				if calls := s.made(); sent != len(data) || strings.Contains(calls, "delete") || strings.Count(calls, "close") > 2 {
					t.Error(sent, calls)
				}
			})
		})
	}
}

// When the answer to the close is lost and the drive has made a file of other bytes, that is what the caller gets to compare: it is
// complete, so it is not left for the drive to complete.
func TestLostCloseAnswerOfDamagedBytes(t *testing.T) {
	for name, size := range map[string]int{"small": 3, "large": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				s.before = func(call string, count int) (int, string) {
					if call == "upload/close_file_upload" && count == 1 {
						s.mu.Lock()
						defer s.mu.Unlock()
						for _, upload := range s.uploads {
							upload.data = append([]byte("y"), upload.data[1:]...)
						}
					}
					return 0, ""
				}
				s.lose = func(call string, count int) bool { return call == "upload/close_file_upload" && count == 1 }
				o, err := uploaded(t.Context(), on(t, s), "a", strings.Repeat("x", size), modified)
				checks.OK(t, err)
				is(t, s, o, "y"+strings.Repeat("x", size-1))
			})
		})
	}
}

// What the drive tells of other bytes is no file that was sent: it goes, also if nothing more can be asked about it.
func TestDamagedBytesDoNotStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.before = func(call string, _ int) (int, string) {
			switch call {
			case "upload/close_file_upload":
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, upload := range s.uploads {
					upload.data = []byte("abx")
				}
			case "file/info", "file/filesettings":
				return 503, "Busy"
			}
			return 0, ""
		}
		_, err := uploaded(t.Context(), on(t, s), "a", "abc", modified)
		if err == nil || s.holds(rootID) != "" {
			t.Errorf("%v, %q: %s", err, s.holds(rootID), s.made())
		}
	})
}

// The drive says at the end that it has not got all: what is missing is sent.
func TestCloseThatMissesBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.before = func(call string, count int) (int, string) {
			if call == "upload/close_file_upload" && count == 1 {
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, upload := range s.uploads {
					upload.data = upload.data[:len(upload.data)-1000]
				}
			}
			return 0, ""
		}
		data := strings.Repeat("0123456789", 20000)
		o, err := uploaded(t.Context(), on(t, s), "a", data, modified)
		checks.OK(t, err)
		is(t, s, o, data)
		if s.holds(rootID) != "a="+data || s.sent != len(data)+1000 {
			t.Error(s.sent, s.made())
		}
	})
}

// What the drive has no hash of cannot be compared, so it is not taken for stored, unless there is nothing in it.
func TestUploadsWithoutAHash(t *testing.T) {
	for name, test := range map[string]struct {
		data  string
		known bool
		fails bool
	}{"small": {"abc", false, true}, "large": {strings.Repeat("x", 3<<20), false, true}, "known": {"abc", true, true}, "empty": {"", false, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				s.noHash = true
				s.known[sumOf([]byte(test.data))] = test.known
				d := on(t, s)
				o, err := uploaded(t.Context(), d, "a", test.data, modified)
				if !test.fails {
					checks.OK(t, err)
					return
				}
				checks.HasKind(t, err, fault.Other)
				if failure := fault.As(err, ""); o != nil || !failure.Retry || !strings.Contains(failure.Message, "does not tell what it stored") {
					t.Error(o, failure.JSON())
				}
				// It was only slow.
				s.noHash = false
				o, err = uploaded(t.Context(), d, "a", test.data, modified)
				checks.OK(t, err)
				is(t, s, o, test.data)
			})
		})
	}
}
