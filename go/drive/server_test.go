package drive

import (
	"context"
	"crypto/md5" //nolint:gosec // it is what the drive has
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"

	"bridge/checks"
)

// server is a drive in memory, as it is described in what others measured of the real one.
type server struct {
	mu      sync.Mutex
	files   map[string]*stored
	folders map[string]*stored
	uploads map[string]*placed
	lastID  int
	// calls are the calls that came, by name.
	calls []string
	// sent counts the bytes of all chunks that came.
	sent int
	// known are hashes of content that the drive has.
	known map[string]bool
	// before may answer a call itself, by its name and how often that came: with a status, and a body or an error's message.
	before func(call string, count int) (status int, message string)
	// lose tells to do a call and break the connection.
	lose func(call string, count int) bool
	// location tells whether a creation gives a place for the bytes.
	noLocation, badLocation bool
	trim                    bool
	// noHash is that records have the hash of nothing.
	noHash  bool
	account string
	// whole is how many entries a listing without an offset has; 0 is a failure.
	whole    int
	paging   paging
	sessions map[string]bool
}

// paging is how a drive gives a folder by pages.
type paging int

const (
	// ordinary is a hundred entries from the offset on, folders first.
	ordinary paging = iota
	// noOffset is that it ignores the offset, wholePages that it goes to the page that the offset is in, nextPages that it goes to
	// the next one, and hundredsOnly that it gives nothing unless a page begins there.
	noOffset
	wholePages
	nextPages
	hundredsOnly
	// fewFiles is that without an offset there are all folders and a hundred files, filesOnly that there are with one too, and the
	// offset counts files.
	fewFiles
	filesOnly
	// eachKind is a hundred folders and a hundred files, with or without an offset.
	eachKind
)

// cut gives what a listing has of a folder.
func (p paging) cut(folders, files []map[string]any, offset, whole int, paged bool) []map[string]any {
	page := func(entries []map[string]any, offset, most int) []map[string]any {
		offset = min(offset, len(entries))
		return entries[offset:min(offset+most, len(entries))]
	}
	switch {
	case p == eachKind:
		return slices.Concat(page(folders, offset, 100), page(files, offset, 100))
	case p == filesOnly, p == fewFiles && !paged:
		return slices.Concat(folders, page(files, offset, 100))
	case p == wholePages:
		offset = offset / 100 * 100
	case p == nextPages:
		offset = (offset + 99) / 100 * 100
	case p == hundredsOnly && offset%100 > 0:
		return nil
	}
	all := slices.Concat(folders, files)
	if !paged || p == noOffset {
		return page(all, 0, whole)
	}
	return page(all, offset, 100)
}

type stored struct {
	id, name, folder, hash string
	data                   []byte
	size                   int
	modified, access       int64
}

type placed struct {
	file string
	data []byte
}

func newServer() *server {
	return &server{files: map[string]*stored{}, folders: map[string]*stored{}, uploads: map[string]*placed{}, known: map[string]bool{}, account: `{}`, whole: 1 << 20,
		sessions: map[string]bool{"first": true}}
}

func sumOf(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // it is what the drive has
	return hex.EncodeToString(sum[:])
}

// has puts a file on the drive.
func (s *server) has(folder, name, data string) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	file := &stored{id: "F" + strconv.Itoa(s.lastID), name: name, folder: folder, hash: sumOf([]byte(data)), data: []byte(data), size: len(data), modified: 1500000000}
	s.files[file.id] = file
	return file
}

// hasFolder puts a folder on the drive.
func (s *server) hasFolder(parent, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	id := "D" + strconv.Itoa(s.lastID)
	s.folders[id] = &stored{id: id, name: name, folder: parent}
	return id
}

