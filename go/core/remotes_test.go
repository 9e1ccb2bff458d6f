package core

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/obscure"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/fs/hash"

	"bridge/checks"
	"bridge/drive"
	"bridge/fault"
)

func TestOpenRefuses(t *testing.T) {
	tidy(t)
	file := filepath.Join(t.TempDir(), "file")
	checks.OK(t, os.WriteFile(file, nil, 0o600))
	upload(t, opened(t, map[string]string{"type": "memory"}, "refusing").Remote, "file", "")
	type config = map[string]string
	for name, test := range map[string]struct {
		in   openIn
		kind fault.Kind
		// says are parts of the message.
		says []string
	}{
		"no type":           {openIn{Config: config{"username": "u"}}, fault.Config, []string{`"type"`, `"opendrive"`}},
		"nothing":           {openIn{}, fault.Config, []string{`"type"`}},
		"unknown backend":   {openIn{Config: config{"type": "opendriv"}}, fault.Config, []string{`"opendriv"`, "opendrive", "memory"}},
		"unknown option":    {openIn{Config: config{"type": "memory", "disc": "true"}}, fault.Config, []string{`"disc"`, "discard"}},
		"bad value":         {openIn{Config: config{"type": "memory", "discard": "perhaps"}}, fault.Config, []string{`"discard"`, "perhaps"}},
		"unknown global":    {openIn{Config: config{"type": "memory", "override.nonsense": "1"}}, fault.Config, []string{`"override.nonsense"`}},
		"bad global":        {openIn{Config: config{"type": "memory", "override.timeout": "many"}}, fault.Config, []string{"timeout"}},
		"hidden password":   {openIn{Config: config{"type": "opendrive", "username": "u", "password": "*** ENCRYPTED ***"}}, fault.Config, []string{`"password"`, "leave the name out"}},
		"no user":           {openIn{Config: config{"type": "opendrive", "password": "x"}, Plain: []string{"password"}}, fault.Config, []string{`"username"`}},
		"no password":       {openIn{Config: config{"type": "opendrive", "username": "u"}}, fault.Config, []string{`"password"`}},
		"empty password":    {openIn{Config: config{"type": "opendrive", "username": "u", "password": ""}}, fault.Config, []string{`"password"`}},
		"not obscured":      {openIn{Config: config{"type": "opendrive", "username": "u", "password": "plain text"}}, fault.Config, []string{`"password"`, "rclone obscure"}},
		"base64, no cipher": {openIn{Config: config{"type": "opendrive", "username": "u", "password": "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo"}}, fault.Config, []string{`"password"`}},
		"local file":        {openIn{Config: config{"type": "local"}, Path: file}, fault.IsFile, []string{"file"}},
		"memory file":       {openIn{Config: config{"type": "memory"}, Path: "refusing/file"}, fault.IsFile, []string{"file"}},
	} {
		t.Run(name, func(t *testing.T) {
			failure := refused(t, "open", test.in, test.kind)
			for _, part := range test.says {
				if !strings.Contains(failure.Error(), part) {
					t.Errorf("%q does not say %s", failure.Message, part)
				}
			}
		})
	}
}

func TestOpenTells(t *testing.T) {
	tidy(t)
	memory := opened(t, map[string]string{"type": "memory", "description": "mine", "discard": "", "override.user_agent": "x"}, "x")
	if memory.Backend != "memory" || memory.Hash != "md5" || memory.CaseInsensitive || memory.EmptyFolders || memory.PrecisionNs != 1 {
		t.Errorf("%+v", memory)
	}
	local := opened(t, map[string]string{"type": "local"}, t.TempDir())
	if local.Backend != "local" || local.Hash != "" || !local.EmptyFolders {
		t.Errorf("%+v", local)
	}
	if memory.Remote == local.Remote {
		t.Error("one handle for two remotes")
	}
}

