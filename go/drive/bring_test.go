package drive

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"bridge/checks"
	"bridge/fault"
)

// Two servers of the drive's may know different amounts of a chunk.
func TestOffsetsThatContradictEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.before = func(call string, count int) (int, string) {
			if call != "upload/upload_file_chunk" {
				return 0, ""
			}
			if count > 100 {
				panic("it is sent to and fro")
			}
			return 400, fmt.Sprintf("Incorrect chunk offset: uploaded=%d, chunk_offset=0", 5+5*(count%2))
		}
		_, err := uploaded(t.Context(), on(t, s), "a", strings.Repeat("x", 1000), modified)
		checks.HasKind(t, err, fault.Other)
		if known := fault.As(err, ""); !known.Retry || !strings.Contains(known.Message, "once that it has 10") {
			t.Error(known.JSON())
		}
		if chunks := strings.Count(s.made(), "upload/upload_file_chunk"); chunks > driveTries+3 || s.holds(rootID) != "" {
			t.Error(chunks, s.holds(rootID))
		}
	})
}
