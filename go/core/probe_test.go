package core

import (
	"testing"

	"bridge/fault"
)

func TestOnlyOpenDriveIsProbed(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	refused(t, "probe", m{"remote": r}, fault.Unsupported)
	for _, method := range []string{"probebegin", "probeend"} {
		refused(t, method, m{"remote": r}, fault.Handle)
	}
	refused(t, "probepoint", m{"remote": r, "point": 1}, fault.Handle)
	refused(t, "probe", m{"remote": r + 1000}, fault.Handle)
}
