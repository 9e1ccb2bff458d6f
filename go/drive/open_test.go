package drive

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/pacer"

	"bridge/checks"
	"bridge/fault"
)

// The end of a session is told in many ways, and is one login for all.
func TestEndOfSession(t *testing.T) {
	for _, status := range []int{200, 401, 403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				d := on(t, s)
				s.before = func(call string, _ int) (int, string) {
					s.mu.Lock()
					defer s.mu.Unlock()
					if call != "session/login" && s.lastID == 0 {
						return status, sayOver
					}
					return 0, ""
				}
				all(t, 20, func() error {
					_, err := d.list(t.Context(), "")
					return err
				}, func(err error) bool { return err == nil })
				if calls := s.made(); strings.Count(calls, "login") != 1 {
					t.Error(calls)
				}
				_, err := uploaded(t.Context(), d, "a", "abc", modified)
				checks.OK(t, err)
			})
		})
	}
}

func TestCaptcha(t *testing.T) {
	for status, says := range map[int]string{401: "Invalid", 403: "log"} {
		reason := refusedLogin(fmt.Errorf("failed to create session: %w", checks.DriveError(status, "Invalid login")))
		if !strings.Contains(reason, says) || strings.Contains(reason, "create session") || (status == 403) != strings.Contains(reason, "captcha") {
			t.Error(reason)
		}
	}
	for _, err := range []error{errors.New("x"), checks.DriveError(503, "x"), checks.DriveError(401, "Unknown 401 Unauthorized"), checks.DriveError(403, "API rate limit exceeded")} {
		if reason := refusedLogin(err); reason != "" {
			t.Error(reason)
		}
	}
}

// What does not come from the drive, or is not about the login, is none of the login's: it is tried again as any failure that may pass.
func TestLoginsThatAreNotRefused(t *testing.T) {
	for _, test := range []struct {
		err    error
		kind   fault.Kind
		status int
		says   string
	}{
		{checks.DriveError(401, "Unknown 401 Unauthorized"), fault.Other, 503, "in front of the drive answers 401 Unauthorized"},
		{checks.DriveError(403, "Unknown 403 Forbidden"), fault.Other, 503, "in front of the drive answers 403 Forbidden"},
		{checks.DriveError(403, "API rate limit exceeded"), fault.RateLimited, 429, "API rate limit exceeded"},
		{checks.DriveError(429, "Too many requests"), fault.RateLimited, 429, "Too many requests"},
	} {
		err := notRefused(fmt.Errorf("failed to create session: %w", test.err))
		failure := fault.As(err, "")
		if checks.HasKind(t, err, test.kind); !failure.Retry || failure.Status != test.status || !strings.Contains(failure.Message, test.says) {
			t.Errorf("%s", failure.JSON())
		}
		// The next try waits. That is over after some milliseconds, so no other time may pass until it is looked at.
		synctest.Test(t, func(t *testing.T) {
			held := new(backoff)
			if held.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: err}); !held.until.After(time.Now()) {
				t.Error("not held back after", err)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		d := on(t, s)
		_, err := d.list(t.Context(), "")
		checks.OK(t, err)
		begun := time.Now()
		Shutdown(d.remote)
		Shutdown(d.remote)
		synctest.Wait()
		if calls := s.made(); calls != "folder/list session/logout" || time.Since(begun) > logoutTime || s.sessions["first"] {
			t.Error(calls, time.Since(begun))
		}
		// rclone's cache may give it to somebody else.
		s.before = func(call string, count int) (int, string) {
			if call == "folder/list" && count == 1 {
				return 401, sayOver
			}
			return 0, ""
		}
		_, err = d.list(t.Context(), "")
		checks.OK(t, err)
		Shutdown(d.remote)
		synctest.Wait()
		if calls := s.made(); calls != "folder/list session/login folder/list session/logout" || len(s.sessions) != 0 {
			t.Error(calls, s.sessions)
		}
	})
}

// A drive that does not answer is not waited for.
func TestLogoutCostsNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := on(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}))
		begun := time.Now()
		Shutdown(d.remote)
		if time.Since(begun) > logoutTime {
			t.Error(time.Since(begun))
		}
		time.Sleep(2 * loginTime)
	})
}

