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
