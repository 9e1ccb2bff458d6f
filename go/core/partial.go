package core

import (
	"path"
	"regexp"
	"strings"

	"github.com/rclone/rclone/fs/operations"
	"github.com/rclone/rclone/lib/random"
)

// longLeaf is the length from which on a temporary name is no longer than the name itself, to
// stay below the limit of what holds it. rclone uses the same figure.
const longLeaf = 100

// partialMark tells uploads of ours from those of rclone's own commands, and from any name that somebody else gives.
const partialMark = ".plakar-opendrive-"

// partialEnd is what the names of unfinished uploads end in, also those of rclone's.
const partialEnd = ".partial"

// partialPattern matches the names that partialName makes, and no others (StringFn in rclone's lib/random): first the name that
// the file was to get.
var partialPattern = regexp.MustCompile(`(?s)^(.+)` + regexp.QuoteMeta(partialMark) + `(?:[b-df-hj-np-tv-z][aeiou]){3}[b-df-hj-np-tv-z][0-9]` + regexp.QuoteMeta(partialEnd) + `$`)

// partialName is the temporary name for an upload to a path.
func partialName(to string) string {
	suffix := partialMark + random.String(8) + partialEnd
	if len(path.Base(to)) > longLeaf {
		to = operations.TruncateString(to, len(to)-len(suffix))
	}
	return to + suffix
}

// partialOf gives the name that a file with a temporary one was to get, or the beginning of it if it is long; "" for any other file.
func partialOf(name string) string {
	if !strings.HasSuffix(name, partialEnd) {
		return ""
	}
	if found := partialPattern.FindStringSubmatch(name); found != nil {
		return found[1]
	}
	return ""
}
