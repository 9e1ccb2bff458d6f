package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/lib/rest"

	"bridge/fault"
)

const (
	// probeCallTime bounds one call of a probe, and so much more for each byte that it brings: 20 kB/s are enough.
	probeCallTime = 3 * time.Minute
	probeByteTime = 50 * time.Microsecond
	// probeHeaders is what the headers of a call and of its answer count for, in bytes.
	probeHeaders = 1000
	// maxProbeFields bounds the names of fields that are told of an answer.
	maxProbeFields = 100
	// probeTries is how often a call is made that only prepares a question.
	probeTries = 4
)

// ProbeAnswer is what the drive answered to a call: no contents, no ids, no names of files.
type ProbeAnswer struct {
	// Call is the method and the path without ids: "POST upload/create_file".
	Call string `json:"call"`
	// About tells what was asked for.
	About string `json:"about,omitempty"`
	// Times is how often the same was answered to the same.
	Times  int `json:"times"`
	Status int `json:"status"`
	// Form is "json", "html", "text", "bytes" or "nothing".
	Form string `json:"form"`
	// Fields are the names of the members of a JSON object, and those one level below.
	Fields []string `json:"fields"`
	// Code and Error are those of the drive's error object; Error without ids and names.
	Code  int    `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
	// RetryAfter tells that the answer has the header.
	RetryAfter bool `json:"retryAfter,omitempty"`
	// Seen tells what matters of the values, in our own words.
	Seen string `json:"seen,omitempty"`
	// Ms is how long the first of them took, in milliseconds.
	Ms int64 `json:"ms"`
}

// trial is one question being asked.
type trial struct {
	*Probe
	// folder is the id of a folder of its own.
	folder string

	mu      sync.Mutex
	answers []ProbeAnswer
	calls   int
	traffic int64
	budget  int64
}

// probeCall is one call, as it is sent.
type probeCall struct {
	method string
	// path has .json behind the call's name, and perhaps ids behind that.
	path  string
	query url.Values
	about string
	// json is the body, or body, of a type.
	json        any
	body        []byte
	contentType string
}

// probeReply is the whole answer to a call.
type probeReply struct {
	*ProbeAnswer
	object map[string]any
	// message is the drive's, ids and all.
	message string
}

// plainClient gives a client with a drive's session and connections, without what the drive's own does about answers:
// it repeats nothing, waits for nothing and changes no status.
func (d *Drive) plainClient() (*rest.Client, error) {
	address, err := addressOf(d.client)
	if err != nil {
		return nil, err
	}
	plain := &http.Client{Transport: d.keeper.RoundTripper, CheckRedirect: d.connections.CheckRedirect}
	return rest.NewClient(plain).SetRoot(address).SetSigner(d.logins.sign), nil
}

// do makes one call, once. An error is one of the connection; a refusal is an answer.
func (t *trial) do(ctx context.Context, c probeCall) (*probeReply, error) {
	ctx, cancel := context.WithTimeout(ctx, probeCallTime+time.Duration(len(c.body))*probeByteTime)
	defer cancel()
	begun := time.Now()
	answer, err := t.send(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(&spending{answer.Body, t})
	if err != nil {
		return nil, &noAnswerError{c.name(), err}
	}
	return t.read(c, answer, body, time.Since(begun)), nil
}

// send makes one call and gives its answer as it begins.
func (t *trial) send(ctx context.Context, c probeCall) (answer *http.Response, err error) {
	if c.json != nil {
		if c.body, err = json.Marshal(c.json); err != nil {
			return nil, err
		}
		c.contentType = "application/json"
	}
	if err := t.spend(probeHeaders + len(c.body)); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.calls++
	t.mu.Unlock()
	length := int64(len(c.body))
	options := rest.Opts{Method: c.method, Path: c.path, Parameters: c.query, ContentType: c.contentType, IgnoreStatus: true}
	if length > 0 {
		options.Body, options.ContentLength = bytes.NewReader(c.body), &length
	}
	// The pacer keeps calls apart. It is told of no failure: nothing waits for one.
	err = t.drive.pacer.CallNoRetry(func() (bool, error) {
		answer, err = t.client.Call(ctx, &options)
		return false, err
	})
	if err != nil {
		return nil, &noAnswerError{c.name(), err}
	}
	return answer, nil
}

func (c probeCall) name() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.path, "/"), ".json")
	return c.method + " " + name
}

// spend counts traffic, and refuses more than the question was said to need.
func (t *trial) spend(bytes int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.traffic+int64(bytes) > t.budget {
		return fault.New(fault.Other, "", fmt.Sprintf("this takes more than the %d bytes of traffic that were foreseen: given up", t.budget))
	}
	t.traffic += int64(bytes)
	return nil
}

// spending counts what is read of an answer.
type spending struct {
	io.Reader
	t *trial
}

func (s *spending) Read(buffer []byte) (int, error) {
	n, err := s.Reader.Read(buffer)
	if refusal := s.t.spend(n); refusal != nil {
		return 0, refusal
	}
	return n, err
}

// read understands an answer and takes it down.
func (t *trial) read(c probeCall, answer *http.Response, body []byte, took time.Duration) *probeReply {
	r := &probeReply{ProbeAnswer: &ProbeAnswer{
		Call: c.name(), About: c.about, Times: 1, Status: answer.StatusCode,
		RetryAfter: answer.Header.Get("Retry-After") != "", Ms: took.Milliseconds(),
	}}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	trimmed := bytes.TrimSpace(body)
	switch media, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";"); {
	case len(trimmed) == 0:
		r.Form = "nothing"
	case trimmed[0] == '<' || strings.TrimSpace(media) == "text/html":
		r.Form = "html"
	case decoder.Decode(&value) == nil:
		r.Form = "json"
	case strings.HasPrefix(media, "text/"):
		r.Form = "text"
	default:
		r.Form = "bytes"
	}
	r.object, _ = value.(map[string]any)
	r.Fields = t.hidden.fields(r.object)
	if failure, ok := r.object["error"].(map[string]any); ok {
		inner := &probeReply{object: failure}
		code, _ := inner.number("code")
		r.Code, r.message = int(code), inner.text("message")
		r.Error = t.hidden.sentence(r.message)
	}
	t.takeDown(r)
	return r
}

// takeDown keeps an answer for the report, once for all that are the same.
func (t *trial) takeDown(r *probeReply) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.answers {
		if t.answers[i].same(r.ProbeAnswer) {
			t.answers[i].Times++
			return
		}
	}
	t.answers = append(t.answers, *r.ProbeAnswer)
}

func (a *ProbeAnswer) same(b *ProbeAnswer) bool {
	return a.Call == b.Call && a.About == b.About && a.Status == b.Status && a.Form == b.Form && a.Code == b.Code && a.Error == b.Error &&
		a.RetryAfter == b.RetryAfter && slices.Equal(a.Fields, b.Fields)
}

// saw tells what matters of the values of an answer.
func (t *trial) saw(r *probeReply, format string, with ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.answers {
		if t.answers[i].same(r.ProbeAnswer) {
			t.answers[i].Seen = fmt.Sprintf(format, with...)
		}
	}
}

// ok tells whether the drive did what it was asked for.
func (r *probeReply) ok() bool {
	return r.Status >= 200 && r.Status < 300 && r.Form == "json" && r.object["error"] == nil
}

// refusal tells how a call was refused, in a sentence.
func (r *probeReply) refusal() string {
	text := strconv.Itoa(r.Status)
	if r.Form != "json" {
		text += " in " + r.Form
	}
	if r.Error != "" {
		text += " " + strconv.Quote(r.Error)
	}
	return text
}

// text gives a member that is a string or a number.
func (r *probeReply) text(key string) string {
	switch value := r.object[key].(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// number gives a member that is a number, or a string of digits.
func (r *probeReply) number(key string) (int64, bool) {
	number, err := strconv.ParseInt(r.text(key), 10, 64)
	return number, err == nil
}

// list gives the objects of a member that is an array.
func (r *probeReply) list(key string) []*probeReply {
	found := []*probeReply{}
	items, _ := r.object[key].([]any)
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			found = append(found, &probeReply{object: object})
		}
	}
	return found
}

// noAnswerError is a call that was not answered, or not to the end.
type noAnswerError struct {
	call  string
	cause error
}

func (e *noAnswerError) Error() string { return e.call + ": no answer: " + e.cause.Error() }
func (e *noAnswerError) Unwrap() error { return e.cause }

// refusedError is a call that only prepares a question and was refused.
type refusedError struct{ r *probeReply }

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s was refused with %s, so that the question could not be asked", e.r.Call, e.r.refusal())
}

// prepare makes a call that only prepares a question: again where it may pass.
func (t *trial) prepare(ctx context.Context, c probeCall) (*probeReply, error) {
	for try := 1; ; try++ {
		r, err := t.do(ctx, c)
		if err != nil || r.ok() {
			return r, err
		}
		mayPass := slices.Contains(driveRetryCodes, r.Status) || r.Status == http.StatusForbidden
		if !mayPass || try == probeTries {
			return nil, &refusedError{r}
		}
		if err := pause(ctx, time.Duration(try)*probePause); err != nil {
			return nil, err
		}
	}
}

// probePause is between two tries, and between two looks at something that changes by the second.
var probePause = 1200 * time.Millisecond

var errNoID = errors.New("the drive's answer has no id, so that the question could not be asked")
