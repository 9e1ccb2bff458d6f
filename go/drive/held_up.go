package drive

import (
	"os"
	"strings"
	"sync"
	"time"

	"bridge/fault"
)

// reporter says on standard error what holds the calls up, for whoever shows how far a run is: only where
// PLAKAR_OPENDRIVE_LOG names info or more, and not more often than reportPause.
type reporter struct {
	wanted bool
	write  func(line string)
	mu     sync.Mutex
	last   time.Time
}

// reportPause is between two lines: what fails fails for all calls at once.
const reportPause = 2 * time.Second

// heldUp is one for all drives of this process.
var heldUp = newReporter(os.Getenv("PLAKAR_OPENDRIVE_LOG"), func(line string) { fault.LogRedacted(0, line) })

func newReporter(levels string, say func(line string)) *reporter {
	wanted := false
	for _, level := range []string{"info", "debug", "trace"} {
		wanted = wanted || strings.Contains(strings.ToLower(levels), level)
	}
	return &reporter{wanted: wanted, write: say}
}

// say says one line, unless another was said a moment ago.
func (r *reporter) say(text string) {
	if !r.wanted {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) < reportPause {
		return
	}
	r.last = time.Now()
	plain := strings.Map(func(letter rune) rune {
		if letter < ' ' || letter == 0x7f {
			return ' '
		}
		return letter
	}, text)
	r.write("plakar-opendrive: " + plain + "\n")
}
