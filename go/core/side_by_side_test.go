package core

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"bridge/checks"
	"bridge/drive"
	"bridge/fault"
)

// lined is an object on a drive whose connections are few and slow.
type lined struct {
	content []byte
	// refuse fails the download that begins there.
	refuse map[int64]error
	// cut ends each first download of a range early.
	cut bool

	mu         sync.Mutex
	open, peak int
	moved      int
	asked      [][2]int64
}

func (l *lined) download(ctx context.Context, offset, limit int64) (io.ReadCloser, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refuse[offset]; err != nil {
		return nil, err
	}
	end := int64(len(l.content))
	if limit >= 0 {
		end = min(end, offset+limit)
	}
	data := l.content[offset:end]
	again := slices.ContainsFunc(l.asked, func(before [2]int64) bool { return before[1] == end })
	if l.cut && !again && end-offset > 1 {
		data = data[:len(data)/2]
	}
	l.asked = append(l.asked, [2]int64{offset, end})
	l.open++
	l.peak = max(l.peak, l.open)
	return &linedBody{line: l, ctx: ctx, data: data, short: int64(len(data)) < end-offset}, nil
}

type linedBody struct {
	line  *lined
	ctx   context.Context
	data  []byte
	short bool
}

func (b *linedBody) Read(buffer []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if len(b.data) == 0 && b.short {
		return 0, io.ErrUnexpectedEOF
	}
	if len(b.data) == 0 {
		return 0, io.EOF
	}
	time.Sleep(100 * time.Microsecond)
	n := copy(buffer, b.data)
	b.data = b.data[n:]
	b.line.mu.Lock()
	defer b.line.mu.Unlock()
	b.line.moved += n
	return n, nil
}

func (b *linedBody) Close() error {
	b.line.mu.Lock()
	defer b.line.mu.Unlock()
	b.line.open--
	return nil
}

// keptLined gives a handle on such an object, and the line to it.
func keptLined(t *testing.T, l *lined, ranges bool) uint64 {
	t.Helper()
	handle := kept(t, &fakeObject{name: "large", size: int64(len(l.content)), sum: sumOf(l.content), open: l.download})
	o, err := objects.get(handle)
	checks.OK(t, err)
	o.remote.line = drive.NewLine(drive.DefaultDownloads)
	if ranges {
		o.remote.line.SetRanges(true)
	}
	return handle
}

func noise(size int) []byte {
	bytes := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(bytes)
	return bytes
}

// noMemoryHeld checks that no page is in use.
func noMemoryHeld(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(checks.Patience); !memory.TryAcquire(maxPages); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("pages are lost")
		}
	}
	memory.Release(maxPages)
}

// noneOpen checks that no download is open. The last bytes of one may be read before it is closed.
func (l *lined) noneOpen(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(checks.Patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		if open == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatal(open, "downloads are open")
		}
	}
}

func readBy(handle uint64, offset int64, buffer []byte) ([]byte, error) {
	stream, err := OpenReader(handle, offset, -1)
	if err != nil {
		return nil, err
	}
	text, err := drain(stream, buffer)
	return []byte(text), errors.Join(err, CloseStream(stream))
}

func TestALargeFileComesSideBySide(t *testing.T) {
	tidy(t)
	for _, size := range []int{1 << 20, 5_000_000, 20<<20 - 1, 20 << 20, 20<<20 + 1} {
		for _, offset := range []int64{0, 1, 600_000} {
			l := &lined{content: noise(size)}
			got, err := readBy(keptLined(t, l, true), offset, make([]byte, 1<<20))
			if err != nil || !bytes.Equal(got, l.content[offset:]) {
				t.Errorf("%d from %d: %d bytes, %v", size, offset, len(got), err)
			}
			if l.moved != size-int(offset) {
				t.Errorf("%d from %d: %d bytes moved", size, offset, l.moved)
			}
			if size > 10<<20 && (l.peak < 2 || l.peak > drive.DefaultDownloads) {
				t.Errorf("%d at once", l.peak)
			}
			l.noneOpen(t)
		}
	}
	noMemoryHeld(t)
}

