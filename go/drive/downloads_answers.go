package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"bridge/fault"
)

const (
	// volumePause is how long nothing is downloaded after the drive has said that the volume is used up; then it is asked again. It
	// doubles up to maxVolumePause.
	volumePause    = 10 * time.Second
	maxVolumePause = 5 * time.Minute
	infoTime       = 10 * time.Second
	infoPath       = "/users/info.json/"
)

// found is what an answer to a download turned out to be.
type found int

const (
	// asItIs is content, or an error that whoever asked reads.
	asItIs found = iota
	// tooMany is the refusal of a download because the address has too many.
	tooMany
)

// asked is the range of bytes that a request asks for; all of them if end is -1 and start 0.
type asked struct {
	start, end int64
	ranged     bool
}

// rangeOf reads the range of a request, as rclone writes it (fs.RangeOption).
func rangeOf(req *http.Request) asked {
	from, to, ok := strings.Cut(strings.TrimPrefix(req.Header.Get("Range"), "bytes="), "-")
	start, err := strconv.ParseInt(from, 10, 64)
	if !ok || err != nil {
		return asked{end: -1}
	}
	end, err := strconv.ParseInt(to, 10, 64)
	if err != nil {
		end = -1
	}
	return asked{start: start, end: end, ranged: true}
}

// after is what is left when so many bytes are there.
func (a asked) after(count int64) asked { return asked{a.start + count, a.end, true} }

func (a asked) header() string {
	if a.end < 0 {
		return fmt.Sprintf("bytes=%d-", a.start)
	}
	return fmt.Sprintf("bytes=%d-%d", a.start, a.end)
}

// look judges the answer to a download, by its status, its headers and its length; its content is looked at only where these do not fit.
func (t *downloadTransport) look(resp *http.Response, a asked, want *Want) (found, error) {
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		return asItIs, t.lookAtRange(resp, a, want)
	case resp.StatusCode < 300:
		return asItIs, t.lookAtWhole(resp, a, want)
	case resp.StatusCode < 400:
		return asItIs, nil
	}
	head := peek(resp)
	switch {
	case isUsedUp(head):
		return asItIs, t.usedUp(resp.Request)
	case resp.StatusCode == http.StatusTooManyRequests && bytes.Contains(bytes.ToLower(head), []byte("too many downloads")):
		return tooMany, nil
	}
	return asItIs, nil
}

// lookAtRange judges an answer that claims to be the range that was asked for.
func (t *downloadTransport) lookAtRange(resp *http.Response, a asked, want *Want) error {
	var start, end int64
	var total string
	header := resp.Header.Get("Content-Range")
	_, err := fmt.Sscanf(strings.ReplaceAll(header, "/", " "), "bytes %d-%d %s", &start, &end, &total)
	size, sizeErr := strconv.ParseInt(total, 10, 64)
	if sizeErr == nil && !want.Part && want.size >= 0 && size != want.size {
		return fault.New(fault.Corrupt, "", fmt.Sprintf("changed since it was listed: it has %d bytes, %d were expected", size, want.size))
	}
	if err != nil || !a.ranged || start != a.start || (a.end >= 0 && end > a.end) || (resp.ContentLength >= 0 && resp.ContentLength != end-start+1) {
		// Wrapped, so that rclone tries again.
		return &otherAnswerError{fmt.Errorf("the server's answer is another range (%q) than was asked for (%q): %w", header, a.header(), io.ErrUnexpectedEOF)}
	}
	t.line.SetRanges(true)
	return nil
}

// otherAnswerError is that something has come which was not asked for.
type otherAnswerError struct{ cause error }

func (e *otherAnswerError) Error() string { return e.cause.Error() }
func (e *otherAnswerError) Unwrap() error { return e.cause }

// lookAtWhole judges an answer that claims to be a whole file.
func (t *downloadTransport) lookAtWhole(resp *http.Response, a asked, want *Want) error {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	isText := strings.HasSuffix(kind, "json") || kind == "text/html"
	fits := want.size >= 0 && resp.ContentLength == want.size
	switch {
	case fits && !isText:
	case want.size < 0 && resp.ContentLength >= 0 && !isText:
	default:
		head := peek(resp)
		whole := int64(len(head)) < answerHead
		switch {
		case isUsedUp(head):
			return t.usedUp(resp.Request)
		case errorIn(head, whole) != nil && !fits:
			return judge(resp, head, whole, false)
		case kind == "text/html" && !fits:
			// A page of something in between, which says that it is no content.
			withStatus(resp, http.StatusServiceUnavailable)
			return nil
		}
	}
	if a.ranged {
		// All the same the bytes are among these.
		t.line.SetRanges(false)
		cutOut(resp, a)
	}
	return nil
}

