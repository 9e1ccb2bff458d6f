package core

import (
	"context"

	"bridge/drive"
)

type clockOut struct {
	// AheadMs is how far this machine's clock is ahead of the server's, to about a second; absent if the
	// backend does not know.
	AheadMs *int64 `json:"aheadMs,omitempty"`
}

func init() {
	register(Prefix+"clock", clock) // compare the clock with that of a remote's server, by its last answer
}

func clock(_ context.Context, in remoteIn) (clockOut, error) {
	r, err := remotes.get(in.Remote)
	if err != nil {
		return clockOut{}, err
	}
	ahead, known := drive.Ahead(r.fs)
	if !known {
		return clockOut{}, nil
	}
	milliseconds := ahead.Milliseconds()
	return clockOut{AheadMs: &milliseconds}, nil
}
