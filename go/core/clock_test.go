package core

import "testing"

func TestARemoteWithoutAServerHasNoClock(t *testing.T) {
	tidy(t)
	if answer := call[clockOut](t, "clock", m{"remote": memoryRemote(t)}); answer.AheadMs != nil {
		t.Errorf("ahead by %d ms", *answer.AheadMs)
	}
}
