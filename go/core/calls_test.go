package core

import (
	"context"
	"testing"

	"github.com/rclone/rclone/fs"

	"bridge/checks"
	"bridge/fault"
)

// blocking is a fake whose listing of "slow" goes on until its context ends.
func blocking(t *testing.T) (r uint64, reached chan struct{}) {
	t.Helper()
	reached = make(chan struct{}, 8)
	f := newFakeFs()
	f.list = func(ctx context.Context, dir string) (fs.DirEntries, error) {
		if dir == "slow" {
			reached <- struct{}{}
			<-ctx.Done()
		}
		return nil, ctx.Err()
	}
	return fakeRemote(t, f), reached
}

func TestCancelEndsCall(t *testing.T) {
	tidy(t)
	r, reached := blocking(t)
	result := checks.Started(func() *fault.Error {
		return refused(t, "list", m{"remote": r, "path": "slow", "call": 7}, fault.Cancelled)
	})
	checks.Within(t, "the listing to begin", reached)
	if got := call[statsOut](t, "stats", m{}); got.Calls != 1 || got.Remotes != 1 {
		t.Fatalf("%+v", got)
	}
	// Its number is taken, others are not.
	refused(t, "list", m{"remote": r, "call": 7}, fault.Handle)
	refused(t, "open", m{"config": m{"type": "memory"}, "call": 7}, fault.Handle)
	call[listOut](t, "list", m{"remote": r, "call": 8})
	call[empty](t, "cancel", cancelIn{7})
	if got := checks.Within(t, "the listing to end", result); got.Path != "slow" || got.Retry {
		t.Fatalf("%+v", got)
	}
	// Now it is free again, and cancelling what is not there is no error.
	call[listOut](t, "list", m{"remote": r, "call": 7})
	call[empty](t, "cancel", cancelIn{0})
}

// Two threads are at work: the cancellation may be there first.
func TestCancelBeforeCall(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	const first = 1000
	call[empty](t, "cancel", cancelIn{first})
	call[empty](t, "cancel", cancelIn{first + 1})
	refused(t, "list", m{"remote": r, "call": first + 1}, fault.Cancelled)
	refused(t, "open", m{"config": m{"type": "memory"}, "call": first}, fault.Cancelled)
	call[listOut](t, "list", m{"remote": r, "call": first + 2})
	// Each stands for one call, and only so many are remembered.
	call[listOut](t, "list", m{"remote": r, "call": first + 1})
	for n := range uint64(maxCalls) + 1 {
		call[empty](t, "cancel", cancelIn{first + 10 + n})
	}
	call[listOut](t, "list", m{"remote": r, "call": first + 10})
	refused(t, "list", m{"remote": r, "call": first + 11}, fault.Cancelled)
}

// Number 0 means no number: any number of calls may have it.
func TestCallsWithoutNumber(t *testing.T) {
	tidy(t)
	r, reached := blocking(t)
	list := func() *fault.Error { return refused(t, "list", m{"remote": r, "path": "slow"}, fault.Cancelled) }
	first, second := checks.Started(list), checks.Started(list)
	checks.Within(t, "the first listing", reached)
	checks.Within(t, "the second listing", reached)
	call[empty](t, "cancel", cancelIn{0})
	call[empty](t, "close", m{"remote": r})
	checks.Within(t, "the first listing to end", first)
	checks.Within(t, "the second listing to end", second)
}

func TestClosingRemoteEndsCall(t *testing.T) {
	tidy(t)
	r, reached := blocking(t)
	result := checks.Started(func() *fault.Error {
		return refused(t, "list", m{"remote": r, "path": "slow", "call": 9}, fault.Cancelled)
	})
	checks.Within(t, "the listing to begin", reached)
	call[empty](t, "close", m{"remote": r})
	checks.Within(t, "the listing to end", result)
}

// A call that waits for its turn can be cancelled too.
func TestCancelWaitingMkdir(t *testing.T) {
	tidy(t)
	reached := make(chan struct{}, 2)
	f := newFakeFs()
	f.mkdir = func(ctx context.Context, _ string) error {
		reached <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	r := fakeRemote(t, f)
	mkdir := func(number int) <-chan *fault.Error {
		return checks.Started(func() *fault.Error {
			return refused(t, "mkdir", m{"remote": r, "path": "x", "call": number}, fault.Cancelled)
		})
	}
	first := mkdir(1)
	checks.Within(t, "the first mkdir", reached)
	second := mkdir(2)
	for call[statsOut](t, "stats", m{}).Calls < 2 {
	}
	call[empty](t, "cancel", cancelIn{2})
	checks.Within(t, "the second mkdir to end", second)
	if len(reached) != 0 {
		t.Fatal("two at once")
	}
	call[empty](t, "cancel", cancelIn{1})
	checks.Within(t, "the first mkdir to end", first)
}

func TestCyclesLeaveNothing(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	e := upload(t, r, "a", "some content")
	before := call[statsOut](t, "stats", m{})
	buffer := make([]byte, 64)
	for i := range 10_000 {
		stream, err := OpenReader(e.Object, int64(i%12), -1)
		checks.OK(t, err)
		// Every third is left before its end, every fifth is never begun.
		if i%5 != 0 {
			_, err = Read(stream, buffer[:1+i%3*31])
			checks.OK(t, err)
		}
		checks.OK(t, CloseStream(stream))
		if i%10 == 0 {
			writer, err := Create(r, "b", int64(i%3), 0)
			checks.OK(t, err)
			checks.OK(t, CloseStream(writer))
		}
	}
	// The last few goroutines may be about to end; tidy waits for them.
	if after := call[statsOut](t, "stats", m{}); after.Goroutines > before.Goroutines+5 || after.Streams != 0 || after.Objects != before.Objects {
		t.Fatalf("%+v before, %+v after", before, after)
	}
	call[empty](t, "close", m{"remote": r})
	if after := call[statsOut](t, "stats", m{}); after.Remotes+after.Objects+after.Streams+after.Calls != 0 {
		t.Fatalf("%+v", after)
	}
}
