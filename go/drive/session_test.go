package drive

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"bridge/checks"
)

func TestReplaceSession(t *testing.T) {
	large := strings.Repeat("x", 3*sessionHead)
	for _, c := range []struct{ url, body, wantURL, wantBody string }{
		{"https://h/api/folder/list.json/OLD/D1", "", "https://h/api/folder/list.json/NEWER/D1", ""},
		{"https://h/api/download/file.json/F1?session_id=OLD", "", "https://h/api/download/file.json/F1?session_id=NEWER", ""},
		{"https://h/api/upload", `{"session_id":"OLD","file_id":"F1"}`, "https://h/api/upload", `{"session_id":"NEWER","file_id":"F1"}`},
		{"https://h/api/chunk", "session_id\r\n\r\nOLD\r\n" + large, "https://h/api/chunk", "session_id\r\n\r\nNEWER\r\n" + large},
		// What stands in a file's own bytes stays.
		{"https://h/api/chunk", "OLD" + large + "OLD", "https://h/api/chunk", "NEWER" + large + "OLD"},
	} {
		req, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(c.body))
		checks.OK(t, err)
		checks.OK(t, replaceSession(req, "OLD", "NEWER"))
		if req.URL.String() != c.wantURL {
			t.Errorf("%s became %s", c.url, req.URL)
		}
		body := []byte{}
		if req.Body != nil {
			body, err = io.ReadAll(req.Body)
			checks.OK(t, err)
		}
		if string(body) != c.wantBody {
			t.Errorf("a body of %d bytes became one of %d", len(c.body), len(body))
		}
		if req.ContentLength != int64(len(c.wantBody)) {
			t.Errorf("%s announces %d bytes of %d", c.url, req.ContentLength, len(c.wantBody))
		}
	}
}