// A file is begun ahead and goes on when it is read; nothing is open in between.
func TestBeginHoldsNoConnection(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(12 << 20)}
	handle := keptLined(t, l, true)
	buffer := make([]byte, 4<<20)
	n, rest, err := Begin(handle, 0, buffer)
	if err != nil || n != len(buffer) || rest == 0 {
		t.Fatal(n, rest, err)
	}
	if l.open != 0 || l.moved != n {
		t.Errorf("%d are open, %d bytes moved", l.open, l.moved)
	}
	following, err := drain(rest, make([]byte, 1<<20))
	checks.OK(t, err)
	checks.OK(t, CloseStream(rest))
	if got := append(buffer, following...); !bytes.Equal(got, l.content) || l.moved != len(l.content) {
		t.Errorf("%d bytes, %d moved", len(got), l.moved)
	}
	noMemoryHeld(t)
}

func TestASmallFileIsOneCall(t *testing.T) {
	tidy(t)
	for _, size := range []int{1, 100_000, 4_000_000} {
		l := &lined{content: noise(size)}
		n, rest, err := Begin(keptLined(t, l, true), 0, make([]byte, size+1))
		if err != nil || n != size || rest != 0 || len(l.asked) != 1 {
			t.Error(n, rest, err, l.asked)
		}
		got, err := readBy(keptLined(t, l, true), 0, make([]byte, 1<<20))
		if err != nil || len(got) != size || len(l.asked) != 2 {
			t.Error(len(got), err, l.asked)
		}
	}
	noMemoryHeld(t)
}

// On a slow line several files are read ahead at once, each in one call; one that somebody waits for, and a block, come in several.
func TestASlowLine(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(4_000_000)}
	slow := func() uint64 {
		handle := keptLined(t, l, true)
		o, err := objects.get(handle)
		checks.OK(t, err)
		measure := o.remote.line.Measure()
		time.Sleep(400 * time.Millisecond)
		measure.Done(128 << 10)
		l.asked = nil
		return handle
	}
	_, _, err := Begin(slow(), 0, make([]byte, 4_000_001))
	if err != nil || len(l.asked) != 1 {
		t.Error(err, l.asked)
	}
	got, err := readBy(slow(), 0, make([]byte, 1<<20))
	if err != nil || !bytes.Equal(got, l.content) || len(l.asked) < 3 {
		t.Error(err, l.asked)
	}
	for _, size := range []int{400 << 10, 3 << 20} {
		buffer := make([]byte, size)
		checks.OK(t, Fetch(slow(), 0, 1, false, buffer))
		if len(l.asked) < 3 || !bytes.Equal(buffer, l.content[1:][:size]) {
			t.Error(size, l.asked)
		}
	}
}

func TestFetch(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(10 << 20)}
	handle := keptLined(t, l, true)
	for range 2 {
		for _, place := range [][2]int{{0, 1}, {1, 4 << 20}, {10<<20 - 7, 7}, {0, 10 << 20}} {
			buffer := make([]byte, place[1])
			checks.OK(t, Fetch(handle, 0, int64(place[0]), place[0] == 1, buffer))
			if !bytes.Equal(buffer, l.content[place[0]:][:place[1]]) {
				t.Error(place)
			}
		}
	}
	checks.HasKind(t, Fetch(handle, 0, 10<<20-7, false, make([]byte, 8)), fault.Corrupt)
	checks.HasKind(t, Fetch(handle, 0, -1, false, make([]byte, 8)), fault.Other)
	if l.open != 0 {
		t.Error(l.open)
	}
	// On a remote that bounds nothing it is one call.
	plain := &lined{content: noise(10 << 20)}
	other := kept(t, &fakeObject{name: "large", size: 10 << 20, sum: sumOf(plain.content), open: plain.download})
	buffer := make([]byte, 4<<20)
	checks.OK(t, Fetch(other, 0, 5, true, buffer))
	if !bytes.Equal(buffer, plain.content[5:][:len(buffer)]) || len(plain.asked) != 1 {
		t.Error(plain.asked)
	}
}

// Where ranges are not answered the rest comes over one connection.
func TestOneConnectionWhereRangesAreIgnored(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(12 << 20)}
	handle := keptLined(t, l, true)
	o, err := objects.get(handle)
	checks.OK(t, err)
	o.remote.line.SetRanges(false)
	got, err := readBy(handle, 0, make([]byte, 1<<20))
	if err != nil || !bytes.Equal(got, l.content) || len(l.asked) != 1 {
		t.Error(len(got), err, l.asked)
	}
}

// Until the first answer has shown that ranges are answered, nothing else is asked for.
func TestTheFirstRangeComesAlone(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(12 << 20)}
	got, err := readBy(keptLined(t, l, false), 0, make([]byte, 1<<20))
	if err != nil || !bytes.Equal(got, l.content) || l.peak != 1 || len(l.asked) < 3 {
		t.Error(len(got), err, l.peak, l.asked)
	}
}