// A password may come plain or obscured, and reaches the backend obscured.
func TestPasswords(t *testing.T) {
	hidden := obscure.MustObscure("pa ss wörd")
	for _, test := range []struct {
		value string
		plain []string
	}{{"pa ss wörd", []string{"password"}}, {hidden, nil}, {hidden, []string{"username"}}} {
		in := openIn{Config: map[string]string{"type": "opendrive", "username": "u", "password": test.value}, Plain: test.plain}
		_, options, _, err := prepareConfig(in)
		checks.OK(t, err)
		if got, err := obscure.Reveal(options["password"]); err != nil || got != "pa ss wörd" {
			t.Error(got, err)
		}
		if options["username"] != "u" || len(options) != 2 {
			t.Error(options)
		}
	}
}

// What may pass is tried again, a refused login never.
func TestOpenTries(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		fails int
		tries int
		kind  fault.Kind
	}{
		"passes":   {fserrors.RetryError(checks.DriveError(500, "x")), 2, 3, ""},
		"stays":    {checks.DriveError(429, "x"), 99, drive.OpenTries, fault.RateLimited},
		"login":    {fserrors.RetryError(checks.DriveError(401, "x")), 99, 1, fault.Authentication},
		"anything": {errors.New("x"), 99, 1, fault.Other},
	} {
		// In a bubble, where pauses take no time.
		bubble := func(t *testing.T) {
			f := newFakeFs()
			tries := 0
			f.openErr = func() error {
				if tries++; tries <= test.fails {
					return test.err
				}
				return nil
			}
			fakes.Store(name, f)
			defer fakes.Delete(name)
			in := m{"config": m{"type": "fake", "id": name}}
			if test.kind != "" {
				refused(t, "open", in, test.kind)
			} else {
				call[empty](t, "close", m{"remote": call[openOut](t, "open", in).Remote})
			}
			if tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
		}
		t.Run(name, func(t *testing.T) {
			tidy(t)
			synctest.Test(t, bubble)
		})
	}
}

func TestCancelOpen(t *testing.T) {
	tidy(t)
	reached := make(chan struct{}, drive.OpenTries)
	f := newFakeFs()
	f.openErr = func() error {
		reached <- struct{}{}
		return checks.DriveError(429, "slow down")
	}
	fakes.Store("cancelled", f)
	defer fakes.Delete("cancelled")
	result := checks.Started(func() *fault.Error {
		return refused(t, "open", m{"config": m{"type": "fake", "id": "cancelled"}, "call": 5}, fault.Cancelled)
	})
	checks.Within(t, "the first try", reached)
	call[empty](t, "cancel", cancelIn{5})
	checks.Within(t, "the end of open", result)
}

// A backend that renews a token later does so with the context that it was opened with.
func TestWhatABackendKeepsOfItsOpeningLasts(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	fakes.Store("lasting", f)
	defer fakes.Delete("lasting")
	r := call[openOut](t, "open", m{"config": m{"type": "fake", "id": "lasting"}, "call": 990006}).Remote
	defer func() { call[empty](t, "close", m{"remote": r}) }()
	if err := f.kept.Err(); err != nil {
		t.Error("it has ended with the call:", err)
	}
	// Its number stands for nothing any more.
	call[empty](t, "cancel", cancelIn{990006})
	if err := f.kept.Err(); err != nil {
		t.Error("it was cancelled later:", err)
	}
}

func TestCloseDropsAll(t *testing.T) {
	tidy(t)
	r, other := memoryRemote(t), memoryRemote(t)
	a := upload(t, r, "a", "abc").Object
	spared := upload(t, other, "b", "abc").Object
	reader, err := OpenReader(a, 0, -1)
	checks.OK(t, err)
	writer, err := Create(r, "c", 10, 0)
	checks.OK(t, err)
	sparedReader, err := OpenReader(spared, 0, -1)
	checks.OK(t, err)
	call[empty](t, "close", m{"remote": r})
	refused(t, "close", m{"remote": r}, fault.Handle)
	refused(t, "list", m{"remote": r}, fault.Handle)
	refused(t, "delete", m{"object": a}, fault.Handle)
	_, err = Read(reader, make([]byte, 1))
	checks.HasKind(t, err, fault.Handle)
	checks.HasKind(t, Write(writer, []byte("x")), fault.Handle)
	checks.HasKind(t, CloseStream(writer), fault.Handle)
	_, err = Create(r, "c", 1, 0)
	checks.HasKind(t, err, fault.Handle)
	if got, err := drain(sparedReader, make([]byte, 9)); err != nil || got != "abc" {
		t.Error(got, err)
	}
}

