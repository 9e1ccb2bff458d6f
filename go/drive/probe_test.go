package drive

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fshttp"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/lib/dircache"
	"github.com/rclone/rclone/lib/rest"

	"bridge/checks"
	"bridge/fault"
)

// tunedDrive is a drive as it is after its login.
func tunedDrive(t *testing.T) *opendrive.Fs {
	t.Helper()
	remote := new(opendrive.Fs)
	client := rest.NewClient(&http.Client{Transport: fshttp.NewTransport(t.Context())}).SetRoot("https://drive/api")
	checks.OK(t, set(remote, "srv", client))
	checks.OK(t, set(remote, "session", opendrive.UserSessionInfo{SessionID: "s3ss10n", UserPlan: "Basic"}))
	checks.OK(t, set(remote, "pacer", fs.NewPacer(t.Context(), nil)))
	checks.OK(t, set(remote, "dirCache", dircache.New("", "0", remote)))
	_, err := tune(t.Context(), remote, driveMinSleep)
	checks.OK(t, err)
	return remote
}

// Nothing may be between a probe and what the drive answers.
func TestAProbeSeesAnswersAsTheyCome(t *testing.T) {
	drive, err := of(tunedDrive(t))
	checks.OK(t, err)
	client, err := drive.plainClient()
	checks.OK(t, err)
	plain, err := connectionsIn(client)
	checks.OK(t, err)
	// One only counts, one only chooses the connection.
	counting, ok := plain.Transport.(countingTransport)
	if !ok {
		t.Fatalf("%T", plain.Transport)
	}
	chosen, ok := counting.RoundTripper.(onConnections)
	if !ok {
		t.Fatalf("%T", counting.RoundTripper)
	}
	for _, transport := range []http.RoundTripper{chosen.RoundTripper, chosen.content} {
		if _, ok := transport.(*fshttp.Transport); !ok {
			t.Fatalf("%T", transport)
		}
	}
	if plain.CheckRedirect == nil {
		t.Fatal("it follows redirects to where nothing is encrypted")
	}
}

func TestOnlyOpenDriveIsProbed(t *testing.T) {
	_, err := NewProbe(t.Context(), object.MemoryFs)
	checks.HasKind(t, err, fault.Unsupported)
}

func TestAProbeAsksNothingWithoutItsFolder(t *testing.T) {
	p, err := NewProbe(t.Context(), tunedDrive(t))
	checks.OK(t, err)
	if p.Plan != "Basic" || !strings.HasPrefix(p.Folder, ProbePrefix) {
		t.Error(p.Plan, p.Folder)
	}
	_, err = p.Ask(t.Context(), 1)
	checks.HasKind(t, err, fault.Handle)
	_, err = p.Ask(t.Context(), 12)
	checks.HasKind(t, err, fault.Config)
	checks.OK(t, p.End(t.Context()))
	other, err := NewProbe(t.Context(), tunedDrive(t))
	checks.OK(t, err)
	if p.Folder == other.Folder {
		t.Error("two probes have one folder:", p.Folder)
	}
}

func TestProbePoints(t *testing.T) {
	numbers, total := []int{}, int64(0)
	for _, point := range ProbePoints() {
		numbers = append(numbers, point.Number)
		total += point.MaxBytes
		if point.Question == "" || point.Assumption == "" || point.ask == nil || point.MaxBytes < smallTraffic {
			t.Errorf("%+v", point)
		}
		if point.MaxBytes > 50_000_000 && point.Number != 7 {
			t.Errorf("point %d needs consent", point.Number)
		}
	}
	// 12 may lock the account: it must never be there.
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16}; !slices.Equal(numbers, want) {
		t.Errorf("%v, want %v", numbers, want)
	}
}

