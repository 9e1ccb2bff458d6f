package core

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"

	"bridge/drive"
	"bridge/fault"
)

// running are the calls that can be cancelled, by the number that the caller chose.
var running = struct {
	sync.Mutex
	cancels map[uint64]context.CancelFunc
	// early are calls that were cancelled and are not running: over, or not begun yet. Numbers are not
	// used twice, so it is enough to know the last ones; next is where the oldest of them is.
	early [maxCalls]uint64
	next  int
	// urgent are the calls that read ahead, until somebody waits for what they read; hurried and nextHurried are as early and next.
	urgent      map[uint64]*atomic.Bool
	hurried     [maxCalls]uint64
	nextHurried int
}{cancels: map[uint64]context.CancelFunc{}, urgent: map[uint64]*atomic.Bool{}}

type cancelIn struct {
	Call uint64 `json:"call"`
}

type statsOut struct {
	Remotes    int `json:"remotes"`
	Objects    int `json:"objects"`
	Streams    int `json:"streams"`
	Calls      int `json:"calls"`
	Goroutines int `json:"goroutines"`
	// HeapBytes are those of all objects in Go's heap, garbage that is not collected yet included.
	HeapBytes uint64 `json:"heapBytes"`
}

func init() {
	register(Prefix+"cancel", cancel) // cancel a running call by the number it was started with
	register(Prefix+"hurry", hurry)   // tell that somebody waits for what a call reads ahead
	register(Prefix+"stats", stats)   // count open handles, running calls, goroutines and bytes in Go's heap
	register(Prefix+"spent", spent)   // count the calls to OpenDrive since the process began, the answers to wait, and the bytes of files
}

type spentOut struct {
	Calls int64 `json:"calls"`
	Waits int64 `json:"waits"`
	Down  int64 `json:"down"`
	Up    int64 `json:"up"`
}

func spent(context.Context, empty) (spentOut, error) { return spentOut(drive.SpentSoFar()), nil }

// beginCall gives the context of a call; number 0 is a call that cannot be cancelled.
func beginCall(parent context.Context, number uint64) (ctx context.Context, done func(), err error) {
	ctx, cancel := context.WithCancel(parent)
	if err := enter(number, cancel); err != nil {
		cancel()
		return nil, nil, err
	}
	return ctx, func() {
		leave(number)
		cancel()
	}, nil
}

// enter makes a call cancellable by its number until it leaves.
func enter(number uint64, cancel context.CancelFunc) error {
	if number == 0 {
		return nil
	}
	running.Lock()
	defer running.Unlock()
	if at := slices.Index(running.early[:], number); at >= 0 {
		running.early[at] = 0
		return context.Canceled
	}
	if _, busy := running.cancels[number]; busy || len(running.cancels) >= maxCalls {
		return fault.New(fault.Handle, "", fmt.Sprintf("call number %d is in use, or more than %d calls are running", number, maxCalls))
	}
	running.cancels[number] = cancel
	return nil
}

func leave(number uint64) {
	running.Lock()
	defer running.Unlock()
	delete(running.cancels, number)
	delete(running.urgent, number)
}

// mayBecomeUrgent lets hurry find a call that has entered, until it leaves.
func mayBecomeUrgent(number uint64, urgent *atomic.Bool) {
	if number == 0 {
		return
	}
	running.Lock()
	defer running.Unlock()
	if at := slices.Index(running.hurried[:], number); at >= 0 {
		running.hurried[at] = 0
		urgent.Store(true)
		return
	}
	running.urgent[number] = urgent
}

// hurry makes what a call reads ahead come before what nobody waits for. As with cancel, it may come before the call.
func hurry(_ context.Context, in cancelIn) (empty, error) {
	running.Lock()
	defer running.Unlock()
	if urgent, ok := running.urgent[in.Call]; ok {
		urgent.Store(true)
	} else {
		running.hurried[running.nextHurried] = in.Call
		running.nextHurried = (running.nextHurried + 1) % len(running.hurried)
	}
	return empty{}, nil
}

// cancel ends a call; one that is not running is no error. Two threads are at work, so it may come before the
// call does, which then ends as soon as it begins.
func cancel(_ context.Context, in cancelIn) (empty, error) {
	running.Lock()
	defer running.Unlock()
	if cancel, ok := running.cancels[in.Call]; ok {
		cancel()
	} else {
		running.early[running.next] = in.Call
		running.next = (running.next + 1) % len(running.early)
	}
	return empty{}, nil
}

func stats(context.Context, empty) (statsOut, error) {
	running.Lock()
	calls := len(running.cancels)
	running.Unlock()
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	return statsOut{
		Remotes:    remotes.len(),
		Objects:    objects.len(),
		Streams:    streams.len() + int(ending.Load()),
		Calls:      calls,
		Goroutines: runtime.NumGoroutine(),
		HeapBytes:  heap[0].Value.Uint64(),
	}, nil
}
