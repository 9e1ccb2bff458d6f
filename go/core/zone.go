package core

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"bridge/fault"
)

// unknownZone is the TZ that names no zone that is known here.
var unknownZone string

// followRule makes a rule in TZ, such as "CET-1CEST,M3.5.0,M10.5.0/3", the local zone, as it is for every other program.
// Go knows names of zones only, and takes UTC for a rule and for a name that it does not know; the times in a bwlimit are local.
func followRule(rule string) {
	unknownZone = ""
	rule = strings.TrimPrefix(rule, ":")
	if rule == "" || strings.HasPrefix(rule, "/") || strings.Contains(rule, "\n") {
		return
	}
	if _, err := time.LoadLocation(rule); err == nil {
		return
	}
	zone := zoneOf(rule)
	if zone == nil {
		unknownZone = rule
		return
	}
	time.Local = zone
}

// checkZone tells that local times are not known, where some are given.
func checkZone(option string) error {
	if unknownZone == "" {
		return nil
	}
	return fault.New(fault.Config, "", fmt.Sprintf("option %q has times of day, and TZ is %q, a zone that this machine does not know: install tzdata, correct TZ, or set it to UTC", option, unknownZone))
}

// zoneOf gives the zone that a rule of POSIX describes, nil if it is none. Go reads such rules at the end of files of
// zones (RFC 9636, 3.3), so it gets a file with nothing else in it.
func zoneOf(rule string) *time.Location {
	var file bytes.Buffer
	// Each of two parts, the second with times of eight bytes: one change, to the one kind of time, of a name of four bytes.
	for _, size := range []int{4, 8} {
		file.WriteString("TZif2" + strings.Repeat("\x00", 15))
		for _, count := range []uint32{0, 0, 0, 1, 1, 4} {
			_ = binary.Write(&file, binary.BigEndian, count)
		}
		// The change is in the past, because the rule holds after the last one.
		file.Write(append([]byte{0x80}, make([]byte, size-1)...))
		file.WriteString("\x00" + "\x00\x00\x00\x00\x00\x00" + "-00\x00")
	}
	file.WriteString("\n" + rule + "\n")
	zone, err := time.LoadLocationFromTZData(rule, file.Bytes())
	if err != nil {
		return nil
	}
	if name, _ := time.Now().In(zone).Zone(); name == "-00" {
		return nil
	}
	return zone
}