func TestSentencesCanBeShown(t *testing.T) {
	h := new(probeHidden)
	h.add("MTIzNDU2Nzg_QuX", "42", "user@example.com", "Documents", "Document", "", "0")
	fault.KeepSecret("s3ss10n-of-the-test")
	for text, want := range map[string]string{
		// What the drive is known to say stays.
		"Incorrect chunk offset: uploaded=1000, chunk_offset=0":              "Incorrect chunk offset: uploaded=1000, chunk_offset=0",
		"Invalid upload file size. Total uploaded=0. File size=8388608":      "Invalid upload file size. Total uploaded=0. File size=8388608",
		"Session does not exist, please re-login.":                           "Session does not exist, please re-login.",
		"Invalid value specified for `file_modification_time`":               "Invalid value specified for `file_modification_time`",
		"Too many downloads from same IP":                                    "Too many downloads from same IP",
		"a line\n  and\tanother":                                             "a line and another",
		"File MTIzNDU2Nzg_QuX is locked":                                     "File [redacted] is locked",
		"No folder 42, but 420 of them and x42":                              "No folder [redacted], but 420 of them and x42",
		"user@example.com and other.one@example.org may not":                 "[redacted] and [redacted] may not",
		"Folder Documents exists":                                            "Folder [redacted] exists",
		"session s3ss10n-of-the-test is over":                                "session [redacted] is over",
		"/home/x/letter.txt is no file, nor C:\\x or https://od.lk/d/abc":    "[redacted] is no file, nor [redacted] or [redacted]",
		"File letter.txt exists":                                             "File [redacted] exists",
		"File Brief-ü.final.docx exists":                                     "File [redacted] exists",
		"File \"My letter\" exists, and 'my other one' too":                  "File [redacted] exists, and [redacted] too",
		"a 5d41402abc4b2a76b9719d911017c592 and 123456789 and 1b4e28ba-2fa1": "a [redacted] and [redacted] and [redacted]",
		"an AbCd_7eF-gHi and one of letters, QwErTzUiOpAsDfGhJkLyXc":         "an [redacted] and one of letters, [redacted]",
	} {
		if got := strings.ReplaceAll(h.sentence(text), "  ", " "); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := []rune(h.sentence(strings.Repeat("a b ", 1000))); len(got) != maxSentence+1 {
		t.Error(len(got))
	}
}

func TestFieldsCanBeShown(t *testing.T) {
	h := new(probeHidden)
	h.add("MTIzNDU2", "Letters")
	var object map[string]any
	checks.OK(t, json.Unmarshal([]byte(`{"FileId": "x", "error": {"code": 1, "my letter.txt": 2}, "Files": [{"Name": 1, "FileHash": 2}, {"Other": 3}],
		"MTIzNDU2": {"a": 1}, "Letters": 1, "user@example.com": 1, "8a7b6c5d": 1, "Empty": [], "Text": ["x"]}`), &object))
	want := "Empty FileId Files Files[].FileHash Files[].Name Text [redacted] error error.[redacted] error.code"
	if got := strings.Join(h.fields(object), " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func answering(status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAnswersAreTakenDown(t *testing.T) {
	trial := &trial{Probe: new(Probe)}
	call := probeCall{method: http.MethodPost, path: "/upload/create_file.json/SECRET", about: "x"}
	read := func(status int, header http.Header, body string) *probeReply {
		return trial.read(call, answering(status, header, body), []byte(body), time.Second)
	}
	made := read(200, http.Header{"Content-Type": {"application/json"}}, `{"FileId":"f","Size":"7","DateModified":8}`)
	size, sized := made.number("Size")
	date, dated := made.number("DateModified")
	if !made.ok() || made.Call != "POST upload/create_file" || !sized || !dated || size != 7 || date != 8 {
		t.Errorf("%+v", made)
	}
	read(200, nil, `{"FileId":"g","Size":"8","DateModified":9}`)
	failed := read(200, nil, `{"error":{"code":401,"message":"Session does not exist"}}`)
	if failed.ok() || failed.Code != 401 || failed.refusal() != `200 "Session does not exist"` {
		t.Errorf("%+v", failed)
	}
	for body, form := range map[string]string{"<html>x": "html", " ": "nothing", "x": "bytes", "[1]": "json"} {
		if r := read(502, http.Header{"Retry-After": {"1"}}, body); r.Form != form || !r.RetryAfter || r.ok() {
			t.Errorf("%q: %+v", body, r)
		}
	}
	if len(trial.answers) != 6 || trial.answers[0].Times != 2 {
		t.Errorf("%+v", trial.answers)
	}
}

func TestAPointKeepsToItsTraffic(t *testing.T) {
	trial := &trial{Probe: new(Probe), budget: 10}
	body := &spending{strings.NewReader(strings.Repeat("x", 100)), trial}
	got, err := io.ReadAll(body)
	if err == nil || len(got) > 10 || trial.traffic > 10 {
		t.Errorf("%d bytes, %d counted: %v", len(got), trial.traffic, err)
	}
}
