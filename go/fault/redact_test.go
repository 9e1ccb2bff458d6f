package fault

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs"
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

// Whoever opens a remote that others are written out in may show the whole of it in an error.
func TestSecretsOfRemotesThatAreWrittenOut(t *testing.T) {
	// What other tests have kept is in the words below.
	secrets.Lock()
	secrets.texts, secrets.replacer = nil, nil
	secrets.Unlock()
	fs.Register(&fs.RegInfo{Name: "writtenout", Options: fs.Options{
		{Name: "pass", IsPassword: true},
		{Name: "secret_access_key", Sensitive: true},
		{Name: "user", Sensitive: true},
		{Name: "remote"},
	}})
	for option, secrets := range map[string][]string{
		":writtenout,pass=p4ss-of-one,user=somebody:folder":                                               {"p4ss-of-one"},
		"other:x \":writtenout,pass='p4ss of a second',user='somebody':folder\"":                          {"p4ss of a second"},
		":writtenout,pass=p4ss-of-the-first,user=somebody:folder other:":                                  {"p4ss-of-the-first"},
		"a=:writtenout,pass=p4ss-of-a-combine,user=somebody:folder \"b=:writtenout,pass='its s3cond':y\"": {"p4ss-of-a-combine", "its s3cond"},
		":writtenout,user=somebody,remote=folder,pass=p4ss-without-a-colon":                               {"p4ss-without-a-colon"},
		"a=:writtenout,secret_access_key=an-acc3ss-key,user=somebody:folder":                              {"an-acc3ss-key"},
		"a=:writtenout,user=somebody,remote=':writtenout,pass=p4ss-of-what-it-wraps:z':folder":            {"p4ss-of-what-it-wraps"},
	} {
		KeepSecretsIn(option)
		shown := Redact(fmt.Sprintf("failed to create upstream %q", option))
		for _, secret := range secrets {
			if strings.Contains(shown, secret) {
				t.Errorf("%q is in %s", secret, shown)
			}
		}
		if !strings.Contains(shown, "somebody") || !strings.Contains(shown, "folder") {
			t.Errorf("more than secrets is gone: %s", shown)
		}
	}
}

// The names are those of real options: rclone does not call all of these secrets sensitive, and much else.
func TestWhichOptionsAreSecret(t *testing.T) {
	for _, name := range []string{"connection_string", "session_id", "master_key", "token", "service_account_credentials", "key_pem", "cookies"} {
		if !IsSecret(&fs.Option{Name: name, Sensitive: true}) {
			t.Error(name, "may be seen")
		}
	}
	for _, name := range []string{"ibm_api_key", "web_token", "token", "sse_customer_key"} {
		if !IsSecret(&fs.Option{Name: name}) {
			t.Error(name, "may be seen, although it is not called sensitive")
		}
	}
	for _, name := range []string{"user", "host", "account", "access_key_id", "sse_kms_key_id", "root_folder_id", "workstation"} {
		if IsSecret(&fs.Option{Name: name, Sensitive: true}) {
			t.Error(name, "is no secret")
		}
	}
	for _, name := range []string{"key_file", "pubkey_file", "host_keys", "token_url", "token_expiry", "bearer_token_command", "ask_password", "pass_bad_blocks", "api_url", "sse_customer_key_file", "env_auth"} {
		if IsSecret(&fs.Option{Name: name}) {
			t.Error(name, "is no secret")
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
