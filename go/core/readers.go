package core

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/operations"

	"bridge/drive"
	"bridge/fault"
)

// reader reads an object from an offset. Nothing is asked of the server before the first read,
// so that there is a handle to cancel it with.
type reader struct {
	object *keptObject
	offset int64
	// length is how many bytes are wanted, -1 for all that follow.
	length int64
	ctx    context.Context
	cancel context.CancelFunc
	// urgent is set when somebody waits for what is read.
	urgent *atomic.Bool
	// ahead tells that no more is wanted for now than fits into the buffer.
	ahead bool

	mu   sync.Mutex
	body io.ReadCloser
	// sum is that of a whole object that has one to compare with.
	sum   *checksum
	count int64
	// opens is how often the object was opened for it.
	opens atomic.Int32
	// again tells that the download was begun a second time.
	again bool
	// end is how the stream ended: io.EOF or an error, nil while it goes on.
	end error
}

// OpenReader prepares reading an object's bytes from offset on, length of them or all (-1).
func OpenReader(handle uint64, offset, length int64) (uint64, error) {
	o, err := objects.get(handle)
	if err != nil {
		return 0, err
	}
	if offset < 0 || length < -1 {
		return 0, fault.New(fault.Other, o.object().Remote(), fmt.Sprintf("bad range: offset %d, length %d", offset, length))
	}
	return newReader(o, offset, length).give()
}

func newReader(o *keptObject, offset, length int64) *reader {
	r := &reader{object: o, offset: offset, length: length, urgent: new(atomic.Bool)}
	r.ctx, r.cancel = context.WithCancel(o.remote.ctx)
	r.urgent.Store(true)
	return r
}

// give gives the reader out, as a stream.
func (r *reader) give() (uint64, error) {
	stream, err := streams.add(r)
	if err != nil {
		r.cancel()
		return 0, err
	}
	if err := r.ctx.Err(); err != nil {
		// The remote was closed meanwhile, and perhaps too early to see this stream.
		_ = CloseStream(stream)
		return 0, fault.As(err, r.object.object().Remote())
	}
	return stream, nil
}

// Begin reads an object ahead, from its beginning on, as far as the buffer goes. Fewer bytes than fit are the whole
// object, checked as by Read; else a reader gives what may follow. The call can be cancelled by its number, and hurried.
func Begin(object, call uint64, buffer []byte) (n int, rest uint64, err error) {
	o, err := objects.get(object)
	if err != nil {
		return 0, 0, err
	}
	r := newReader(o, 0, -1)
	defer func() {
		if rest == 0 {
			r.close()
		}
	}()
	if n, err = r.readIn(call, true, buffer); err != nil {
		return 0, 0, fault.As(err, o.object().Remote())
	}
	if n == len(buffer) {
		rest, err = r.give()
	}
	return n, rest, err
}

// Fetch reads an object from an offset on, until the buffer is full; an object with fewer bytes is an error. What is read ahead comes after
// what somebody waits for. The call can be cancelled by its number, and hurried.
func Fetch(object, call uint64, offset int64, ahead bool, buffer []byte) error {
	o, err := objects.get(object)
	if err != nil {
		return err
	}
	if offset < 0 {
		return fault.New(fault.Other, o.object().Remote(), fmt.Sprintf("bad range: offset %d", offset))
	}
	r := newReader(o, offset, int64(len(buffer)))
	defer r.close()
	n, err := r.readIn(call, ahead, buffer)
	if err == nil && n < len(buffer) {
		err = fault.New(fault.Corrupt, "", fmt.Sprintf("%d bytes came, %d were expected", n, len(buffer)))
	}
	if err != nil {
		return fault.As(err, o.object().Remote())
	}
	return nil
}

// readIn reads in a call that has a number.
func (r *reader) readIn(call uint64, ahead bool, buffer []byte) (int, error) {
	if err := enter(call, r.cancel); err != nil {
		return 0, err
	}
	defer leave(call)
	if ahead {
		r.ahead = true
		r.urgent.Store(false)
		mayBecomeUrgent(call, r.urgent)
		// What follows is asked for by somebody who waits.
		defer func() {
			r.ahead = false
			r.urgent.Store(true)
		}()
	}
	return r.read(buffer)
}

