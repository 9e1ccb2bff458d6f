package core

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// timekeeper takes note of what time it is at the server: every answer says so, in whole seconds.
type timekeeper struct {
	http.RoundTripper
	mu    sync.Mutex
	known bool
	ahead time.Duration
}

func (k *timekeeper) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := k.RoundTripper.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// Both are known to a span only: the answer was made on the way there and back, and in that second.
		here := start.Add(time.Since(start) / 2)
		k.mu.Lock()
		k.known, k.ahead = true, here.Sub(date.Add(time.Second/2))
		k.mu.Unlock()
	}
	return resp, nil
}

// CloseIdleConnections is what http.Client looks for.
func (k *timekeeper) CloseIdleConnections() {
	(&http.Client{Transport: k.RoundTripper}).CloseIdleConnections()
}

type clockOut struct {
	// AheadMs is how far this machine's clock is ahead of the server's, to about a second; absent if the
	// backend does not know.
	AheadMs *int64 `json:"aheadMs,omitempty"`
}

func init() {
	register(Prefix+"clock", "Compare the clock with that of a remote's server, by its last answer.", clock)
}

func clock(_ context.Context, in remoteIn) (clockOut, error) {
	r, err := remotes.get(in.Remote)
	if err != nil {
		return clockOut{}, err
	}
	drive := openDrive(r.fs)
	if drive == nil {
		return clockOut{}, nil
	}
	connections, err := connectionsOf(drive)
	if err != nil {
		return clockOut{}, err
	}
	checked, _ := connections.Transport.(answers)
	keeper, _ := checked.RoundTripper.(*timekeeper)
	if keeper == nil {
		return clockOut{}, nil
	}
	keeper.mu.Lock()
	defer keeper.mu.Unlock()
	if !keeper.known {
		return clockOut{}, nil
	}
	ahead := keeper.ahead.Milliseconds()
	return clockOut{AheadMs: &ahead}, nil
}
