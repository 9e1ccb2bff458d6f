package core

import (
	"bytes"
	"context"
	"io"
	"testing"

	"bridge/checks"
	"bridge/drive"
	"bridge/fault"
)

// A part that fails ends the others. Why it failed is told, not that they were ended.
func TestTheReasonOfAPartIsTold(t *testing.T) {
	tidy(t)
	const size, read, segment = 12 << 20, 4 << 20, 2 * drive.Page
	line := drive.NewLine(2)
	line.SetRanges(true)
	alone := make(chan struct{})
	handle := kept(t, &fakeObject{name: "large", size: size, open: func(ctx context.Context, offset, limit int64) (io.ReadCloser, error) {
		switch {
		case offset == 0:
			// From here on what is left is read in one, beside the part that is open.
			line.SetRanges(false)
		case offset == segment:
			<-alone
			return nil, fault.New(fault.VolumeUsedUp, "", "no more today")
		case offset+limit == read:
			close(alone)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return io.NopCloser(bytes.NewReader(make([]byte, limit))), nil
	}})
	o, err := objects.get(handle)
	checks.OK(t, err)
	o.remote.line = line
	_, _, err = Begin(handle, 0, make([]byte, read))
	checks.HasKind(t, err, fault.VolumeUsedUp)
}
