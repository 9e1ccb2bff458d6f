package core

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/accounting"

	"bridge/fault"
)

// limitsIn has rclone's flags --tpslimit and --bwlimit, in their syntax; empty ones change nothing.
type limitsIn struct {
	TPSLimit string `json:"tpslimit"`
	BwLimit  string `json:"bwlimit"`
}

func init() {
	register(Prefix+"limits", setLimits) // limit the transactions per second and the bandwidth of this process
}

// timetable starts the one goroutine that follows a timetable of bandwidths.
var timetable sync.Once

func setLimits(_ context.Context, in limitsIn) (empty, error) {
	ctx := context.Background()
	transactions, err := strconv.ParseFloat(strings.TrimSpace(in.TPSLimit), 64)
	// Go reads more as a number than people write: NaN, infinity, hexadecimal digits.
	if in.TPSLimit != "" && (err != nil || transactions < 0 || strings.Trim(in.TPSLimit, " \t0123456789.eE+-") != "") {
		return empty{}, fault.New(fault.Config, "", fmt.Sprintf(`option "tpslimit" is %q: write how many calls may be made in a second, for example 10 or 0.5 (0: no limit)`, in.TPSLimit))
	}
	var bandwidth fs.BwTimetable
	if in.BwLimit != "" {
		if err := bandwidth.Set(in.BwLimit); err != nil || len(bandwidth) == 0 {
			return empty{}, fault.New(fault.Config, "", fmt.Sprintf(`option "bwlimit" is %q: write bytes per second as for rclone, for example 10M, 1M:10M (up:down) or "08:00,512k 19:00,off"`, in.BwLimit))
		}
		if first := bandwidth[0]; len(bandwidth) > 1 || first.DayOfTheWeek != 0 || first.HHMM != 0 {
			if err := checkZone("bwlimit"); err != nil {
				return empty{}, err
			}
		}
	}
	ci := fs.GetConfig(ctx)
	if transactions > 0 {
		ci.TPSLimit = transactions
		accounting.StartLimitTPS(ctx)
	}
	if bandwidth != nil {
		ci.BwLimit = bandwidth
		accounting.TokenBucket.SetBwLimit(bandwidth.LimitAt(time.Now()).Bandwidth)
		timetable.Do(func() { accounting.TokenBucket.StartTokenTicker(ctx) })
	}
	return empty{}, nil
}
