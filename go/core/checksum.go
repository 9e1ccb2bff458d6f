package core

import (
	"sync"

	"github.com/rclone/rclone/fs/hash"
)

// checksumPiece is how many bytes are worth handing to another goroutine.
const checksumPiece = 128 << 10

// checksum hashes a buffer while it is being filled. MD5 manages about 600 MB/s, so a fast line
// would otherwise wait for it half of the time.
type checksum struct {
	hasher *hash.MultiHasher
	pieces chan []byte
	busy   sync.WaitGroup
}

func newChecksum(kind hash.Type) (*checksum, error) {
	hasher, err := hash.NewMultiHasherTypes(hash.NewHashSet(kind))
	return &checksum{hasher: hasher}, err
}

// add takes a piece; it must stay as it is until wait returns.
func (c *checksum) add(piece []byte) {
	if c.pieces == nil {
		if len(piece) < checksumPiece {
			_, _ = c.hasher.Write(piece)
			return
		}
		c.pieces = make(chan []byte, 1)
		go func() {
			for piece := range c.pieces {
				_, _ = c.hasher.Write(piece)
				c.busy.Done()
			}
		}()
	}
	c.busy.Add(1)
	c.pieces <- piece
}

// wait returns when all pieces are hashed.
func (c *checksum) wait() { c.busy.Wait() }

// close ends the goroutine.
func (c *checksum) close() {
	if c.pieces != nil {
		close(c.pieces)
		c.pieces = nil
	}
}
