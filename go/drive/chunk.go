package drive

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/rclone/rclone/lib/pool"
	"golang.org/x/sync/semaphore"
)

const (
	// wholeFile is the size in bytes up to which a file is taken in whole before its upload begins, so that its hash is at hand.
	wholeFile = 1 << 20
	// chunkMemory bounds the bytes of larger files that all uploads of the process keep until the drive has them.
	chunkMemory = 24 << 20
)

// memory is what the chunks of larger files share: with many uploads at once each has smaller ones.
var memory = struct {
	*semaphore.Weighted
	mu      sync.Mutex
	uploads int64
}{Weighted: semaphore.NewWeighted(chunkMemory)}

// shareMemory takes part in what the chunks of all uploads have, until the function it gives is called.
func shareMemory() (leave func()) {
	count := func(by int64) {
		memory.mu.Lock()
		defer memory.mu.Unlock()
		memory.uploads += by
	}
	count(1)
	return sync.OnceFunc(func() { count(-1) })
}

// chunkSize is how long the next chunk of a large file is, given the longest one that is configured.
func chunkSize(configured, left int64) int64 {
	memory.mu.Lock()
	uploads := max(memory.uploads, 1)
	memory.mu.Unlock()
	page := int64(pool.BufferSize)
	share := max(chunkMemory/uploads/page*page, page)
	return max(1, min(share, configured, left))
}

// chunk is a part of a file that is kept until the drive has it.
type chunk struct {
	length int64
	mu     sync.Mutex
	pages  [][]byte
	taken  int64
	pooled bool
}

// errReleased is what a request reads that is over already.
var errReleased = errors.New("the chunk is not needed any more")

// smallChunk takes in a whole small file.
func smallChunk(in io.Reader, length int64) (*chunk, error) {
	bytes := make([]byte, length)
	if _, err := io.ReadFull(in, bytes); err != nil {
		return nil, short(err)
	}
	return &chunk{length: length, pages: [][]byte{bytes}}, nil
}

// largeChunk takes in the next bytes of a large file, when there is memory for them.
func largeChunk(ctx context.Context, in io.Reader, length int64) (*chunk, error) {
	page := int64(pool.BufferSize)
	taken := (length + page - 1) / page * page
	if err := memory.Acquire(ctx, min(taken, chunkMemory)); err != nil {
		return nil, err
	}
	c := &chunk{length: length, taken: min(taken, chunkMemory), pooled: true}
	for at := int64(0); at < length; at += page {
		buffer := pool.Global().Get()
		c.pages = append(c.pages, buffer)
		if _, err := io.ReadFull(in, buffer[:min(page, length-at)]); err != nil {
			c.release()
			return nil, short(err)
		}
	}
	return c, nil
}

func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// release gives the memory back. A request that is over may still be reading: it gets an error.
func (c *chunk) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pooled {
		for _, page := range c.pages {
			pool.Global().Put(page)
		}
		memory.Release(c.taken)
	}
	c.pages, c.pooled = nil, false
}

// section reads a part of a chunk.
func (c *chunk) section(from, to int64) io.Reader {
	return io.NewSectionReader(chunkAt{c}, from, to-from)
}

type chunkAt struct{ *chunk }

func (c chunkAt) ReadAt(buffer []byte, at int64) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil {
		return 0, errReleased
	}
	for n < len(buffer) && at < c.length {
		page := c.pages[0]
		if c.pooled {
			page = c.pages[at/int64(pool.BufferSize)]
		}
		from := at
		if c.pooled {
			from %= int64(pool.BufferSize)
		}
		copied := copy(buffer[n:], page[from:min(int64(len(page)), from+c.length-at)])
		n += copied
		at += int64(copied)
	}
	if n < len(buffer) {
		return n, io.EOF
	}
	return n, nil
}