func TestNoMemoryForSegmentsIsOneConnection(t *testing.T) {
	tidy(t)
	if !memory.TryAcquire(maxPages) {
		t.Fatal("somebody has pages")
	}
	l := &lined{content: noise(12 << 20)}
	got, err := readBy(keptLined(t, l, true), 0, make([]byte, 1<<20))
	memory.Release(maxPages)
	if err != nil || !bytes.Equal(got, l.content) || l.peak != 1 || l.open != 0 {
		t.Error(len(got), err, l.peak, l.open)
	}
}

func TestSegmentsThatAreCutGoOn(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(12 << 20), cut: true}
	got, err := readBy(keptLined(t, l, true), 0, make([]byte, 1<<20))
	if err != nil || !bytes.Equal(got, l.content) || l.moved != len(l.content) {
		t.Error(len(got), err, l.moved)
	}
	noMemoryHeld(t)
}

func TestASegmentThatFailsIsTheFilesError(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(12 << 20), refuse: map[int64]error{2 << 20: fault.New(fault.Permission, "", "no")}}
	got, err := readBy(keptLined(t, l, true), 0, make([]byte, 1<<20))
	checks.HasKind(t, err, fault.Permission)
	if !bytes.Equal(got, l.content[:2<<20]) {
		t.Error(len(got))
	}
	checks.HasKind(t, Fetch(keptLined(t, &lined{content: l.content, refuse: l.refuse}, true), 0, 2<<20, false, make([]byte, 1<<20)), fault.Permission)
	noMemoryHeld(t)
}

func TestALargeFileThatIsDamagedIsAnError(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(12 << 20)}
	handle := keptLined(t, l, true)
	l.content = slices.Clone(l.content)
	l.content[7<<20] ^= 1
	_, err := readBy(handle, 0, make([]byte, 1<<20))
	checks.HasKind(t, err, fault.Corrupt)
}

func TestSegmentsEndWithTheirReader(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(30 << 20)}
	handle := keptLined(t, l, true)
	for range 20 {
		stream, err := OpenReader(handle, 0, -1)
		checks.OK(t, err)
		_, err = Read(stream, make([]byte, 1<<20))
		checks.OK(t, err)
		checks.OK(t, CloseStream(stream))
	}
	noMemoryHeld(t)
	l.noneOpen(t)
}

// The reader takes the last byte and closes while the loading of it is not over yet.
func TestASegmentThatWasTakenIsLetGoOnce(t *testing.T) {
	const length = drive.Page + 1
	if !memory.TryAcquire(2) {
		t.Fatal("somebody holds memory")
	}
	w := &window{held: 2}
	s := &segment{length: length, came: length, pages: [][]byte{pages().Get(), pages().Get()}}
	w.segments = []*segment{s}
	for taken := 0; taken < length; {
		taken += w.take(s, make([]byte, length))
	}
	w.freeAll(s)
	if w.held != 0 {
		t.Fatal(w.held, "pages are held")
	}
	noMemoryHeld(t)
}

func TestHurry(t *testing.T) {
	tidy(t)
	l := &lined{content: noise(1000)}
	handle := keptLined(t, l, true)
	o, err := objects.get(handle)
	checks.OK(t, err)
	r := newReader(o, 0, -1)
	urgent := false
	l.refuse = map[int64]error{}
	o.object().(*fakeObject).open = func(ctx context.Context, offset, limit int64) (io.ReadCloser, error) {
		before := r.urgent.Load()
		call[empty](t, "hurry", m{"call": 77})
		urgent = !before && r.urgent.Load()
		return l.download(ctx, offset, limit)
	}
	_, err = r.readIn(77, true, make([]byte, 1001))
	checks.OK(t, err)
	if !urgent {
		t.Error("a call that reads ahead does not become urgent")
	}
	// It may come before the call.
	call[empty](t, "hurry", m{"call": 78})
	r = newReader(o, 0, -1)
	o.object().(*fakeObject).open = func(ctx context.Context, offset, limit int64) (io.ReadCloser, error) {
		urgent = r.urgent.Load()
		return l.download(ctx, offset, limit)
	}
	urgent = false
	_, err = r.readIn(78, true, make([]byte, 1001))
	checks.OK(t, err)
	if !urgent {
		t.Error("a call that was hurried before it began does not become urgent")
	}
	r.close()
}