// cutOut makes the range that was asked for of a whole file.
func cutOut(resp *http.Response, a asked) {
	skipped := &skippingBody{ReadCloser: resp.Body, skip: a.start, left: -1}
	if a.end >= 0 {
		skipped.left = a.end - a.start + 1
	}
	if resp.ContentLength >= 0 {
		resp.ContentLength = max(resp.ContentLength-a.start, 0)
		if skipped.left >= 0 {
			resp.ContentLength = min(resp.ContentLength, skipped.left)
		}
		skipped.left = resp.ContentLength
	}
	resp.Body = skipped
}

// skippingBody leaves out the beginning of a body, and what follows after so many bytes (-1: nothing).
type skippingBody struct {
	io.ReadCloser
	skip, left int64
}

func (b *skippingBody) Read(buffer []byte) (int, error) {
	if b.skip > 0 {
		n, err := io.CopyN(io.Discard, b.ReadCloser, b.skip)
		b.skip -= n
		if err != nil {
			return 0, err
		}
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	if b.left > 0 {
		buffer = buffer[:min(int64(len(buffer)), b.left)]
	}
	n, err := b.ReadCloser.Read(buffer)
	if b.left > 0 {
		b.left -= int64(n)
	}
	return n, err
}

// peek reads the beginning of a body without taking it away. What is wrong with the body is found by whoever reads it.
func peek(resp *http.Response) []byte {
	head, err := io.ReadAll(io.LimitReader(resp.Body, answerHead))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = broken{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return head
}

// isUsedUp tells whether an answer says that the daily volume of downloads is used up.
func isUsedUp(head []byte) bool {
	var answer struct{ BWExceeded json.RawMessage }
	if json.Unmarshal(head, &answer) == nil {
		switch strings.Trim(string(answer.BWExceeded), `"`) {
		case "1", "true":
			return true
		}
	}
	return len(head) < answerHead && bytes.Contains(bytes.ToLower(head), []byte("bandwidth limit has been exceeded"))
}

// volume is what is known of an account's daily volume of downloads.
type volume struct {
	mu    sync.Mutex
	error *fault.Error
	pause time.Duration
	until time.Time
}

// up gives the error of a volume that is used up.
func (v *volume) up() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.error == nil || !time.Now().Before(v.until) {
		return nil
	}
	return v.error
}

// isOver takes note that content came.
func (v *volume) isOver() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.error, v.pause = nil, 0
}

// usedUp takes note that the volume is used up, and gives the error that says so.
func (t *downloadTransport) usedUp(req *http.Request) error {
	t.used.mu.Lock()
	defer t.used.mu.Unlock()
	if t.used.error == nil {
		allowed := ""
		if megabytes := t.allowed(req); megabytes != "" {
			allowed = " (" + megabytes + " MB)"
		}
		t.used.error = fault.New(fault.VolumeUsedUp, "", "the account's daily download volume"+allowed+" is used up; it resets at noon Pacific time")
	}
	// Those that were on their way find the same.
	if now := time.Now(); !now.Before(t.used.until) {
		t.used.pause = min(max(2*t.used.pause, volumePause), maxVolumePause)
		t.used.until = now.Add(t.used.pause)
	}
	return t.used.error
}

// allowed asks for the megabytes that an account may download in a day; "" if they cannot be had.
func (t *downloadTransport) allowed(req *http.Request) string {
	session := req.URL.Query().Get("session_id")
	base, _, ok := strings.Cut(req.URL.Path, downloadPath)
	if session == "" || !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), infoTime)
	defer cancel()
	address := *req.URL
	address.Path, address.RawPath, address.RawQuery = base+infoPath+session, "", ""
	info, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return ""
	}
	info.Header.Set("User-Agent", req.Header.Get("User-Agent"))
	resp, err := t.RoundTripper.RoundTrip(info)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	// A string of digits or a number. The rest of the answer has a secret in it.
	var answer struct{ BwMax json.RawMessage }
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerLimit)).Decode(&answer); err != nil {
		return ""
	}
	megabytes := strings.Trim(string(answer.BwMax), `"`)
	if n, err := strconv.ParseInt(megabytes, 10, 64); err != nil || n <= 0 {
		return ""
	}
	return megabytes
}
