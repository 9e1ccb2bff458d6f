package drive

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rclone/rclone/fs"
)

// OpenDrive lets an address have six downloads at once, from the request until the last byte, whoever asks for them. The
// seventh is refused at once. So each download takes a connection from a budget, and those that find none left wait for
// their turn: in the order of how much they are wanted.
const (
	// DefaultDownloads is one less than the drive allows: it may count one for a moment after its last byte.
	DefaultDownloads = 5
	maxDownloads     = 6

	// idleTime is how long a download may hold a connection that others wait for while nobody reads from it.
	idleTime = 3 * time.Second
	// growTime is how long no download must have been refused until the budget grows by one again.
	growTime = 30 * time.Second
	// refusedPause is how long nothing is asked for after a refusal while no download of ours is open; it doubles up to
	// maxRefusedPause while refusals go on.
	refusedPause    = time.Second
	maxRefusedPause = 15 * time.Second
	// refusedTime is for how long downloads may be refused, with none of them let through, until they are given up.
	refusedTime = 5 * time.Minute
)

// Want says how much a download is wanted. It travels in the context of what reads an object.
type Want struct {
	// Urgent tells that somebody waits for what is read. It may be set while the download is under way or waits; what is
	// read ahead comes after everything that is urgent.
	Urgent *atomic.Bool
	// Further tells that it is not the next part of what somebody waits for, but one behind it.
	Further atomic.Bool
	// Part tells that only a part of the object is wanted: how large the whole is by now does not matter.
	Part bool
	// size is that of the whole object on the drive, -1 if it is not known.
	size int64
}

// The order in which downloads get a connection.
const (
	first = iota
	further
	ahead
)

func (w *Want) level() int {
	switch {
	case !w.Urgent.Load():
		return ahead
	case w.Further.Load():
		return further
	}
	return first
}

type wantKey struct{}

// Wanting puts a want into the context of a download of o.
func Wanting(ctx context.Context, w *Want, o fs.Object) context.Context {
	w.size = -1
	// What a crypt wraps has another size than is seen from outside.
	if inner := fs.UnWrapObject(o); inner != nil {
		w.size = inner.Size()
	}
	return context.WithValue(ctx, wantKey{}, w)
}

// wantIn finds the want in a context. Whoever says nothing waits.
func wantIn(ctx context.Context) *Want {
	if w, ok := ctx.Value(wantKey{}).(*Want); ok {
		return w
	}
	w := &Want{Urgent: new(atomic.Bool), size: -1}
	w.Urgent.Store(true)
	return w
}

// downloads is the budget of download connections of this process, for all remotes that leave by one proxy: OpenDrive
// counts by address.
type downloads struct {
	mu sync.Mutex
	// most is what the user allows; limit is what the drive seems to have left of it for this process.
	most, limit int
	open        map[*turn]struct{}
	// waiting are those without a connection, in the order they came.
	waiting []*turn
	// refused is when a download was refused last, or the limit was raised since.
	refused time.Time
	// let is when a download was let through last.
	let time.Time
	// pause and until hold all back after refusals while none of ours was open.
	pause time.Duration
	until time.Time
	// alarm looks again: for idle ones, at the end of a pause, when the limit may grow.
	alarm *time.Timer
}

// turn is a download's place in the budget: it waits, is open, or is over.
type turn struct {
	budget *downloads
	want   *Want
	ready  chan struct{}
	// giveUp lets go of the connection if nobody has read from it for so long, and tells whether it did; nil until there is
	// a connection. It is called with the budget's lock held.
	giveUp func(idle time.Duration) bool
}

var (
	budgetsMu sync.Mutex
	budgets   = map[string]*downloads{}
)

// budgetOf finds the budget of those who leave by a proxy ("": none, or that of the environment).
func budgetOf(proxy string, most int) *downloads {
	budgetsMu.Lock()
	defer budgetsMu.Unlock()
	d := budgets[proxy]
	if d == nil {
		d = newDownloads(most)
		budgets[proxy] = d
	}
	d.allow(most)
	return d
}