// Of what is listed by us and of what rclone's backend lists by itself.
func TestPages(t *testing.T) {
	theirs := func(t *testing.T, d *Drive) ([]string, error) {
		entries, err := d.remote.List(t.Context(), "")
		names := []string{}
		for _, entry := range entries {
			names = append(names, entry.Remote())
		}
		return names, err
	}
	ours := func(t *testing.T, d *Drive) ([]string, error) {
		listing, err := d.list(t.Context(), "")
		names := []string{}
		for at := 0; err == nil && at < listing.Len(); at++ {
			names = append(names, listing.At(at).Name)
		}
		if !slices.IsSorted(names) {
			t.Error("not in the order of the names")
		}
		return names, err
	}
	t.Run("rclone's", func(t *testing.T) { pagesListed(t, theirs) })
	t.Run("ours", func(t *testing.T) { pagesListed(t, ours) })
}

func pagesListed(t *testing.T, list func(t *testing.T, d *Drive) ([]string, error)) {
	listed := func(t *testing.T, d *Drive) (int, error) {
		names, err := list(t, d)
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Error("something is listed twice")
		}
		return len(names), err
	}
	for name, test := range map[string]struct {
		entries int
		// most is how many a listing without an offset gives; 0 is a failure.
		most  int
		kind  paging
		calls int
	}{
		"few":                      {99, 1000, ordinary, 1},
		"just a hundred":           {100, 1000, ordinary, 2},
		"offset ignored":           {100, 1000, noOffset, 3},
		"many":                     {101, 1000, ordinary, 1},
		"only a hundred":           {250, 100, ordinary, 3},
		"two whole pages":          {200, 100, ordinary, 3},
		"two pages that meet":      {199, 100, ordinary, 3},
		"by pages only":            {250, 0, ordinary, 4},
		"by pages only, 30":        {30, 0, ordinary, 2},
		"none":                     {0, 1000, ordinary, 1},
		"a hundred files":          {250, 1000, fewFiles, 3},
		"just a hundred files":     {150, 1000, ordinary, 2},
		"just a hundred folders":   {300, 1000, ordinary, 1},
		"a hundred of each":        {600, 1000, eachKind, 5},
		"a hundred files, folders": {450, 1000, filesOnly, 4},
		"offsets of whole pages":   {250, 100, wholePages, 4},
		"offsets of next pages":    {250, 100, nextPages, 2 + 4},
		"offsets of hundreds only": {250, 100, hundredsOnly, 2 + 4},
		"hundreds, just a hundred": {100, 1000, hundredsOnly, 2 + 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				for n := range test.entries {
					if n%3 == 0 {
						s.hasFolder(rootID, fmt.Sprintf("d%04d", n))
					} else {
						s.has(rootID, fmt.Sprintf("f%04d", n), "x")
					}
				}
				s.whole, s.paging = test.most, test.kind
				count, err := listed(t, on(t, s))
				checks.OK(t, err)
				if calls := len(strings.Fields(s.made())); count != test.entries || calls != test.calls {
					t.Errorf("%d entries of %d in %d calls", count, test.entries, calls)
				}
			})
		})
	}
	// A page that fails is not the end of the folder.
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		for n := range 250 {
			s.has(rootID, fmt.Sprintf("f%04d", n), "x")
		}
		s.whole = 100
		s.before = func(call string, count int) (int, string) {
			if call == "folder/list" && count > 2 {
				return 403, "Permission denied"
			}
			return 0, ""
		}
		if _, err := listed(t, on(t, s)); statusOf(err) != 403 {
			t.Error(err)
		}
	})
}

func TestFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.has(rootID, "a+b", "x")
		d := on(t, s)
		o, err := Find(t.Context(), d.remote, "A+b")
		checks.OK(t, err)
		if o.Remote() != "A+b" || o.Size() != 1 {
			t.Error(o)
		}
		for _, path := range []string{"c", "no/where"} {
			if _, err := Find(t.Context(), d.remote, path); !errors.Is(err, fs.ErrorObjectNotFound) {
				t.Error(err)
			}
		}
		file := s.has(rootID, "going on", "")
		file.hash = ""
		s.has(rootID, "empty", "")
		for name, want := range map[string]bool{"going on": true, "empty": false, "a+b": false} {
			o, err := Find(t.Context(), d.remote, name)
			checks.OK(t, err)
			if Unfinished(o) != want {
				t.Error(name)
			}
		}
	})
}

