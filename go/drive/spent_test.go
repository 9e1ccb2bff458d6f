package drive

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"bridge/checks"
	"bridge/fault"
)

// What the drive saw is what is counted: calls that were made again, refusals, and the bytes of files alone.
func TestSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, count := newServer(), new(tally)
		d := on(t, s)
		d.keeper.RoundTripper = countingTransport{s, count}
		s.made()
		refused := 0
		s.before = func(string, int) (int, string) {
			if refused++; refused <= 3 {
				return 429, "Too many requests"
			}
			return 0, ""
		}
		_, err := d.list(t.Context(), "")
		checks.OK(t, err)
		if got := count.soFar(); got != (Spent{Calls: 4, Waits: 3}) || len(strings.Fields(s.made())) != 4 {
			t.Error(got)
		}
		// In chunks, and one of them is sent twice.
		s.before = func(call string, number int) (int, string) {
			if call == "upload/upload_file_chunk" && number == 1 {
				return 503, "Busy"
			}
			return 0, ""
		}
		content := strings.Repeat("x", 3<<20)
		_, err = uploaded(t.Context(), d, "a", content, modified)
		checks.OK(t, err)
		sent := int64(s.sent)
		if got := count.soFar(); got.Up != sent || sent < int64(len(content)) || got.Waits != 3 || int(got.Calls) != 4+len(strings.Fields(s.made())) {
			t.Error(got, sent)
		}
	})
}

func TestSpentOnDownloads(t *testing.T) {
	content, count := "twelve bytes", new(tally)
	answers := countingTransport{roundTrip(func(req *http.Request) (*http.Response, error) {
		switch {
		case strings.HasSuffix(req.URL.Path, "away"):
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		case strings.HasSuffix(req.URL.Path, "lost"):
			return nil, io.ErrUnexpectedEOF
		case strings.HasSuffix(req.URL.Path, "later"):
			return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"7"}}, Body: http.NoBody}, nil
		case strings.HasSuffix(req.URL.Path, "busy"):
			return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("busy"))}, nil
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(content))}, nil
	}), count}
	ask := func(path string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://drive.test"+path, nil)
		checks.OK(t, err)
		resp, err := answers.RoundTrip(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			checks.OK(t, err)
			checks.OK(t, resp.Body.Close())
		}
	}
	for _, step := range []struct {
		path string
		want Spent
	}{
		{downloadPath + "F1", Spent{Calls: 1, Down: 12}},
		{"/folder/list.json/0", Spent{Calls: 2, Down: 12}},
		{downloadPath + "away", Spent{Calls: 2, Down: 12}},
		{downloadPath + "lost", Spent{Calls: 3, Down: 12}},
		{downloadPath + "busy", Spent{Calls: 4, Down: 12}},
		{downloadPath + "later", Spent{Calls: 5, Waits: 1, Down: 12}},
	} {
		ask(step.path)
		if got := count.soFar(); got != step.want {
			t.Errorf("%s: %+v, not %+v", step.path, got, step.want)
		}
	}
}

func TestSpentOnLogins(t *testing.T) {
	count := new(tally)
	count.loggedIn(nil)
	count.loggedIn(fault.New(fault.Other, "", "no"))
	count.loggedIn(&net.OpError{Op: "dial", Err: errors.New("refused")})
	if got := count.soFar(); got != (Spent{Calls: 2}) {
		t.Error(got)
	}
}
