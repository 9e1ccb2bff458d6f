package core

import (
	"context"
	"testing"

	"github.com/rclone/rclone/fs"
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
	result := started(func() *Error { return refused(t, "list", m{"remote": r, "path": "slow", "call": 7}, KindCancelled) })
	within(t, "the listing to begin", reached)
	if got := call[statsOut](t, "stats", m{}); got.Calls != 1 || got.Remotes != 1 {
		t.Fatalf("%+v", got)
	}
	// Its number is taken, others are not.
	refused(t, "list", m{"remote": r, "call": 7}, KindHandle)
	refused(t, "open", m{"config": m{"type": "memory"}, "call": 7}, KindHandle)
	call[listOut](t, "list", m{"remote": r, "call": 8})
	call[empty](t, "cancel", cancelIn{7})
	if got := within(t, "the listing to end", result); got.Path != "slow" || got.Retry {
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
	refused(t, "list", m{"remote": r, "call": first + 1}, KindCancelled)
	refused(t, "open", m{"config": m{"type": "memory"}, "call": first}, KindCancelled)
	call[listOut](t, "list", m{"remote": r, "call": first + 2})
	// Each stands for one call, and only so many are remembered.
	call[listOut](t, "list", m{"remote": r, "call": first + 1})
	for n := range uint64(maxCalls) + 1 {
		call[empty](t, "cancel", cancelIn{first + 10 + n})
	}
	call[listOut](t, "list", m{"remote": r, "call": first + 10})
	refused(t, "list", m{"remote": r, "call": first + 11}, KindCancelled)
}

// Number 0 means no number: any number of calls may have it.
func TestCallsWithoutNumber(t *testing.T) {
	tidy(t)
	r, reached := blocking(t)
	list := func() *Error { return refused(t, "list", m{"remote": r, "path": "slow"}, KindCancelled) }
	first, second := started(list), started(list)
	within(t, "the first listing", reached)
	within(t, "the second listing", reached)
	call[empty](t, "cancel", cancelIn{0})
	call[empty](t, "close", m{"remote": r})
	within(t, "the first listing to end", first)
	within(t, "the second listing to end", second)
}

func TestClosingRemoteEndsCall(t *testing.T) {
	tidy(t)
	r, reached := blocking(t)
	result := started(func() *Error { return refused(t, "list", m{"remote": r, "path": "slow", "call": 9}, KindCancelled) })
	within(t, "the listing to begin", reached)
	call[empty](t, "close", m{"remote": r})
	within(t, "the listing to end", result)
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
	mkdir := func(number int) <-chan *Error {
		return started(func() *Error {
			return refused(t, "mkdir", m{"remote": r, "path": "x", "call": number}, KindCancelled)
		})
	}
	first := mkdir(1)
	within(t, "the first mkdir", reached)
	second := mkdir(2)
	for call[statsOut](t, "stats", m{}).Calls < 2 {
	}
	call[empty](t, "cancel", cancelIn{2})
	within(t, "the second mkdir to end", second)
	if len(reached) != 0 {
		t.Fatal("two at once")
	}
	call[empty](t, "cancel", cancelIn{1})
	within(t, "the first mkdir to end", first)
}

func TestCyclesLeaveNothing(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	e := upload(t, r, "a", "some content")
	before := call[statsOut](t, "stats", m{})
	buffer := make([]byte, 64)
	for i := range 10_000 {
		stream, err := OpenReader(e.Object, int64(i%12), -1)
		ok(t, err)
		// Every third is left before its end, every fifth is never begun.
		if i%5 != 0 {
			_, err = Read(stream, buffer[:1+i%3*31])
			ok(t, err)
		}
		ok(t, CloseStream(stream))
		if i%10 == 0 {
			writer, err := Create(r, "b", int64(i%3), 0)
			ok(t, err)
			ok(t, CloseStream(writer))
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