// Read fills the buffer from a reader, as far as the stream goes; 0 bytes mean its end. A whole
// object is checked against the size and the hash that it had when it was listed.
func Read(handle uint64, buffer []byte) (int, error) {
	s, err := streams.get(handle)
	if err != nil {
		return 0, err
	}
	r, ok := s.(*reader)
	if !ok {
		return 0, fault.New(fault.Handle, "", fmt.Sprintf("stream handle %d is not a reader", handle))
	}
	n, err := r.read(buffer)
	if err != nil {
		return 0, fault.As(err, r.object.object().Remote())
	}
	return n, nil
}

func (r *reader) on(other *remote) bool { return r.object.remote == other }

func (r *reader) close() {
	// First the context, so that a read in another thread returns and lets go of the lock.
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finish(context.Canceled)
}

// finish ends the stream; call with the lock held.
func (r *reader) finish(end error) {
	if r.end == nil {
		r.end = end
	}
	r.stop()
}

// stop ends the download, but not the stream; call with the lock held.
func (r *reader) stop() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
	if r.sum != nil {
		r.sum.close()
		r.sum = nil
	}
}

func (r *reader) read(buffer []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil && len(buffer) > 0 {
		n, err := r.fill(buffer)
		if r.mayBeginAgain(int64(n), err) {
			r.again = true
			r.stop()
			r.count = 0
			r.opens.Store(0)
			n, err = r.fill(buffer)
		}
		if err != nil {
			r.finish(err)
		}
		// What came before an error is wanted only if the error is the plain end.
		if n > 0 && (err == nil || err == io.EOF) {
			return n, nil
		}
	}
	if r.end == io.EOF || (r.end == nil && len(buffer) == 0) {
		return 0, nil
	}
	return 0, r.end
}

// mayBeginAgain tells whether what came is damaged, or of another size than was listed, and
// nothing of it has been given out. Once is enough: an object that has changed stays changed.
func (r *reader) mayBeginAgain(n int64, err error) bool {
	var damage *fault.Error
	return errors.As(err, &damage) && damage.Kind == fault.Corrupt && !r.again && r.count == n
}

// fill reads until the buffer is full or the stream ends; call with the lock held.
func (r *reader) fill(buffer []byte) (n int, err error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.body == nil {
		// Some servers answer a range that begins at the end with an error.
		if r.length == 0 || (r.offset > 0 && r.expected() == 0) {
			return 0, io.EOF
		}
		if n, err = r.begin(buffer); err != nil && err != io.EOF {
			return 0, err
		}
	}
	if r.body != nil {
		n, err = r.fromBody(buffer)
	}
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return 0, ctxErr
	}
	r.count += int64(n)
	if err == nil || err == io.EOF {
		// Nobody asks for the end of what has a length.
		ended := err == io.EOF || (r.length >= 0 && r.count == r.expected())
		if checkErr := r.check(ended); checkErr != nil {
			return n, checkErr
		}
	}
	return n, err
}

// fromBody reads from the download that is open.
func (r *reader) fromBody(buffer []byte) (n int, err error) {
	// Not io.ReadFull, whose name for the end is that of a download that was cut short: ReOpen
	// gives that back when it has tried too often.
	if r.sum != nil {
		// The buffer is the caller's again when this returns, whatever happens.
		defer r.sum.wait()
	}
	hashed := 0
	for n < len(buffer) && err == nil {
		var got int
		got, err = r.body.Read(buffer[n:])
		n += got
		if r.sum != nil && n-hashed >= checksumPiece {
			r.sum.add(buffer[hashed:n])
			hashed = n
		}
	}
	if r.sum != nil {
		r.sum.add(buffer[hashed:n])
		r.sum.wait()
	}
	return n, reason(r.body, err)
}

// begin opens the download; or reads what fits into the buffer where that is all that is wanted for now, and opens none.
func (r *reader) begin(buffer []byte) (n int, err error) {
	o, size := r.object, r.object.size
	at := r.offset + r.count
	whole := r.offset == 0 && (r.length == -1 || (size >= 0 && r.length >= size))
	if whole && r.sum == nil && o.remote.hash != hash.None {
		if r.sum, err = newChecksum(o.remote.hash); err != nil {
			return 0, err
		}
	}
	left := r.expected()
	if left >= 0 {
		left -= r.count
	}
	line := o.remote.line
	switch {
	case r.count > 0 && left == 0:
		// All of it was read already, without a look at its end.
		return 0, io.EOF
	case line == nil || left <= 0 || o.content.Load() != nil:
		// What is in memory already says nothing of the line.
		r.body, err = r.download(r.ctx, new(drive.Want), at, left)
	case left > int64(len(buffer)) && !r.ahead:
		r.body = newWindow(r, at, at+left)
	case whole && left == size && left <= int64(len(buffer)) && (r.ahead || line.Whole(left)):
		r.body, err = r.download(r.ctx, new(drive.Want), at, left)
	default:
		n = int(min(left, int64(len(buffer))))
		if err = r.sideBySide(buffer[:n], at, r.ahead && left > int64(n)); err != nil {
			return 0, err
		}
		if r.sum != nil {
			r.sum.add(buffer[:n])
			r.sum.wait()
		}
		if n < len(buffer) {
			err = io.EOF
		}
	}
	return n, err
}

