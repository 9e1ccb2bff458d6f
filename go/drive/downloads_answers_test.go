package drive

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bridge/checks"
	"bridge/fault"
)

const usedUp = `{"BWExceeded":1,"message":"You have exceeded the bandwidth"}`

func TestAnswersToDownloadsAreJudged(t *testing.T) {
	const octets, page = "application/octet-stream", "<!DOCTYPE html><html>busy</html>"
	ranged := func(status int, body, contentRange string) *http.Response {
		resp := plainAnswer(status, body, octets)
		resp.Header.Set("Content-Range", contentRange)
		return resp
	}
	for name, test := range map[string]struct {
		size   int
		asks   string
		answer *http.Response
		want   string
		kind   fault.Kind
		status string
	}{
		"content":                    {5, "", plainAnswer(200, "bytes", octets), "bytes", "", ""},
		"JSON as content":            {len(usedUp), "", plainAnswer(200, usedUp, octets), usedUp, "", ""},
		"JSON that says so":          {13, "", plainAnswer(200, `{"error":"me"}`[:13], "application/json"), `{"error":"me"`, "", ""},
		"an error's file":            {14, "", plainAnswer(200, `{"error":"me"}`, octets), `{"error":"me"}`, "", ""},
		"a page as content":          {len(page), "", plainAnswer(200, page, "text/html"), page, "", ""},
		"volume used up":             {4000, "", plainAnswer(200, usedUp, "application/json"), "", fault.VolumeUsedUp, ""},
		"volume used up, untold":     {4000, "", plainAnswer(200, usedUp, octets), "", fault.VolumeUsedUp, ""},
		"volume, of a file's length": {len(usedUp), "", plainAnswer(200, usedUp, "application/json"), "", fault.VolumeUsedUp, ""},
		"volume in a range":          {4000, "bytes=10-19", plainAnswer(200, usedUp, "application/json"), "", fault.VolumeUsedUp, ""},
		"volume as a sentence":       {4000, "", plainAnswer(200, "The bandwidth limit has been exceeded", "text/html"), "", fault.VolumeUsedUp, ""},
		"volume as an error":         {4000, "", plainAnswer(403, `{"error":{"code":403,"message":"The bandwidth limit has been exceeded"}}`, "application/json"), "", fault.VolumeUsedUp, ""},
		"an error with status 200":   {4000, "", plainAnswer(200, `{"error":{"code":404,"message":"File does not exist"}}`, "application/json"), "", "", "404 Not Found"},
		"a page of something else":   {4000, "", plainAnswer(200, page, "text/html; charset=utf-8"), "", "", "503 Service Unavailable"},
		"shorter than listed":        {4000, "", plainAnswer(200, "short", octets), "short", "", ""},
		"the range":                  {10, "bytes=2-4", ranged(206, "234", "bytes 2-4/10"), "234", "", ""},
		"a range to the end":         {10, "bytes=7-", ranged(206, "789", "bytes 7-9/10"), "789", "", ""},
		"another range":              {10, "bytes=2-4", ranged(206, "345", "bytes 3-5/10"), "", fault.Other, ""},
		"an earlier range":           {10, "bytes=2-4", ranged(206, "123", "bytes 1-3/10"), "", fault.Other, ""},
		"more than the range":        {10, "bytes=2-4", ranged(206, "2345", "bytes 2-5/10"), "", fault.Other, ""},
		"no range told":              {10, "bytes=2-4", plainAnswer(206, "234", octets), "", fault.Other, ""},
		"a range not asked for":      {10, "", ranged(206, "234", "bytes 2-4/10"), "", fault.Other, ""},
		"a range of another file":    {10, "bytes=2-4", ranged(206, "234", "bytes 2-4/11"), "", fault.Corrupt, ""},
		"the whole for a range":      {10, "bytes=2-4", plainAnswer(200, "0123456789", octets), "234", "", ""},
		"the whole for its end":      {10, "bytes=7-", plainAnswer(200, "0123456789", octets), "789", "", ""},
	} {
		transport := transportTo(roundTrip(func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, infoPath) {
				return nil, io.ErrUnexpectedEOF
			}
			test.answer.Request = req
			return test.answer, nil
		}))
		ctx, _ := wanting(t.Context(), test.size, true)
		got, err := fetched(ctx, transport, "F", test.asks)
		switch {
		case test.kind != "":
			if err == nil {
				t.Errorf("%s: %q passes", name, got)
				continue
			}
			checks.HasKind(t, fault.As(err, ""), test.kind)
		case test.status != "":
			if err == nil || err.Error() != test.status {
				t.Errorf("%s: %q %v", name, got, err)
			}
		case err != nil || string(got) != test.want:
			t.Errorf("%s: %q %v", name, got, err)
		}
		if open := transport.line.budget.inUse(); open != 0 {
			t.Errorf("%s: %d places are lost", name, open)
		}
	}
}

func TestAVolumeThatIsUsedUpEndsAllDownloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := true
		d := &fakeDrive{content: []byte("content")}
		infos := 0
		d.answer = func(req *http.Request) *http.Response {
			switch {
			case req.URL.Path == "/api/v1/users/info.json/S":
				infos++
				return plainAnswer(200, `{"BwMax":"1024","BwUsed":1073741824,"PrivateKey":"secret"}`, "application/json")
			case over:
				return plainAnswer(200, usedUp, "application/json")
			}
			return nil
		}
		transport := transportTo(d)
		for range 3 {
			_, err := fetched(t.Context(), transport, "F", "")
			checks.HasKind(t, fault.As(err, ""), fault.VolumeUsedUp)
			if text := err.Error(); text != "the account's daily download volume (1024 MB) is used up; it resets at noon Pacific time" {
				t.Error(text)
			}
		}
		if d.requests != 2 || infos != 1 {
			t.Error(d.requests, infos)
		}
		over = false
		time.Sleep(volumePause)
		got, err := fetched(t.Context(), transport, "F", "")
		if err != nil || string(got) != "content" {
			t.Error(got, err)
		}
	})
}
