// Package checks holds what the tests of several packages check with.
package checks

import (
	"runtime"
	"testing"
	"time"

	"github.com/rclone/rclone/backend/opendrive"

	"bridge/fault"
)

// Patience is how long a test waits for what should happen at once. It only ends what hangs, so it is many times what a machine that is busy takes.
const Patience = time.Minute

// HasKind checks the kind of an error of a data call.
func HasKind(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %s", kind)
	}
	if got := fault.As(err, "").Kind; got != kind {
		t.Fatalf("kind %s (%v), want %s", got, err, kind)
	}
}

// OK fails the test if there is an error.
func OK(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Within gives what arrives on a channel, and fails the test if nothing does.
func Within[T any](t testing.TB, what string, c <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(Patience):
		stacks := make([]byte, 1<<20)
		t.Fatalf("waited too long for %s\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
	return value
}

// Started runs a function in the background; its result arrives on the channel.
func Started[T any](fn func() T) <-chan T {
	c := make(chan T, 1)
	go func() { c <- fn() }()
	return c
}

// DriveError is an error that OpenDrive's API gives.
func DriveError(code int, message string) error {
	err := new(opendrive.Error)
	err.Info.Code, err.Info.Message = code, message
	return err
}