// A name may be found with an id that is not: the folder's listing tells whether the file is there.
func TestFindWithAnIDThatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.has(rootID, "a", "abc")
		d := on(t, s)
		s.before = func(call string, _ int) (int, string) {
			if call == "file/info" {
				return 404, "File does not exist"
			}
			return 0, ""
		}
		o, err := Find(t.Context(), d.remote, "a")
		checks.OK(t, err)
		if o.Remote() != "a" || o.Size() != 3 {
			t.Error(o, o.Size())
		}
	})
}

func TestBase(t *testing.T) {
	for base, test := range map[string]struct {
		isFile bool
		root   string
		known  bool
		calls  string
	}{
		"a/b/c":      {false, "a/b/c", true, "folder/idbypath"},
		"a/b":        {false, "a/b", true, "folder/idbypath"},
		"a/b/new":    {false, "a/b/new", false, "folder/idbypath folder/idbypath folder/list"},
		"a/x/y":      {false, "a/x/y", false, "folder/idbypath folder/idbypath folder/list folder/list"},
		"a/b/file":   {true, "a/b", true, "folder/idbypath folder/idbypath folder/list"},
		"A/B/c":      {false, "A/B/c", true, "folder/idbypath folder/idbypath folder/list folder/list folder/list"},
		"a/b/file/x": {false, "a/b/file/x", false, "folder/idbypath folder/idbypath folder/list folder/list folder/list"},
		"":           {false, "", true, ""},
	} {
		t.Run(base, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				id := s.hasFolder(s.hasFolder(rootID, "a"), "b")
				s.hasFolder(id, "c")
				s.has(id, "file", "x")
				d := on(t, s)
				isFile, err := d.enter(t.Context(), base)
				checks.OK(t, err)
				if calls := s.made(); isFile != test.isFile || d.remote.Root() != test.root || d.dirs().FoundRoot() != test.known || calls != test.calls {
					t.Errorf("file %v, root %q, known %v: %s", isFile, d.remote.Root(), d.dirs().FoundRoot(), calls)
				}
				if test.known || strings.Contains(base, "file") {
					return
				}
				checks.OK(t, d.makeFolders(t.Context(), ""))
				if _, err := uploaded(t.Context(), d, "x", "abc", modified); err != nil {
					t.Error(err)
				}
				_, missing, _, err := d.locate(t.Context(), base)
				checks.OK(t, err)
				if len(missing) > 0 {
					t.Error("not made", missing)
				}
			})
		})
	}
}

// A base that is there twice: where it must be certain which one is meant, neither is taken. Above it there may be two.
func TestBaseThatIsThereTwice(t *testing.T) {
	for base, want := range map[string]string{
		"a/b":     `two folders of one name side by side, "b" (id `,
		"a/b/new": `two folders of one name side by side, "b" (id `,
		"a/B":     `two folders of one name side by side, "b" (id `,
		"a":       "",
		"a/d/new": "",
		"a/file":  "",
	} {
		t.Run(base, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				a := s.hasFolder(rootID, "a")
				first, second := s.hasFolder(a, "b"), s.hasFolder(a, "b")
				s.hasFolder(second, "c")
				s.hasFolder(a, "d")
				s.has(a, "file", "x")
				d := on(t, s)
				ctx, opened := WithOpening(t.Context(), Opening{Certain: true})
				defer opened()
				isFile, err := d.enter(ctx, base)
				if want == "" {
					checks.OK(t, err)
					if isFile != (base == "a/file") {
						t.Error("file", isFile)
					}
					if strings.HasSuffix(base, "new") {
						checks.OK(t, d.makeFolders(t.Context(), ""))
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), second) {
					t.Error(err)
				}
				d.certain = false
				if _, err := d.enter(t.Context(), base); err != nil && base != "a/B" {
					t.Error(err)
				}
			})
		})
	}
}

// A folder that somebody else makes meanwhile is that folder; two of one name are never made.
func TestFolderThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		id := s.hasFolder(rootID, "a")
		d := on(t, s)
		checks.OK(t, d.makeFolder(t.Context(), "a"))
		s.lose = func(call string, count int) bool { return call == "folder/create" }
		checks.OK(t, d.makeFolder(t.Context(), "b"))
		if got, _ := d.dirs().Get("a"); got != id || len(s.folders) != 2 {
			t.Error(got, s.folders)
		}
	})
}
