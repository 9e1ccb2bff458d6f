package drive

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"bridge/checks"
)

// transport is a server's answers.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }

// answered gives what becomes of an answer.
func answered(t *testing.T, path, body string, status int) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "https://drive/api/v1"+path, nil)
	checks.OK(t, err)
	return answers{http2ErrorTransport{transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
	})}}.RoundTrip(req)
}

func TestAnswersWithAnErrorInside(t *testing.T) {
	long := fmt.Sprintf(`{"error":{"code":404,"message":%q}}`, strings.Repeat("x", answerHead))
	for _, test := range []struct {
		path, body     string
		status, expect int
	}{
		{listingPath, `{"Folders":[],"Files":[]}`, 200, 200},
		{listingPath, `{"Folders":[],"Files":[],"error":null}`, 200, 200},
		{listingPath, `{"error":{"code":401,"message":"x"}}`, 200, 401},
		{listingPath, `{"error":{"code":401,"message":"x"}}`, 503, 503},
		{listingPath, ` {"Name":"x","error":{"code":404}}`, 200, 404},
		{loginPath, `{"error":{"code":403}}`, 200, 403},
		{"/folder.json", `{"error":"what"}`, 200, 500},
		{"/folder.json", `{"error":{"code":200}}`, 200, 500},
		{"/folder.json", `{"error":{"code":500,"message":"Session does not exist, please re-login."}}`, 200, 401},
		{"/folder.json", `{"error":{"code":500,"message":"Session does not exist, please re-login."}}`, 500, 401},
		{"/folder.json", `<html>`, 401, 503},
		{downloadPath, `<html>`, 403, 503},
		{"/folder.json", `<html>`, 502, 502},
		{"/folder.json", `[]`, 200, 200},
		{"/folder.json", ``, 200, 200},
		{loginPath, long, 200, 500},
		{downloadPath, `{"error":{"code":403}}`, 200, 200},
	} {
		resp, err := answered(t, test.path, test.body, test.status)
		if err != nil || resp.StatusCode != test.expect {
			t.Errorf("%s %.60s: %+v, %v", test.path, test.body, resp, err)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	defer func(listing, answer int64) { listingLimit, answerLimit = listing, answer }(listingLimit, answerLimit)
	listingLimit, answerLimit = 3<<20, 1<<20
	for _, test := range []struct {
		path   string
		status int
		limit  int64
	}{{listingPath, 200, 3 << 20}, {listingPath, 500, 1 << 20}, {loginPath, 200, 1 << 20}, {downloadPath, 200, 8 << 20}} {
		for _, more := range []int64{0, 1} {
			resp, err := answered(t, test.path, strings.Repeat("x", int(test.limit+more)), test.status)
			checks.OK(t, err)
			n, err := io.Copy(io.Discard, resp.Body)
			cut := more == 1 && test.path != downloadPath
			if cut != (err != nil && strings.Contains(err.Error(), "longer than")) || (cut && n != test.limit) {
				t.Errorf("%+v, %d more: %d bytes, %v", test, more, n, err)
			}
		}
	}
}
