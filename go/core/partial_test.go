package core

import (
	"strings"
	"testing"
)

func TestTemporaryNamesAreKnownAgain(t *testing.T) {
	for _, name := range []string{"a", ".", "a\nb", "x.partial", "ü" + partialMark, strings.Repeat("n", longLeaf)} {
		for range 100 {
			if got := partialOf(partialName(name)); got != name {
				t.Fatalf("%q becomes %q, which is known as %q", name, partialName(name), got)
			}
		}
	}
	long := strings.Repeat("n", 255)
	temporary := partialName("folder/" + long)
	_, leaf, _ := strings.Cut(temporary, "/")
	if len(leaf) > len(long) || partialOf(leaf) == "" || !strings.HasPrefix(long, partialOf(leaf)) {
		t.Errorf("%q, known as %q", temporary, partialOf(leaf))
	}
}

func TestNoOtherNameIsTakenForATemporaryOne(t *testing.T) {
	for _, name := range []string{
		"", "a", "a.partial", "a.babababa.partial", "a.1a2b3c4d.partial", "a.bababab1.partial",
		".plakar-opendrive-bababab1.partial", "a.plakar-opendrive-bababab1", "a.plakar-opendrive-bababab1.partial.txt",
		"a.plakar-opendrive-.partial", "a.plakar-opendrive-notes.partial", "a.plakar-opendrive-BABABAB1.partial",
		"a.plakar-opendrive-12345678.partial", "a.plakar-opendrive-bababab11.partial", "a.plakar-opendrive-bababab1.partial\n",
	} {
		if got := partialOf(name); got != "" {
			t.Errorf("%q is taken for an upload to %q", name, got)
		}
	}
}
