package core

import "sync/atomic"

// stream is what a data handle stands for: a reader or a writer.
type stream interface {
	// on tells whether the stream belongs to a remote.
	on(*remote) bool
	// close cancels what is in flight, also from another thread, and frees everything. Closing
	// a writer that was not committed aborts it.
	close()
}

var streams = newTable[stream]("stream", maxStreams)

// ending counts the streams that have no handle any more and still clean up.
var ending atomic.Int64

// CloseStream closes a reader, or aborts a writer.
func CloseStream(handle uint64) error {
	ending.Add(1)
	defer ending.Add(-1)
	s, err := streams.remove(handle)
	if err != nil {
		return err
	}
	s.close()
	return nil
}