// holds tells what is in a folder.
func (s *server) holds(folder string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []string{}
	for _, file := range s.files {
		if file.folder == folder {
			found = append(found, file.name+"="+string(file.data))
		}
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

// made gives the calls so far, and forgets them.
func (s *server) made() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.calls, s.sent = nil, 0 }()
	return strings.Join(s.calls, " ")
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	args, err := arguments(req)
	if err != nil {
		return nil, err
	}
	path := strings.Split(strings.ReplaceAll(strings.TrimPrefix(req.URL.Path, "/"), ".json", ""), "/")
	call := strings.Join(path[:min(2, len(path))], "/")
	switch {
	case req.Method == http.MethodDelete:
		call = "delete"
	case call == "folder":
		call = "folder/create"
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	count := 0
	for _, made := range s.calls {
		if made == call {
			count++
		}
	}
	s.sent += len(args["file_data"])
	before, lose := s.before, s.lose
	s.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if before != nil {
		if status, message := before(call, count); status != 0 {
			return answer(req, status, message), nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body := s.do(call, path, args, req.URL.Query())
	if lose != nil && lose(call, count) {
		return nil, io.ErrUnexpectedEOF
	}
	// Whoever gave up meanwhile gets no answer, but it is done.
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return answer(req, status, body), nil
}

func answer(req *http.Request, status int, body string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	if strings.HasPrefix(body, "<") {
		header.Set("Content-Type", "text/html")
	} else if status >= 400 && !strings.HasPrefix(body, "{") {
		quoted, _ := json.Marshal(body)
		body = fmt.Sprintf(`{"error":{"code":%d,"message":%s}}`, status, quoted)
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}

// arguments reads the body of a request, of either form.
func arguments(req *http.Request) (map[string]string, error) {
	args := map[string]string{}
	if req.Body == nil {
		return args, nil
	}
	kind, params, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		fields := map[string]any{}
		decoder := json.NewDecoder(req.Body)
		decoder.UseNumber()
		err := decoder.Decode(&fields)
		for name, value := range fields {
			args[name] = fmt.Sprint(value)
		}
		return args, err
	}
	reader := multipart.NewReader(req.Body, params["boundary"])
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return args, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		args[part.FormName()] = string(value)
	}
}

// on opens the drive, logged in as "first". Call it in a bubble.
func on(t *testing.T, s http.RoundTripper) *Drive {
	t.Helper()
	remote := new(opendrive.Fs)
	f, err := fieldsOf2(remote)
	checks.OK(t, err)
	f.session.SessionID = "first"
	f.options.UserName, f.options.Password, f.options.Access, f.options.ChunkSize = "u", "p", "private", 10<<20
	info, err := fs.Find(opendriveName)
	checks.OK(t, err)
	encoding := info.Options.Get("encoding")
	checks.OK(t, f.options.Enc.Set(fmt.Sprint(encoding.Default)))
	checks.OK(t, set(remote, "srv", rest.NewClient(&http.Client{Transport: s}).SetRoot("https://drive.test")))
	checks.OK(t, set(remote, "pacer", fs.NewPacer(t.Context(), new(backoff))))
	checks.OK(t, set(remote, "dirCache", dircache.New("", rootID, remote)))
	checks.OK(t, set(remote, "features", new(fs.Features)))
	d, err := tune(t.Context(), remote, driveMinSleep)
	checks.OK(t, err)
	checks.OK(t, d.dirs().FindRoot(t.Context(), false))
	// The pacer's last timer must have gone off when the bubble ends.
	t.Cleanup(func() { time.Sleep(driveMaxSpace) })
	return d
}

// fieldsOf2 gives those fields that can be reached before there is a client.
func fieldsOf2(remote *opendrive.Fs) (f fields, err error) {
	pointTo(&err, &f.options, remote, "opt")
	pointTo(&err, &f.session, remote, "session")
	return f, err
}

// upload puts a file.
func uploaded(ctx context.Context, d *Drive, path, data string, modTime time.Time) (fs.Object, error) {
	src := object.NewStaticObjectInfo(path, modTime, int64(len(data)), true, nil, nil)
	return PutOn(d.remote)(ctx, strings.NewReader(data), src)
}