func newDownloads(most int) *downloads {
	return &downloads{most: most, limit: most, open: map[*turn]struct{}{}}
}

// allow sets what the user allows.
func (d *downloads) allow(most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if most != d.most {
		d.most, d.limit = most, most
		d.dispatch()
	}
}

// take waits for a connection.
func (d *downloads) take(ctx context.Context, want *Want) (*turn, error) {
	t := &turn{budget: d, want: want, ready: make(chan struct{})}
	d.mu.Lock()
	d.waiting = append(d.waiting, t)
	d.dispatch()
	d.mu.Unlock()
	return t, t.wait(ctx)
}

// wait returns when the turn has come.
func (t *turn) wait(ctx context.Context) error {
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		t.end()
		return ctx.Err()
	}
}

// end gives the place back, whether the turn had come or not; more than once is once.
func (t *turn) end() {
	d := t.budget
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(t)
	d.dispatch()
}

func (d *downloads) remove(t *turn) {
	delete(d.open, t)
	d.waiting = slices.DeleteFunc(d.waiting, func(other *turn) bool { return other == t })
}

// begun takes note that the drive has let the download through, and how it is made to give its connection up.
func (t *turn) begun(giveUp func(idle time.Duration) bool) {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	t.giveUp = giveUp
	t.budget.let, t.budget.pause = time.Now(), 0
}

// refusedAgain takes note that the drive refused a download because the address has too many, and puts it back to the head
// of those who wait. It tells whether that has gone on for too long, since when the download was refused first.
func (t *turn) refusedAgain(since time.Time) (tooLong bool) {
	d := t.budget
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.remove(t)
	if d.let.After(since) {
		since = d.let
	}
	if now.Sub(since) >= refusedTime {
		d.dispatch()
		return true
	}
	// The others that are open were let through, so as many may be had.
	d.limit = max(1, min(d.limit, len(d.open)))
	d.refused = now
	if len(d.open) == 0 && !now.Before(d.until) {
		d.pause = min(max(2*d.pause, refusedPause), maxRefusedPause)
		d.until = now.Add(jittered(d.pause))
	}
	t.ready = make(chan struct{})
	d.waiting = slices.Insert(d.waiting, 0, t)
	d.dispatch()
	return false
}

// dispatch gives connections to those who wait, and sees to it that it is called again; call with the lock held.
func (d *downloads) dispatch() {
	now := time.Now()
	if d.limit < d.most && now.Sub(d.refused) >= growTime {
		d.limit++
		d.refused = now
	}
	for len(d.waiting) > 0 && len(d.open) < d.limit && !now.Before(d.until) {
		next := 0
		for i, t := range d.waiting {
			if t.want.level() < d.waiting[next].want.level() {
				next = i
			}
		}
		t := d.waiting[next]
		d.waiting = slices.Delete(d.waiting, next, next+1)
		d.open[t] = struct{}{}
		close(t.ready)
	}
	if len(d.waiting) == 0 {
		if d.alarm != nil {
			d.alarm.Stop()
			d.alarm = nil
		}
		return
	}
	if d.alarm == nil {
		d.alarm = time.AfterFunc(d.next(now), d.ring)
	}
}

// next is in how long dispatch may find something to do by itself.
func (d *downloads) next(now time.Time) time.Duration {
	wait := idleTime / 3
	if now.Before(d.until) {
		wait = min(wait, d.until.Sub(now))
	}
	return wait
}

// ring takes the connections of those that nobody reads from, if others wait for them.
func (d *downloads) ring() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alarm = nil
	for t := range d.open {
		if len(d.open) < d.limit || len(d.waiting) == 0 {
			break
		}
		if t.giveUp != nil && t.giveUp(idleTime) {
			delete(d.open, t)
		}
	}
	d.dispatch()
}

// inUse is how many downloads are open.
func (d *downloads) inUse() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.open)
}

// allowed is how many may be open at most.
func (d *downloads) allowed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.most
}
