package drive

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"bridge/checks"
)

// listings takes note of how folders are listed.
type listings struct {
	http.RoundTripper
	queries []string
}

func (l *listings) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Path, listingPath) {
		l.queries = append(l.queries, req.URL.RawQuery)
	}
	return l.RoundTripper.RoundTrip(req)
}

// Nothing can be put into a folder without an id.
func TestAFolderWithoutAnIDIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.before = func(call string, _ int) (int, string) {
			if call == "folder/create" {
				return 200, `{"Name":"sub"}`
			}
			return 0, ""
		}
		d := on(t, s)
		if err := d.makeFolder(t.Context(), "sub"); err == nil || !strings.Contains(err.Error(), "does not tell its id") {
			t.Error(err)
		}
	})
}

// Its listing tells the id that the answer lacks.
func TestAFolderThatIsMadeWithoutAnIDIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		id := ""
		s.before = func(call string, _ int) (int, string) {
			if call == "folder/create" {
				id = s.hasFolder(rootID, "sub")
				return 200, `{"Name":"sub"}`
			}
			return 0, ""
		}
		d := on(t, s)
		checks.OK(t, d.makeFolder(t.Context(), "sub"))
		_, err := uploaded(t.Context(), d, "sub/a", "abc", modified)
		checks.OK(t, err)
		if s.holds(id) != "a=abc" {
			t.Error(id, s.holds(id))
		}
		if calls := s.made(); strings.Count(calls, "folder/create") != 1 || strings.Count(calls, "folder/list") != 1 {
			t.Error(calls)
		}
	})
}

// A folder may be beside 300,000 files, whose listing has 180 MB.
func TestAFolderIsFoundWithoutTheFilesBesideIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		above := s.hasFolder(rootID, "above")
		below := s.hasFolder(above, "below")
		s.has(rootID, "file", "x")
		seen := &listings{RoundTripper: s}
		d := on(t, seen)
		id, err := d.dirs().FindDir(t.Context(), "above/below", false)
		checks.OK(t, err)
		if id != below {
			t.Errorf("%q is found, not %q", id, below)
		}
		if len(seen.queries) != 2 {
			t.Errorf("%q were listed", seen.queries)
		}
		for _, query := range seen.queries {
			if query != "only_subfolders=1" {
				t.Errorf("listed with %q", query)
			}
		}
	})
}
