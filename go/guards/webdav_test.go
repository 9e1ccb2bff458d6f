package guards_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/checks"
	"bridge/guards"
)

// davServer is a WebDAV server of files by their paths.
type davServer struct {
	files map[string]string
	// unquotesFirst has it take addresses apart as WsgiDAV 4.4 does (request_server.py): names are cut at what parts an address.
	unquotesFirst bool
	// refuses has it refuse such names in addresses.
	refuses bool
	moves   int
}

func (s *davServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case "PROPFIND":
		text, found := s.files[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = fmt.Fprintf(w, `<d:multistatus xmlns:d="DAV:"><d:response><d:href>%s</d:href><d:propstat><d:prop><d:getcontentlength>%d</d:getcontentlength>`+
			`<d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`, (&url.URL{Path: r.URL.Path}).String(), len(text))
	case "GET":
		_, _ = io.WriteString(w, s.files[r.URL.Path])
	case "PUT":
		body, _ := io.ReadAll(r.Body)
		s.files[r.URL.Path] = string(body)
		w.WriteHeader(http.StatusCreated)
	case "DELETE":
		delete(s.files, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case "MOVE":
		s.moves++
		to := s.target(r.Header.Get("Destination"))
		if s.refuses && strings.ContainsAny(to, "?#;%") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.files[to] = s.files[r.URL.Path]
		delete(s.files, r.URL.Path)
		w.WriteHeader(http.StatusCreated)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func (s *davServer) target(address string) string {
	parsed, _ := url.Parse(address)
	if !s.unquotesFirst {
		return parsed.Path
	}
	path := parsed.Path
	if at := strings.IndexAny(path, "?;"); at >= 0 {
		path = path[:at]
	}
	return path
}

func TestWebdavMovesToOddNamesWhereTheServerReadsThem(t *testing.T) {
	for name, test := range map[string]struct {
		server davServer
		apart  bool
	}{
		"reads right":    {davServer{}, true},
		"unquotes first": {davServer{unquotesFirst: true}, false},
		"refuses":        {davServer{refuses: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dav := &test.server
			dav.files = map[string]string{"/b": "somebody's", "/b?.partial": "abc", "/x/c": "somebody's"}
			server := httptest.NewServer(dav)
			defer server.Close()
			f, err := opened(t, "webdav", configmap.Simple{"url": server.URL, "vendor": "other"})
			checks.OK(t, err)
			ctx := context.Background()
			if !guards.UploadApart(ctx, f, "b") || dav.moves != 0 {
				t.Errorf("a plain name: %d moves", dav.moves)
			}
			for _, path := range []string{"b?", "b#c", "100%", "a;b/c"} {
				if got := guards.UploadApart(ctx, f, path); got != test.apart {
					t.Errorf("%s: %v", path, got)
				}
			}
			if dav.moves != 1 {
				t.Errorf("it was tried %d times", dav.moves)
			}
			o, err := f.NewObject(ctx, "b?.partial")
			checks.OK(t, err)
			_, err = f.Features().Move(ctx, o, "b?c")
			checks.OK(t, err)
			want := map[string]string{"/b": "somebody's", "/b?c": "abc", "/x/c": "somebody's"}
			if !maps.Equal(dav.files, want) || (dav.moves == 2) != test.apart {
				t.Errorf("there is %q after %d moves", dav.files, dav.moves)
			}
		})
	}
}

// A server that cuts the address would put what is moved in the place of something above.
func TestWebdavTriesNothingBelowAnOddName(t *testing.T) {
	dav := &davServer{files: map[string]string{"/b?/a": "a"}}
	server := httptest.NewServer(dav)
	defer server.Close()
	f, err := opened(t, "alias", configmap.Simple{"remote": ":webdav,url='" + server.URL + "',vendor=other:b?"})
	checks.OK(t, err)
	if guards.UploadApart(context.Background(), f, "new") || dav.moves != 0 || !slices.Equal(slices.Collect(maps.Keys(dav.files)), []string{"/b?/a"}) {
		t.Errorf("there is %q after %d moves", dav.files, dav.moves)
	}
}

// Where the server does not answer, nothing is known, and it is asked again.
func TestWebdavThatCannotBeAskedIsNoAnswer(t *testing.T) {
	dav, away := &davServer{files: map[string]string{}}, true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away && r.Method == "PUT" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		dav.ServeHTTP(w, r)
	}))
	defer server.Close()
	f, err := opened(t, "webdav", configmap.Simple{"url": server.URL, "vendor": "other"})
	checks.OK(t, err)
	for _, want := range []bool{false, true} {
		if got := guards.UploadApart(context.Background(), f, "a?"); got != want {
			t.Errorf("%v, not %v", got, want)
		}
		away = false
	}
}