// What is opened while its remote is being closed must not stay behind in the tables.
func TestNothingOpensOnClosedRemote(t *testing.T) {
	tidy(t)
	handle := memoryRemote(t)
	a := upload(t, handle, "a", "abc").Object
	r, err := remotes.get(handle)
	checks.OK(t, err)
	r.cancel()
	_, err = OpenReader(a, 0, -1)
	checks.HasKind(t, err, fault.Cancelled)
	_, err = Create(handle, "b", 1, 0)
	checks.HasKind(t, err, fault.Cancelled)
	refused(t, "list", m{"remote": handle, "keep": true}, fault.Cancelled)
	if got := call[statsOut](t, "stats", m{}); got.Streams != 0 || got.Objects != 1 {
		t.Errorf("%+v", got)
	}
}

func TestCloseShutsDownLast(t *testing.T) {
	tidy(t)
	f := newFakeFs()
	steps := []string{}
	f.features.Shutdown = func(context.Context) error {
		steps = append(steps, "shutdown")
		return nil
	}
	r := fakeRemote(t, f)
	f.has("a", "abc", time.Now())
	object := call[entry](t, "stat", m{"remote": r, "path": "a"}).Object
	o, err := objects.get(object)
	checks.OK(t, err)
	o.object().(*fakeObject).open = func(context.Context, int64, int64) (io.ReadCloser, error) {
		return closing{strings.NewReader("abc"), func() { steps = append(steps, "close") }}, nil
	}
	stream, err := OpenReader(object, 0, -1)
	checks.OK(t, err)
	_, err = Read(stream, make([]byte, 1))
	checks.OK(t, err)
	call[empty](t, "close", m{"remote": r})
	if got := strings.Join(steps, " "); got != "close shutdown" {
		t.Error(got)
	}
}

func TestAbout(t *testing.T) {
	tidy(t)
	local, _ := localRemote(t)
	if got := call[aboutOut](t, "about", m{"remote": local}); got.Total == nil || *got.Total <= 0 || got.Free == nil {
		t.Errorf("%+v", got)
	}
	refused(t, "about", m{"remote": memoryRemote(t)}, fault.Unsupported)
	refused(t, "about", m{"remote": 12345678}, fault.Handle)
	f := newFakeFs()
	f.features.About = func(context.Context) (*fs.Usage, error) { return nil, checks.DriveError(403, "no") }
	refused(t, "about", m{"remote": fakeRemote(t, f)}, fault.Permission)
}

func TestBackends(t *testing.T) {
	got := call[backendsOut](t, "backends", m{}).Backends
	for _, name := range []string{"alias", "crypt", "local", "memory", "opendrive"} {
		if !slices.Contains(got, name) {
			t.Errorf("%s is missing in %v", name, got)
		}
	}
}

func TestQuickHash(t *testing.T) {
	for _, test := range []struct {
		hashes hash.Set
		slow   bool
		want   hash.Type
	}{
		{hash.NewHashSet(hash.SHA1, hash.MD5), false, hash.MD5},
		{hash.NewHashSet(hash.SHA1), false, hash.SHA1},
		{hash.NewHashSet(hash.MD5), true, hash.None},
		{hash.NewHashSet(), false, hash.None},
	} {
		f := newFakeFs()
		f.hashes, f.features.SlowHash = test.hashes, test.slow
		if got := quickHash(f); got != test.want {
			t.Errorf("%v slow=%v: %s", test.hashes, test.slow, got)
		}
	}
}
