package drive

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/backend/opendrive"
	"github.com/rclone/rclone/lib/pacer"
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

func TestACallThatIsTriedAgainIsSaid(t *testing.T) {
	var said []string
	defer func(before *reporter) { heldUp = before }(heldUp)
	heldUp = newReporter("info", func(line string) { said = append(said, line) })
	b := new(backoff)
	// Nothing that is wrong with the drive.
	b.Calculate(wentWell)
	b.Calculate(pacer.State{ConsecutiveRetries: 1, LastError: &expiredError{new(opendrive.Error)}})
	if len(said) != 0 {
		t.Fatalf("%q", said)
	}
	b.Calculate(wentWrong)
	if len(said) != 1 || !strings.Contains(said[0], "busy") || !strings.HasSuffix(said[0], "; trying again (failures in a row: 1)\n") {
		t.Fatalf("%q", said)
	}
}
