package core

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rclone/rclone/lib/pool"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"bridge/drive"
	"bridge/fault"
)

// A drive gives each connection so many bytes per second. So the parts of a large file are read side by side, over several connections, and
// given out in order. A part is read to its end into memory at once, so that no connection waits for whoever reads.
const (
	// maxPages is how many pages (of drive.Page bytes) all readers together may have in memory: 40 MiB.
	maxPages = 80
	// maxWindow is how many of them one reader may have.
	maxWindow = 48
	// step is how many bytes are read before whoever waits is told.
	step = 64 << 10
)

// memory is what is left of maxPages.
var memory = semaphore.NewWeighted(maxPages)

// pages are outside of Go's heap, which would grow by twice as much.
var pages = sync.OnceValue(func() *pool.Pool { return pool.New(5*time.Second, drive.Page, maxPages, true) })

// sideBySide fills a buffer with the object's bytes from an offset on. They are read in several parts where that is faster, or several says that
// it may be.
func (r *reader) sideBySide(buffer []byte, at int64, several bool) error {
	line, size := r.object.remote.line, int64(len(buffer))
	part := line.Share(size)
	if several {
		part = line.Segment()
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(line.Downloads())
	for from := int64(0); from < size; {
		count, rest := line.SideBySide()
		to := from + part
		if rest || size-to < min(drive.Page, part)/2 {
			to = size
		}
		to = min(to, size)
		want := new(drive.Want)
		want.Further.Store(from > 0)
		piece, start := buffer[from:to], at+from
		read := func() error {
			return r.into(ctx, want, start, int64(len(piece)), func(n int64) []byte { return piece[n:] }, func(int) {})
		}
		if from = to; count > 1 {
			group.Go(read)
		} else if err := read(); err != nil {
			if ctx.Err() != nil {
				// Another part failed first, which has ended this one.
				err = context.Cause(ctx)
			}
			// The others must not write into the buffer any more.
			cancel()
			_ = group.Wait()
			return err
		}
	}
	return group.Wait()
}

// into downloads so many bytes from an offset on: room gives where they go when n of them are there, and got is told of each few that came.
func (r *reader) into(ctx context.Context, want *drive.Want, at, length int64, room func(n int64) []byte, got func(n int)) error {
	body, err := r.download(ctx, want, at, length)
	if err != nil {
		return err
	}
	defer body.Close()
	var measure *drive.Measure
	begun := int64(0)
	for n := int64(0); n < length; {
		buffer := room(n)
		few, err := body.Read(buffer[:min(int64(len(buffer)), length-n, step)])
		n += int64(few)
		got(few)
		if measure == nil {
			measure, begun = r.object.remote.line.Measure(), n
		}
		switch {
		case n == length:
			measure.Done(n - begun)
		case err == io.EOF:
			return fault.New(fault.Corrupt, "", fmt.Sprintf("changed while it was read: %d bytes came from offset %d on, %d were expected", n, at, length))
		case err != nil:
			return reason(body, err)
		}
	}
	return nil
}

// window reads the bytes of an object in order, and some ahead of them.
type window struct {
	reader *reader
	ctx    context.Context
	cancel context.CancelFunc
	unhook func() bool

	mu      sync.Mutex
	changed *sync.Cond
	// segments are those that are not read to their end, in order; what no segment has yet begins at next.
	segments  []*segment
	next, end int64
	// loading is how many segments are not here yet, held how many pages they all have.
	loading, held int
	closed        bool
	// direct is read from where there is no memory for a segment, or where one connection is best.
	direct io.ReadCloser
}

// segment is a part of an object in memory.
type segment struct {
	want       drive.Want
	at, length int64
	// pages are there as far as bytes came.
	pages [][]byte
	// came and taken count bytes.
	came, taken int64
	done        bool
	err         error
}

func newWindow(r *reader, at, end int64) *window {
	w := &window{reader: r, next: at, end: end}
	w.ctx, w.cancel = context.WithCancel(r.ctx)
	w.changed = sync.NewCond(&w.mu)
	w.unhook = context.AfterFunc(w.ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	return w
}

func (w *window) Read(buffer []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if err := w.ctx.Err(); err != nil {
			return 0, err
		}
		if w.direct != nil {
			return w.readDirect(buffer)
		}
		w.plan()
		switch {
		case len(w.segments) > 0:
			s := w.segments[0]
			s.want.Further.Store(false)
			if s.came > s.taken {
				return w.take(s, buffer), nil
			}
			if s.err != nil {
				return 0, s.err
			}
			w.changed.Wait()
		case w.next >= w.end:
			return 0, io.EOF
		default:
			if err := w.openDirect(); err != nil {
				return 0, err
			}
		}
	}
}

// take gives out what came of the first segment; call with the lock held.
func (w *window) take(s *segment, buffer []byte) int {
	page, from := s.taken/drive.Page, s.taken%drive.Page
	n := copy(buffer, s.pages[page][from:min(drive.Page, from+s.came-s.taken)])
	s.taken += int64(n)
	if s.taken%drive.Page == 0 || s.taken == s.length {
		w.free(s, page)
	}
	if s.taken == s.length {
		w.segments = w.segments[1:]
	}
	return n
}

// plan begins to load segments while there is room; call with the lock held.
func (w *window) plan() {
	line := w.reader.object.remote.line
	for !w.closed && w.direct == nil && w.next < w.end {
		most, rest := line.SideBySide()
		if rest || w.loading >= most {
			return
		}
		size := w.size(most)
		count := int((size + drive.Page - 1) / drive.Page)
		if w.held+count > maxWindow || !memory.TryAcquire(int64(count)) {
			return
		}
		s := &segment{at: w.next, length: size, pages: make([][]byte, count)}
		s.want.Further.Store(len(w.segments) > 0)
		w.segments = append(w.segments, s)
		w.next += size
		w.loading++
		w.held += count
		go w.load(s)
	}
}

// size is that of the next segment: smaller towards the end, so that all connections have something to do until then.
func (w *window) size(most int) int64 {
	line, left := w.reader.object.remote.line, w.end-w.next
	if len(w.segments) == 0 && line.Whole(left) {
		return left
	}
	size := line.Segment()
	if most > 1 {
		share := (left/int64(2*most) + drive.Page - 1) / drive.Page * drive.Page
		size = min(size, max(share, drive.Page))
	}
	if left-size < drive.Page/2 {
		return left
	}
	return size
}

// load reads a segment.
func (w *window) load(s *segment) {
	err := w.reader.into(w.ctx, &s.want, s.at, s.length, func(n int64) []byte {
		page := n / drive.Page
		if s.pages[page] == nil {
			s.pages[page] = pages().Get()
		}
		return s.pages[page][n%drive.Page:]
	}, func(n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		s.came += int64(n)
		// The drive has answered: more may be asked for.
		w.plan()
		w.changed.Broadcast()
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	s.done, s.err = true, err
	w.loading--
	if w.closed {
		w.freeAll(s)
	}
	w.plan()
	w.changed.Broadcast()
}

// free lets go of a page; call with the lock held.
func (w *window) free(s *segment, page int64) {
	if s.pages[page] != nil {
		pages().Put(s.pages[page])
		s.pages[page] = nil
	}
	w.held--
	memory.Release(1)
}

// freeAll lets go of what is left of a segment that nobody loads; call with the lock held.
func (w *window) freeAll(s *segment) {
	if s.taken == s.length {
		// Its last page, seldom a whole one, went with its last byte: whoever read that may have closed before the loading was over.
		return
	}
	for page := s.taken / drive.Page; page < int64(len(s.pages)); page++ {
		w.free(s, page)
	}
	s.pages = nil
}

// openDirect opens the next part for being read without a segment; call with the lock held.
func (w *window) openDirect() error {
	size := w.end - w.next
	if most, rest := w.reader.object.remote.line.SideBySide(); !rest {
		size = w.size(most)
	}
	at := w.next
	w.next += size
	w.mu.Unlock()
	body, err := w.reader.download(w.ctx, new(drive.Want), at, size)
	w.mu.Lock()
	if err == nil {
		w.direct = body
	}
	return err
}

// readDirect reads from what openDirect opened; call with the lock held.
func (w *window) readDirect(buffer []byte) (int, error) {
	body := w.direct
	w.mu.Unlock()
	n, err := body.Read(buffer[:min(len(buffer), step)])
	w.mu.Lock()
	if err == io.EOF {
		_ = body.Close()
		w.direct, err = nil, nil
		if n == 0 && w.next >= w.end {
			err = io.EOF
		}
	}
	return n, reason(body, err)
}

func (w *window) Close() error {
	w.unhook()
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, s := range w.segments {
		if s.done {
			w.freeAll(s)
		}
	}
	w.segments = nil
	if w.direct != nil {
		_ = w.direct.Close()
		w.direct = nil
	}
	return nil
}
