package drive

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble, where an answer takes no time.
func TestTheClockIsComparedWithTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := time.Minute
		keeper := &timekeeper{RoundTripper: transport(func(*http.Request) (*http.Response, error) {
			date := time.Now().Add(-behind).UTC().Format(http.TimeFormat)
			return &http.Response{Header: http.Header{"Date": {date}}}, nil
		})}
		for _, behind = range []time.Duration{time.Minute, -time.Hour} {
			if _, err := keeper.RoundTrip(&http.Request{}); err != nil {
				t.Fatal(err)
			}
			if difference := keeper.ahead - behind; !keeper.known || difference.Abs() > 2*time.Second {
				t.Errorf("ahead by %v, not %v", keeper.ahead, behind)
			}
		}
	})
}
