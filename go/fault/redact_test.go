package fault

import (
	"fmt"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	// Both orders: a secret within another must not spare the rest of it.
	for _, secret := range []string{"p4ss", "p4ss&w0rd/ü", "zz-long-zz", "long", `qu"ote\d`, "abc"} {
		KeepSecret(secret)
	}
	for _, test := range []struct{ text, want string }{
		{"nothing here", "nothing here"},
		{"is p4ss&w0rd/ü.", "is [redacted]."},
		{"q=p4ss%26w0rd%2F%C3%BC&x", "q=[redacted]&x"},
		{"path/p4ss&w0rd%2F%C3%BC/x", "path/[redacted]/x"},
		{"p4ss p4ss", "[redacted] [redacted]"},
		{"zz-long-zz", "[redacted]"},
		{fmt.Sprintf("%q", `qu"ote\d`), `"[redacted]"`},
		// Too short to blot out.
		{"abc", "abc"},
	} {
		if got := Redact(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestSessionsThatAreNotKnownYetStayOutOfTheLog(t *testing.T) {
	for _, text := range []string{
		`DEBUG : Starting OpenDrive session with ID: SECRETID`,
		`{"session_id":"SECRETID","file_id":"F1"}`,
		`{\"SessionID\":\"SECRETID\",\"UserName\":\"me\"}`,
		`GET /api/v1/folder/list.json/SECRETID/0 HTTP/1.1`,
		`GET /api/v1/download/file.json/F1?session_id=SECRETID HTTP/1.1`,
		`Content-Disposition: form-data; name="session_id"` + "\r\n\r\nSECRETID\r\n--x",
		`{"username":"me","passwd":"SECRETID x"}`,
		`{"UserID":1,"PrivateKey":"SECRETID","MaxStorage":"5"}`,
		`{\"UserID\":1,\"PrivateKey\":\"SECRETID\"}`,
	} {
		for _, pattern := range sessionPatterns {
			text = pattern.ReplaceAllString(text, "${1}[redacted]")
		}
		if strings.Contains(text, "SECRETID") {
			t.Error(text)
		}
	}
}
