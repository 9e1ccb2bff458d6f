package drive

import (
	"testing"
	"testing/synctest"

	"bridge/checks"
)

// A drive that finds a folder of another name must not have that removed with all that is in it.
func TestAProbeRemovesItsFolderOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		photos := s.hasFolder(rootID, "Photos")
		d := on(t, s)
		p, err := NewProbe(t.Context(), d.remote)
		checks.OK(t, err)
		checks.OK(t, p.Begin(t.Context()))
		s.before = func(call string, _ int) (int, string) {
			if call == "folder/itembyname" {
				return 200, `{"Folders":[{"FolderID":"` + photos + `","Name":"Photos"}]}`
			}
			return 0, ""
		}
		checks.OK(t, p.End(t.Context()))
		if s.folders[photos] == nil || len(s.folders) != 1 {
			t.Error(s.folders, s.made())
		}
	})
}
