package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/hash"
	"github.com/rclone/rclone/fs/object"

	"bridge/drive"
	"bridge/fault"
	"bridge/guards"
)

// cleanupTime bounds what is done after a failed upload to leave nothing behind.
const cleanupTime = 15 * time.Second

var errAborted = errors.New("upload aborted")

// writer uploads an object while its bytes come in.
type writer struct {
	remote *remote
	path   string
	// target is where the bytes go first: path, or a temporary name beside it on a backend that
	// shows half-written objects.
	target  string
	size    int64
	modTime time.Time
	ctx     context.Context
	cancel  context.CancelFunc
	pipe    *io.PipeWriter

	// mu keeps writes, the commit and the end of a close apart.
	mu     sync.Mutex
	hasher *hash.MultiHasher
	count  int64
	// last is the last byte of an upload of known size. It waits for the commit, because a Put
	// that knows the size is done, and has replaced what was there, once it has that many bytes.
	last []byte
	// end says why nothing more can be done: a failure, a close or a commit; nil before.
	end error

	// done is closed when Put has returned; stored and err are its answer.
	done   chan struct{}
	stored fs.Object
	err    error
}

type commitIn struct {
	Writer uint64 `json:"writer"`
}

func init() {
	register(Prefix+"commit", commit) // finish an upload and tell what is stored
}

// Create begins an upload to a path of size bytes (-1: unknown, where the backend can) with a
// modification time in nanoseconds since 1970. What is there is replaced when it is committed.
func Create(remoteHandle uint64, path string, size, modTimeNs int64) (uint64, error) {
	r, err := remotes.get(remoteHandle)
	if err != nil {
		return 0, err
	}
	if path == "" || size < -1 {
		return 0, fault.New(fault.Other, path, fmt.Sprintf("bad upload: path %q, size %d", path, size))
	}
	path = standardPath(path)
	features := r.fs.Features()
	put := drive.PutOn(r.fs)
	if size < 0 {
		if put = features.PutStream; put == nil {
			return 0, fault.New(fault.Unsupported, path, "the backend needs to know the size of an upload beforehand")
		}
	}
	w := &writer{remote: r, path: path, target: path, size: size, modTime: time.Unix(0, modTimeNs), done: make(chan struct{})}
	if guards.UploadApart(r.ctx, r.fs, path) {
		w.target = partialName(path)
	}
	if r.hash != hash.None {
		if w.hasher, err = hash.NewMultiHasherTypes(hash.NewHashSet(r.hash)); err != nil {
			return 0, err
		}
	}
	w.ctx, w.cancel = context.WithCancel(r.ctx)
	var body *io.PipeReader
	body, w.pipe = io.Pipe()
	handle, err := streams.add(w)
	if err != nil {
		w.cancel()
		return 0, err
	}
	go w.upload(put, body)
	if err := r.ctx.Err(); err != nil {
		// Closed meanwhile, and perhaps too early to see this stream.
		_ = CloseStream(handle)
		return 0, fault.As(err, path)
	}
	return handle, nil
}

func (w *writer) upload(put drive.PutFn, body *io.PipeReader) {
	defer close(w.done)
	defer func() {
		if cause := recover(); cause != nil {
			w.err = fault.Recovered(cause)
		}
		// Whoever still writes must not wait for a reader that is gone.
		_ = body.CloseWithError(errAborted)
	}()
	if w.size == 0 {
		// There is no last byte that Put could wait for, so the commit is waited for here.
		if _, err := body.Read(make([]byte, 1)); err != io.EOF {
			w.err = err
			return
		}
	}
	w.stored, w.err = put(w.ctx, body, object.NewStaticObjectInfo(w.target, w.modTime, w.size, true, nil, nil))
}

func findWriter(handle uint64) (*writer, error) {
	s, err := streams.get(handle)
	if err != nil {
		return nil, err
	}
	w, ok := s.(*writer)
	if !ok {
		return nil, fault.New(fault.Handle, "", fmt.Sprintf("stream handle %d is not a writer", handle))
	}
	return w, nil
}

// Write appends bytes to an upload. It returns when they are taken over, so the buffer is free
// then. After an error the upload can only be closed.
func Write(handle uint64, buffer []byte) error {
	w, err := findWriter(handle)
	if err != nil {
		return err
	}
	if err := w.write(buffer); err != nil {
		return fault.As(err, w.path)
	}
	return nil
}

func (w *writer) write(buffer []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	if w.size >= 0 && int64(len(buffer)) > w.size-w.count {
		return w.fail(fault.New(fault.Corrupt, w.path, fmt.Sprintf("more bytes than the %d that were announced", w.size)))
	}
	w.count += int64(len(buffer))
	if w.hasher != nil {
		_, _ = w.hasher.Write(buffer)
	}
	if len(buffer) > 0 && w.count == w.size {
		cut := len(buffer) - 1
		w.last = []byte{buffer[cut]}
		buffer = buffer[:cut]
	}
	return w.send(buffer)
}

