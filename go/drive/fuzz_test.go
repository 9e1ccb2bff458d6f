package drive

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"bridge/checks"
)

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
		checks.OK(t, err)
		resp, err := answers{http2ErrorTransport{transport(func(*http.Request) (*http.Response, error) { return given, nil })}}.RoundTrip(req)
		if err != nil {
			if !listing {
				t.Fatal(err)
			}
			return
		}
		if status >= 400 && isHTML(http.Header{}, body[:min(len(body), answerHead)]) {
			if resp.StatusCode < 500 && resp.StatusCode != http.StatusUnauthorized {
				t.Fatalf("status %d of %d in HTML", resp.StatusCode, status)
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

func FuzzSentence(f *testing.F) {
	f.Add("Incorrect chunk offset: uploaded=1000", "id")
	f.Fuzz(func(t *testing.T, text, secret string) {
		h := new(probeHidden)
		h.add(secret)
		shown := h.sentence(text)
		if len([]rune(shown)) > maxSentence+1 || strings.ContainsAny(shown, "\n\r@") {
			t.Errorf("%q", shown)
		}
		if len(secret) >= 6 && !strings.Contains(redacted, secret) && strings.Contains(shown, secret) && !strings.Contains(secret, " ") && !strings.Contains(shown, redacted) {
			t.Errorf("%q has %q", shown, secret)
		}
	})
}
