#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), the `union` remote as the source of a sync.
#
# Behaviour: a union of which an upstream cannot be listed is the rest: exit 0, no error, no notice. Here its folder is missing, as when a disk is not
# mounted. For sync, what is not listed is to be deleted. Only if no upstream at all can be listed is there an error.
# combine, over the same two folders, fails.
#
# Seen: with the folder of the second disk away, `rclone lsf union:` lists the first disk's files, exit 0; `rclone check --one-way union: copy` says "0
# differences found", exit 0; `rclone sync union: copy` deletes from the copy all that was on the second disk, exit 0.
#
# Why it matters here: a union of several disks or drives is backed up by a nightly `sync`, and the night after a disk did not mount the copy has lost what
# was on it. A backup of such a source is whole by its own account. Whoever opens a union should list each upstream by itself, and hold a missing one
# for an error.
set -euo pipefail
export RCLONE_CONFIG=/dev/null

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
mkdir gosrc one two copy
cat > gosrc/main.go <<'GO'
package main

import (
	_ "github.com/rclone/rclone/backend/combine"
	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/union"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/check"
	_ "github.com/rclone/rclone/cmd/lsf"
	_ "github.com/rclone/rclone/cmd/sync"
)

func main() { cmd.Main() }
GO
cd gosrc
go mod init findings/union 2> ../init.log
go mod edit -require=github.com/rclone/rclone@v1.76.0
go build -trimpath -mod=mod -o ../rclone .
cd ..

union=":union,upstreams='$root/one $root/two':"
combine=":combine,upstreams='one=$root/one two=$root/two':"
echo deed > one/deed
echo will > two/will
not() { echo "behaviour changed: $*" >&2; exit 1; }

./rclone sync "$union" copy
[[ $(ls copy) == $'deed\nwill' ]] || not "the first sync leaves: $(ls copy)"

mv two elsewhere
listed=$(./rclone lsf "$union" 2> said) || not 'the listing fails'
[[ $listed == deed && ! -s said ]] || not "the listing shows $listed and says: $(cat said)"
./rclone check --one-way "$union" copy 2> check.log || not 'check fails'
grep -q ': 0 differences found' check.log || not "check says: $(cat check.log)"
if ./rclone lsf -R "$combine" > /dev/null 2> combine.log; then not 'combine lists'; fi

./rclone sync "$union" copy 2> sync.log || not 'sync fails'
[[ $(ls copy) == deed ]] || not "sync leaves: $(ls copy)"
echo 'as described: the rest of the union without a word, and a sync that deleted from the copy what was on the missing disk, with exit 0'
