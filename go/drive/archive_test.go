package drive

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/fs"

	"bridge/checks"
	"bridge/fault"
)

// A folder comes in one call, and what is not as it was listed does not count.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		folder := s.hasFolder(rootID, "states")
		for n := range 9 {
			s.has(folder, fmt.Sprintf("f%d：", n), strings.Repeat("x", 100*n+1))
		}
		d := on(t, s)
		listing, err := d.list(t.Context(), "states")
		checks.OK(t, err)
		files := []fs.Object{}
		for at := range listing.Len() {
			files = append(files, listing.Object(at))
		}
		for _, file := range s.files {
			switch {
			case strings.HasPrefix(file.name, "f2"):
				file.data = []byte(strings.Repeat("y", 201))
			case strings.HasPrefix(file.name, "f3"):
				file.data = file.data[1:]
			case strings.HasPrefix(file.name, "f4"):
				file.name = "another"
			}
		}
		s.made()
		contents, err := Gather(t.Context(), d.remote, "states", files)
		checks.OK(t, err)
		for n, content := range contents {
			want := strings.Repeat("x", 100*n+1)
			if n >= 2 && n <= 4 {
				want = ""
			}
			if string(content) != want {
				t.Errorf("%d: %d bytes of %d", n, len(content), len(want))
			}
		}
		if calls := s.made(); calls != "download/all" {
			t.Error(calls)
		}
		for _, refusal := range []string{`{"error":{"code":404,"message":"x"}}`, `{}`, "PK\x03\x04 what follows is no zip", "<html>"} {
			s.before = func(string, int) (int, string) { return 200, refusal }
			if _, err := Gather(t.Context(), d.remote, "states", files); err == nil {
				t.Error(refusal)
			}
			if calls := s.made(); calls != "download/all" {
				t.Error(refusal, calls)
			}
		}
		// One download too many is no reason to wait: the files may come one by one. Nor is anything else held back.
		s.before = func(string, int) (int, string) { return 429, "Too many downloads from same IP" }
		begun := time.Now()
		_, err = Gather(t.Context(), d.remote, "states", files)
		checks.HasKind(t, err, fault.RateLimited)
		if calls := s.made(); calls != "download/all" || time.Since(begun) > time.Second || waited(t, d.held) != 0 {
			t.Error(calls, time.Since(begun))
		}
	})
}
