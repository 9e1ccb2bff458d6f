package core

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs/rc"
)

// harmless tells whether a call may be made with anything: it reaches no disk and no network, and
// does not end the process.
func harmless(method, input string) bool {
	if _, ours := calls[method]; !ours {
		// Of rclone's own calls many do. What it does not have it refuses.
		return method == "rc/noop" || method == "core/version" || rc.Calls.Get(strings.Trim(method, "/")) == nil
	}
	if method != Prefix+"open" {
		// These need a handle, and there are only those of remotes in memory.
		return true
	}
	// As the call itself would read it, but for what it would refuse.
	var in openIn
	_ = json.NewDecoder(strings.NewReader(input)).Decode(&in)
	backend := in.Config["type"]
	return backend == "" || backend == "memory"
}

func FuzzRPC(f *testing.F) {
	bucket := call[openOut](f, "open", openIn{Name: "fuzz", Config: map[string]string{"type": "memory"}, Path: "fuzz"})
	for method := range calls {
		for _, input := range []string{
			"", "{}", "null", "[]", "{", "\xff", `{"remote":1}`, `{"remote":-1}`, `{"remote":1e99}`, `{"call":18446744073709551615}`,
			`{"remote":%d,"path":"a"}`, `{"remote":%d,"path":"../..","call":7}`, `{"remote":%d,"path":"\u0000\ud800","keep":true}`,
			`{"config":{"type":"memory"},"path":"fuzz","name":"x"}`, `{"config":{"type":"no"}}`, `{"plain":["password"],"config":{"type":""}}`,
			`{"object":1,"path":"b"}`, `{"object":1,"modTimeNs":-9223372036854775808}`, `{"objects":[1,1,0]}`, `{"writer":1}`,
		} {
			f.Add(method, strings.ReplaceAll(input, "%d", fmt.Sprint(bucket.Remote)))
		}
	}
	for _, method := range []string{"", "rc/noop", "core/version", "bridge/", "no/such", "\x00", "operations"} {
		f.Add(method, `{"a":1}`)
	}
	f.Fuzz(func(t *testing.T, method, input string) {
		if !harmless(method, input) {
			t.Skip("not with anything")
		}
		output, status := RPC(method, input)
		if !json.Valid([]byte(output)) {
			t.Fatalf("not JSON: %d %s", status, output)
		}
		if strings.Contains(output, "a bug") || strings.Contains(output, "panic") {
			t.Fatalf("%d %s", status, output)
		}
		if _, ours := calls[method]; !ours || status == http.StatusOK {
			return
		}
		var failure Error
		if err := json.Unmarshal([]byte(output), &failure); err != nil || failure.Kind == "" || failure.Message == "" {
			t.Fatalf("%v %s", err, output)
		}
	})
}

func FuzzRedact(f *testing.F) {
	for _, secret := range []string{"p4ss", "p4ss&w0rd/ü", `qu"ote\d`, "%20%20", "abc", "\xff\xfe\xfd\xfc", "aaaa", "a b c"} {
		f.Add(secret, "before ", " after")
		f.Add(secret, secret, secret)
	}
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(secret) < 4 || strings.Contains("redacted", secret) || strings.ContainsAny(secret, "[]") {
			// Too short to blot out, or what stands for it could be taken for it.
			return
		}
		secrets.Lock()
		secrets.texts, secrets.replacer = nil, nil
		secrets.Unlock()
		keepSecret(secret)
		quoted := strconv.Quote(secret)
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1]} {
			if shown := redact(before + form + after); strings.Contains(shown, secret) {
				t.Fatalf("%q is in %q", secret, shown)
			}
		}
	})
}

func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[]", "null", "<html>", `{"error":{"code":401,"message":"x"}}`, `{"error":7}`, `{"error":null}`, `{"Folders":[]}`,
		`{"Folders":[],"Files":[]}{}`, `{"error":{"code":-1}} `, "\xff", strings.Repeat(" ", answerHead) + "{}", `{"error":` + strings.Repeat("x", answerHead),
	} {
		f.Add([]byte(body), 200, true)
		f.Add([]byte(body), 503, false)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, listing bool) {
		path := "/api/v1" + loginPath
		if listing {
			path = "/api/v1" + listingPath + "S/0"
		}
		given := &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(string(body)))}
		req, err := http.NewRequest(http.MethodGet, "https://drive"+path, nil)
		ok(t, err)
		resp, err := answers{patientTransport{transport(func(*http.Request) (*http.Response, error) { return given, nil })}}.RoundTrip(req)
		if err != nil {
			if !listing {
				t.Fatal(err)
			}
			return
		}
		// What is let through is let through whole, and is never made better.
		if got, err := io.ReadAll(resp.Body); err != nil || string(got) != string(body) {
			t.Fatalf("%q, %v", got, err)
		}
		if resp.StatusCode != status && (resp.StatusCode < 400 || resp.StatusCode > 599) {
			t.Fatalf("status %d of %d", resp.StatusCode, status)
		}
	})
}
