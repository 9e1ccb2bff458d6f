package drive

import (
	"net/http"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
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
func (k *timekeeper) CloseIdleConnections() { closeIdle(k.RoundTripper) }

// Ahead gives how far this machine's clock is ahead of a drive's, to about a second, by the drive's last
// answer; false for other remotes, and before the first answer.
func Ahead(f fs.Fs) (time.Duration, bool) {
	remote := Of(f)
	if remote == nil {
		return 0, false
	}
	d, err := of(remote)
	if err != nil {
		return 0, false
	}
	keeper := d.keeper
	keeper.mu.Lock()
	defer keeper.mu.Unlock()
	return keeper.ahead, keeper.known
}