// send passes bytes on to Put; call with the lock held.
func (w *writer) send(buffer []byte) error {
	// A pipe makes even an empty write wait for a reader, and Put may never read again.
	if len(buffer) == 0 {
		return nil
	}
	_, err := w.pipe.Write(buffer)
	if err == nil {
		return nil
	}
	// The upload ended before its bytes did; what it says tells why.
	<-w.done
	if w.err != nil {
		err = w.err
	}
	return w.fail(err)
}

func commit(_ context.Context, in commitIn) (entry, error) {
	w, err := findWriter(in.Writer)
	if err != nil {
		return entry{}, err
	}
	// It is gone already if another thread closed it meanwhile. After a panic too it must not stay.
	defer func() { _, _ = streams.remove(in.Writer) }()
	e, err := w.commit()
	if err != nil {
		return entry{}, fault.As(err, w.path)
	}
	return e, nil
}

func (w *writer) commit() (e entry, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return e, w.end
	}
	defer func() {
		if cause := recover(); cause != nil {
			e, err = entry{}, w.fail(fault.Recovered(cause))
		}
	}()
	if w.size >= 0 && w.count != w.size {
		return e, w.fail(fault.New(fault.Corrupt, w.path, fmt.Sprintf("%d bytes came, %d were announced", w.count, w.size)))
	}
	if err := w.send(w.last); err != nil {
		return e, err
	}
	_ = w.pipe.Close()
	<-w.done
	if err = w.err; err == nil {
		err = w.check()
	}
	if err == nil && w.target != w.path {
		var moved fs.Object
		if moved, err = w.remote.move(w.ctx, w.stored, w.path); err == nil {
			w.stored = moved
		}
	}
	if err == nil {
		e, err = w.remote.keep(w.ctx, w.stored)
	}
	if err != nil {
		return entry{}, w.fail(err)
	}
	w.end = fault.New(fault.Handle, w.path, "the upload is committed already")
	w.cancel()
	return e, nil
}

// check compares what the server says it stored with what was sent.
func (w *writer) check() error {
	if w.stored == nil {
		return fault.New(fault.Other, w.path, "the backend does not tell what it stored")
	}
	if size := w.stored.Size(); size >= 0 && size != w.count {
		return fault.New(fault.Corrupt, w.path, fmt.Sprintf("stored with %d bytes, %d were sent", size, w.count))
	}
	if w.hasher == nil {
		return nil
	}
	stored, err := w.stored.Hash(w.ctx, w.remote.hash)
	if err != nil || stored == "" {
		return err
	}
	sent, err := w.hasher.SumString(w.remote.hash, false)
	if err == nil && sent != stored {
		err = fault.New(fault.Corrupt, w.path, fmt.Sprintf("stored with %s %s, %s was sent", w.remote.hash, stored, sent))
	}
	return err
}

func (w *writer) on(r *remote) bool { return w.remote == r }

func (w *writer) close() {
	// Not under the lock: a write or commit that is in flight must be woken up first. It then
	// fails and cleans up itself, unless it was through already.
	w.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end == nil {
		_ = w.fail(context.Canceled)
	}
}

// stop makes Put give up, wherever it is.
func (w *writer) stop() {
	w.cancel()
	_ = w.pipe.CloseWithError(errAborted)
}

// fail ends the upload with nothing stored and gives the reason; call with the lock held.
func (w *writer) fail(reason error) error {
	if err := w.ctx.Err(); err != nil {
		// Closed from another thread: whatever failed then, failed because of that.
		reason = err
	}
	w.end = reason
	w.stop()
	<-w.done
	w.clean()
	return reason
}

// clean removes what a failed upload left behind; call when Put has returned.
func (w *writer) clean() {
	// The writer's own context is cancelled, which must not keep the rubbish in place.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), cleanupTime)
	defer cancel()
	if w.stored == nil && w.target != w.path {
		// crypt's Put gives no object when it fails after storing one. What has the temporary name
		// can only be ours.
		if o, err := w.remote.fs.NewObject(ctx, w.target); err == nil {
			w.stored = o
		}
	}
	if w.stored == nil {
		return
	}
	// After a Put that succeeded the old content is gone in any case. After one that failed nobody knows but Put
	// itself, which has removed what it made (go/drive/upload.go).
	if w.err != nil && w.target == w.path {
		return
	}
	if err := w.stored.Remove(ctx); err != nil && fault.As(err, "").Kind != fault.NotFound {
		fs.Errorf(w.stored, "failed to remove what is left of a failed upload: %s", fault.Message(err))
	}
}
