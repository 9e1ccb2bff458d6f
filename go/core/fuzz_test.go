package core

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs/rc"

	"bridge/fault"
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
		var failure fault.Error
		if err := json.Unmarshal([]byte(output), &failure); err != nil || failure.Kind == "" || failure.Message == "" {
			t.Fatalf("%v %s", err, output)
		}
	})
}
