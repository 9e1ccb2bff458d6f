package drive

import (
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
)

const (
	// Page is the unit of segments.
	Page = 512 << 10
	// smallShare is the least of a range of no more than a page that is worth a call of its own.
	smallShare = 64 << 10
	// firstSegment is the size of a segment while nothing is known of the line.
	firstSegment = 2 * Page
	maxSegment   = 8 * Page
	// segmentTime is how long a segment should take on one connection: long enough for the call not to matter.
	segmentTime = 3 * time.Second
	// shareTime is how long a block may take on one connection before it is worth several calls.
	shareTime = 500 * time.Millisecond
	// wholeTime is how long a small file may take on one connection before it is worth several calls.
	wholeTime = 8 * time.Second
	// smallFile is read in one call, unless the line is slow.
	smallFile = 8 * Page

	// trialAfter bytes that came side by side one segment is read alone, to see whether that is as fast.
	trialAfter = 128 << 20
	// helps is how much faster side by side must be.
	helps = 1.25
)

// Line is what is known of the way to a drive: how fast one connection is, whether the drive answers ranges, and whether several
// connections are faster than one. One per remote.
type Line struct {
	budget *downloads
	// calls is how many calls a range costs: a crypt reads the header of the file for each.
	calls int64

	mu sync.Mutex
	// rate is bytes per second of one connection, 0 if unknown; alone is the same with no other open.
	rate, alone float64
	// together is bytes per second of all connections, when at least three were open.
	together float64
	// sideBySide counts bytes that came side by side since the last trial, oneByOne those that came alone.
	sideBySide, oneByOne int64
	ranges               answersRanges
}

type answersRanges int

const (
	rangesUnknown answersRanges = iota
	rangesAnswered
	rangesIgnored
)

// LineOf gives the line to the drive that a remote is or wraps; nil for any other remote.
func LineOf(f fs.Fs) *Line {
	remote := Of(f)
	if remote == nil {
		return nil
	}
	d, err := of(remote)
	if err != nil {
		return nil
	}
	if !Is(f) {
		d.downloads.line.calls = 2
	}
	return d.downloads.line
}

// NewLine gives a line of which nothing is known, with a budget of its own.
func NewLine(downloads int) *Line { return &Line{budget: newDownloads(downloads), calls: 1} }

// Downloads is how many downloads may be open at once.
func (l *Line) Downloads() int { return l.budget.allowed() }

// Segment is how many bytes are worth a call of their own on a connection.
func (l *Line) Segment() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segment()
}

func (l *Line) segment() int64 {
	size := int64(firstSegment)
	if l.rate > 0 {
		size = int64(min(l.rate*segmentTime.Seconds(), maxSegment)) / Page * Page
	}
	return min(max(size, Page)*l.calls, maxSegment)
}

// Whole tells whether so many bytes are best read in one call.
func (l *Line) Whole(size int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return size <= l.segment() || (size <= smallFile && (l.rate == 0 || float64(size) <= l.rate*wholeTime.Seconds()))
}

// Share is how many of so many bytes, all of which are waited for, are worth a call of their own: all, unless the line is known to be slow.
func (l *Line) Share(size int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 || float64(size) <= l.rate*shareTime.Seconds() {
		return size
	}
	unit := int64(Page)
	// Somebody waits for a little of something, and all connections but for this one are free.
	if size <= Page && l.calls == 1 && l.budget.inUse() == 0 {
		unit = smallShare
	}
	share := (size/int64(l.budget.allowed()) + unit - 1) / unit * unit
	return min(max(share, unit*l.calls), l.segment())
}

// SideBySide is how many segments of one file may be read at once: one until the drive has answered a range, where it does not, where
// it does not help, and now and then to see whether it does. rest tells that all that is left is best asked for in one then.
func (l *Line) SideBySide() (count int, rest bool) {
	most := l.budget.allowed()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ranges == rangesIgnored:
		return 1, true
	case l.ranges == rangesUnknown, l.sideBySide >= trialAfter:
		return 1, false
	case l.alone > 0 && l.together > 0 && l.together < helps*l.alone:
		return 1, true
	}
	return most, most == 1
}

// SetRanges takes note of whether the drive answers ranges.
func (l *Line) SetRanges(answers bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ranges = rangesIgnored
	if answers {
		l.ranges = rangesAnswered
	}
}

// Measure is begun when a download's first bytes are there.
func (l *Line) Measure() *Measure {
	return &Measure{line: l, begun: time.Now(), open: l.budget.inUse()}
}

// Measure is how fast one download is that is read without a pause.
type Measure struct {
	line  *Line
	begun time.Time
	open  int
}

// measured is how many bytes tell how fast a connection is; fewer may come at once.
const measured = 128 << 10

// Done takes note of how many bytes came since the measure was begun.
func (m *Measure) Done(bytes int64) {
	taken := time.Since(m.begun).Seconds()
	if bytes < measured {
		return
	}
	rate := float64(bytes) / max(taken, 1e-3)
	open := min(m.open, m.line.budget.inUse())
	l := m.line
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = blend(l.rate, rate)
	switch {
	case m.open <= 1 && open <= 1:
		l.alone = blend(l.alone, rate)
		l.sideBySide = 0
		if l.oneByOne += bytes; l.oneByOne >= trialAfter {
			// Another line by now, perhaps.
			l.together, l.oneByOne = 0, 0
		}
	case open >= 3:
		l.together = blend(l.together, rate*float64(open))
		l.sideBySide += bytes
		if l.sideBySide >= 2*trialAfter {
			// It never was alone: others are at work. Try again later.
			l.sideBySide = 0
		}
	}
}

func blend(before, now float64) float64 {
	if before == 0 {
		return now
	}
	return 0.7*before + 0.3*now
}
