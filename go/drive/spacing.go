package drive

import (
	"fmt"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/fault"
)

// minSleepOption is the least time between two calls of a remote: an option that rclone's other backends have, under this name.
const minSleepOption = "pacer_min_sleep"

// What minSleepOption may be. No limit of the drive's is known (300 calls in 117 s were not too many); whoever is told to wait may
// want some seconds, and more is a mistake.
const (
	minMinSleep = time.Millisecond
	maxMinSleep = 10 * time.Second
)

// addMinSleep gives the backend the option.
func addMinSleep(info *fs.RegInfo) {
	info.Options = append(info.Options, fs.Option{
		Name:     minSleepOption,
		Help:     "Minimum time to sleep between API calls.",
		Default:  fs.Duration(driveMinSleep),
		Advanced: true,
	})
}

// minSleepIn is what a configuration says of it.
func minSleepIn(config configmap.Mapper) (time.Duration, error) {
	value, _ := config.Get(minSleepOption)
	if value == "" {
		return driveMinSleep, nil
	}
	var sleep fs.Duration
	if err := sleep.Set(value); err != nil || time.Duration(sleep) < minMinSleep || time.Duration(sleep) > maxMinSleep {
		return 0, fault.New(fault.Config, "", fmt.Sprintf("option %q is %q: write a time from %v to %v, for example 10ms or 0.5s", minSleepOption, value, minMinSleep, maxMinSleep))
	}
	return time.Duration(sleep), nil
}
