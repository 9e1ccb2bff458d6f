package core

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs"

	"bridge/fault"
)

// quietChild makes the test binary a child that only initialises and leaves.
const quietChild = "BRIDGE_TEST_QUIET"

func TestInput(t *testing.T) {
	for input, ok := range map[string]bool{
		"":                         true,
		"{}":                       true,
		" {} \n":                   true,
		"null":                     true,
		`{"surprise":1}`:           false,
		`{"call":1}`:               false,
		`{`:                        false,
		`[]`:                       false,
		`{} {}`:                    false,
		`{} x`:                     false,
		`{}}`:                      false,
		"\xff":                     false,
		strings.Repeat("[", 20000): false,
	} {
		output, status := RPC(Prefix+"stats", input)
		var answer fault.Error
		if err := json.Unmarshal([]byte(output), &answer); err != nil {
			t.Errorf("%.40q: %s: %v", input, output, err)
		}
		if ok != (status == http.StatusOK) || (!ok && answer.Kind != fault.Config) {
			t.Errorf("%.40q: %d %s", input, status, output)
		}
	}
	for _, input := range []string{`{"remote":-1}`, `{"remote":1.5}`, `{"remote":"1"}`, `{"remote":1e99}`, `{"path":7}`} {
		if output, status := RPC(Prefix+"list", input); status == http.StatusOK || !strings.Contains(output, `"config"`) {
			t.Errorf("%s: %d %s", input, status, output)
		}
	}
}

func TestAnswersAreNotEscapedForHTML(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	upload(t, r, "<a> & b", "")
	if output, _ := request(t, "list", m{"remote": r}); !strings.Contains(output, `"<a> & b"`) {
		t.Error(output)
	}
}

func TestPanicIsAnError(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	f.list = func(context.Context, string) (fs.DirEntries, error) { panic("a test") }
	failure := refused(t, "list", m{"remote": fakeRemote(t, f), "call": 3}, fault.Other)
	if !strings.Contains(failure.Message, "a test") {
		t.Error(failure)
	}
}

func TestLibrcloneAnswers(t *testing.T) {
	for _, test := range []struct {
		method, input string
		status        int
		has           string
	}{
		{"rc/noop", `{"a":1}`, 200, `"a": 1`},
		{"core/version", "", 200, `"v1.76.0`},
		{"no/such", "{}", 404, "couldn't find method"},
		{"bridge/nothing", "{}", 404, "couldn't find method"},
		{"rc/noop", "{", 400, "failed to read input JSON"},
		{"rc/error", "{}", 500, "error"},
		{"operations/list", `{"fs":":memory:","remote":""}`, 200, `"list"`},
		{"operations/list", `{"fs":"nowhere:","remote":""}`, 500, "nowhere"},
	} {
		output, status := RPC(test.method, test.input)
		if status != test.status || !strings.Contains(output, test.has) {
			t.Errorf("%s: %d %s", test.method, status, output)
		}
	}
}

func TestInitializeTouchesNothing(t *testing.T) {
	home := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Dir = home
	child.Env = []string{quietChild + "=1", "HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "TMPDIR=" + home, "GOCOVERDIR=" + t.TempDir()}
	if output, err := child.CombinedOutput(); err != nil || len(output) != 0 {
		t.Fatalf("%v %s", err, output)
	}
	found, err := os.ReadDir(home)
	if err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
}
