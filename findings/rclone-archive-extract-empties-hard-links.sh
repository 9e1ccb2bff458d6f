#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), command `archive extract`, on a tar file of GNU tar with hard links.
#
# Behaviour: a tar file holds the bytes of a file with several names once, under the name that came first; the other names are entries of size 0
# that point to it. `rclone archive extract` uploads each such entry as a file of 0 bytes and says nothing, also where the destination already has
# the whole file under that name: the good file is replaced by an empty one. Symbolic links become empty files in the same way.
#
# Seen: exit 0, no line on stderr; `current/report.txt` has 0 bytes, `archive/report.txt` its 22 (whichever comes first in the archive keeps them);
# a second extraction over an intact copy empties that copy. `rclone archive list` shows size 0 for the links, so the archive itself looks damaged.
#
# Why it matters here: snapshots made with hard links (rsnapshot, rsync --link-dest) are what people move to a drive with tar and rclone, and most
# of their names are links. What is then backed up from the drive is whole by every checksum, and empty.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
expect() { # expect WHAT ACTUAL WANTED
  if [[ $2 != "$3" ]]; then
    echo "behaviour changed: $1: got '$2', not '$3'" >&2
    exit 1
  fi
}

mkdir tool
cat > tool/main.go <<'GO'
package main

import (
	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/archive"
	_ "github.com/rclone/rclone/cmd/archive/extract"
	_ "github.com/rclone/rclone/cmd/archive/list"
)

func main() { cmd.Main() }
GO
(
  cd tool
  go mod init findings/extract 2> init.log
  go mod edit -require=github.com/rclone/rclone@v1.76.0
  go build -trimpath -mod=mod -o ../rclone .
)
export RCLONE_CONFIG=/dev/null

mkdir -p snapshots/archive snapshots/current
echo 'figures of the year 1' > snapshots/archive/report.txt
ln snapshots/archive/report.txt snapshots/current/report.txt
ln -s report.txt snapshots/current/newest
tar -C snapshots -cf snapshots.tar archive current
# The archive is good: tar gives all of it back.
mkdir by-tar
tar -C by-tar -xf snapshots.tar
diff -r snapshots by-tar

./rclone archive extract snapshots.tar drive 2> extract.log
expect 'what is said' "$(cat extract.log)" ''
expect 'the first name' "$(cat drive/archive/report.txt)" 'figures of the year 1'
expect 'the size of the second name' "$(stat -c '%F %s' drive/current/report.txt)" 'regular empty file 0'
expect 'the symbolic link' "$(stat -c '%F %s' drive/current/newest)" 'regular empty file 0'

# Over a copy that is whole.
cp -r snapshots intact
expect 'the copy before' "$(cat intact/current/report.txt)" 'figures of the year 1'
rm intact/current/newest
./rclone archive extract snapshots.tar intact 2> again.log
expect 'what is said the second time' "$(cat again.log)" ''
expect 'the copy after' "$(stat -c '%F %s' intact/current/report.txt)" 'regular empty file 0'

expect 'the size in the listing' "$(./rclone archive list snapshots.tar | awk '$2 == "current/report.txt" { print $1 }')" 0
echo 'as described: exit 0, no word, and empty files where the hard links were'