// download asks for so many bytes from an offset on; for all, where the object has no more, and where it is not known (-1).
func (r *reader) download(ctx context.Context, want *drive.Want, at, length int64) (io.ReadCloser, error) {
	o, size := r.object.object(), r.object.size
	if content := r.object.content.Load(); content != nil {
		rest := (*content)[min(at, int64(len(*content))):]
		if length >= 0 {
			rest = rest[:min(length, int64(len(rest)))]
		}
		return io.NopCloser(bytes.NewReader(rest)), nil
	}
	options := []fs.OpenOption{}
	if at > 0 || r.length >= 0 && (size < 0 || r.length < size) || (length >= 0 && size >= 0 && length < size) {
		end := int64(-1)
		switch {
		case length >= 0:
			end = at + length - 1
		case r.length >= 0 && r.length <= math.MaxInt64-r.offset:
			end = r.offset + r.length - 1
		}
		options = append(options, &fs.RangeOption{Start: at, End: end})
	}
	if r.object.remote.line != nil {
		want.Urgent = r.urgent
		want.Part = r.offset > 0 || (r.length >= 0 && r.length != size)
		ctx = drive.Wanting(ctx, want, o)
	}
	body, err := operations.NewReOpen(ctx, countedObject{o, &r.opens}, drive.ReadTries(size), options...)
	if err != nil {
		return nil, err
	}
	return body, nil
}

// countedObject counts how often it is opened.
type countedObject struct {
	fs.Object
	opens *atomic.Int32
}

func (o countedObject) Open(ctx context.Context, options ...fs.OpenOption) (io.ReadCloser, error) {
	o.opens.Add(1)
	return o.Object.Open(ctx, options...)
}

// reason is why a download has ended: where it could not be taken up again, rclone's reader tells of the first failure, and of the last one
// when it is asked once more.
func reason(body io.Reader, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if _, last := body.Read(make([]byte, 1)); last != nil && last != io.EOF && fault.As(last, "").Kind != fault.Other {
		return last
	}
	return err
}

// expected is how many bytes there are to read, -1 if the size of the object is unknown.
func (r *reader) expected() int64 {
	if r.object.size < 0 {
		return -1
	}
	rest := max(r.object.size-r.offset, 0)
	if r.length >= 0 {
		rest = min(rest, r.length)
	}
	return rest
}

// check compares what was read with what was promised, in full when the end is reached.
func (r *reader) check(ended bool) error {
	o := r.object.object()
	expected := r.expected()
	if expected >= 0 && (r.count > expected || (ended && r.count != expected)) {
		return fault.New(fault.Corrupt, o.Remote(), fmt.Sprintf("changed while it was read: %d bytes came, %d were expected", r.count, expected))
	}
	if ended {
		r.object.content.Store(nil)
	}
	switch {
	case !ended:
		return nil
	case r.sum == nil && r.mayBeMixed():
		return drive.SameAsListed(r.ctx, o)
	case r.sum == nil:
		return nil
	}
	want, err := o.Hash(r.ctx, r.object.remote.hash)
	if err != nil || want == "" {
		return err
	}
	got, err := r.sum.hasher.SumString(r.object.remote.hash, false)
	if err == nil && got != want {
		err = fault.New(fault.Corrupt, o.Remote(), fmt.Sprintf("changed or damaged: its %s is %s, the listing said %s", r.object.remote.hash, got, want))
	}
	return err
}

// mayBeMixed tells whether an object that was read whole, without a hash to compare with, may be the half of one version and the half of
// another: a crypt reads the header of that moment each time that it is opened. What came at once is of one version.
func (r *reader) mayBeMixed() bool {
	return r.object.remote.line != nil && r.offset == 0 && r.length == -1 && r.opens.Load() > 1
}
