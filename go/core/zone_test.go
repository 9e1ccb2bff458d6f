package core

import (
	"strings"
	"testing"
	"time"
)

// Go would take UTC for a zone that it does not know, as on a machine without tzdata.
func TestTimesInAnUnknownZone(t *testing.T) {
	before, local := unknownZone, time.Local
	defer func() { unknownZone, time.Local = before, local }()
	for zone, refused := range map[string]string{"": "", "UTC": "", "CET-1CEST,M3.5.0,M10.5.0/3": "", "Nowhere/Nothing": `option "bwlimit" has times of day, and TZ is "Nowhere/Nothing"`} {
		followRule(zone)
		_, err := setLimits(t.Context(), limitsIn{BwLimit: "08:00,100M 19:00,off"})
		if (err == nil) != (refused == "") || err != nil && !strings.HasPrefix(err.Error(), refused) {
			t.Errorf("%q: %v", zone, err)
		}
		// Without times of day it is no matter.
		if _, err := setLimits(t.Context(), limitsIn{BwLimit: "off"}); err != nil {
			t.Errorf("%q: %v", zone, err)
		}
	}
}

func TestARuleIsTheLocalZone(t *testing.T) {
	before := time.Local
	defer func() { time.Local = before }()
	summer, winter := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for rule, hours := range map[string][2]int{
		"CET-1CEST,M3.5.0,M10.5.0/3":  {14, 13},
		":CET-1CEST,M3.5.0,M10.5.0/3": {14, 13},
		"<+0530>-5:30":                {17, 17},
		"EST5":                        {7, 7},
	} {
		time.Local = time.UTC
		followRule(rule)
		if got := [2]int{summer.Local().Hour(), winter.Local().Hour()}; got != hours {
			t.Errorf("%s: %v, want %v", rule, got, hours)
		}
	}
	// What is no rule is left to Go.
	for _, other := range []string{"", "UTC", "Europe/Berlin", ":Europe/Berlin", "/etc/localtime", "nonsense", "M3.5.0", "12", "A\nB-1"} {
		time.Local = time.UTC
		if followRule(other); time.Local != time.UTC {
			t.Errorf("%q: %v", other, time.Local)
		}
	}
}
