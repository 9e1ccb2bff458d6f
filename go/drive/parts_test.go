package drive

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"bridge/checks"
	"bridge/fault"
)

// listers list what is in the base: ours, and rclone's backend by itself.
var listers = map[string]func(t *testing.T, d *Drive) (int, error){
	"ours": func(t *testing.T, d *Drive) (int, error) {
		listing, err := d.list(t.Context(), "")
		if err != nil {
			return 0, err
		}
		return listing.Len(), nil
	},
	"rclone's": func(t *testing.T, d *Drive) (int, error) {
		entries, err := d.remote.List(t.Context(), "")
		return len(entries), err
	},
}

// withFiles is a drive that gives a hundred entries at most.
func withFiles(count int) *server {
	s := newServer()
	for n := range count {
		s.has(rootID, fmt.Sprintf("f%04d", n), "x")
	}
	s.whole = 100
	return s
}

// removeFirst takes the first files away.
func (s *server) removeFirst(count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, file := range s.below(rootID, s.files)[:count] {
		delete(s.files, file["FileId"].(string))
	}
}

// What is removed while a folder is read by pages moves the rest forward: nothing of it is passed over, and it is no reason to fail
// unless it never ends.
func TestAFolderThatChangesWhileItIsRead(t *testing.T) {
	for name, list := range listers {
		for change, test := range map[string]struct {
			// before is done before a call, by its number.
			before func(s *server, call int)
			count  int
			calls  int
			fails  bool
		}{
			"nothing":           {func(*server, int) {}, 250, 3, false},
			"one is removed":    {func(s *server, call int) { removeAt(s, call, 1, 2) }, 249, 2 + 3, false},
			"many are removed":  {func(s *server, call int) { removeAt(s, call, 160, 2) }, 90, 2 + 1, false},
			"removed later":     {func(s *server, call int) { removeAt(s, call, 1, 3) }, 249, 3 + 3, false},
			"removed two times": {func(s *server, call int) { removeAt(s, call, 1, 2, 4) }, 248, 2 + 2 + 3, false},
			"removed always":    {func(s *server, call int) { removeAt(s, call, 1, 2, 4, 6) }, 0, 6, true},
			"one is added": {func(s *server, call int) {
				if call == 2 {
					s.has(rootID, "a", "x")
				}
			}, 250, 3, false},
		} {
			t.Run(name+" "+change, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := withFiles(250)
					s.before = func(_ string, call int) (int, string) {
						test.before(s, call)
						return 0, ""
					}
					count, err := list(t, on(t, s))
					if test.fails {
						failure := fault.As(err, "")
						if err == nil || !failure.Retry || !strings.Contains(failure.Message, "were removed from the folder each of the 3 times") {
							t.Error(err)
						}
					} else {
						checks.OK(t, err)
					}
					if calls := len(strings.Fields(s.made())); calls != test.calls || (!test.fails && count != test.count) {
						t.Errorf("%d entries of %d in %d calls", count, test.count, calls)
					}
				})
			})
		}
	}
}

// removeAt takes files away before some of the calls.
func removeAt(s *server, call, count int, at ...int) {
	for _, number := range at {
		if call == number {
			s.removeFirst(count)
		}
	}
}

// A listing that is longer than may be read in one is read by pages. An entry that is, is an error in either.
func TestAListingThatIsTooLong(t *testing.T) {
	defer func(listing, entry int64) { scanLimit, entryLimit = listing, entry }(scanLimit, entryLimit)
	scanLimit = 40_000
	synctest.Test(t, func(t *testing.T) {
		s := withFiles(950)
		s.whole = 1000
		d := on(t, s)
		listing, err := d.list(t.Context(), "")
		checks.OK(t, err)
		if calls := len(strings.Fields(s.made())); listing.Len() != 950 || calls != 1+10 {
			t.Errorf("%d entries in %d calls", listing.Len(), calls)
		}
		entryLimit = 10
		if _, err := d.list(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "an entry of the server's listing is longer than") {
			t.Error(err)
		}
		if calls := s.made(); calls != "folder/list" {
			t.Error(calls)
		}
	})
}

// A listing of folders only may be cut too.
func TestFoldersByPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withFiles(150)
		for n := range 250 {
			s.hasFolder(rootID, fmt.Sprintf("d%04d", n))
		}
		for _, kind := range []paging{ordinary, eachKind} {
			s.paging = kind
			found := &namesakes{same: func(string) bool { return true }}
			checks.OK(t, on(t, s).scan(t.Context(), rootID, url.Values{"only_subfolders": {"1"}}, found))
			if len(found.folders) != 250 || len(found.files) != 0 {
				t.Error(len(found.folders), len(found.files))
			}
		}
	})
}
