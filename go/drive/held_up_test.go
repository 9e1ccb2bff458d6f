package drive

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatHoldsCallsUpIsSaidNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		write := func(line string) { said = append(said, line) }
		newReporter("warn", write).say("nobody wants it")
		reporter := newReporter("INFO", write)
		for range 10 {
			reporter.say("the drive answers 503\x1b[2J; trying again")
			time.Sleep(time.Second)
		}
		if len(said) != 5 {
			t.Fatalf("%d lines: %q", len(said), said)
		}
		if said[0] != "plakar-opendrive: the drive answers 503 [2J; trying again\n" || strings.Count(said[0], "\n") != 1 {
			t.Fatalf("%q", said[0])
		}
	})
}
