#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), a store of its fs connector copied with cp.
#
# Behaviour: what a machine knows of a store it keeps in a cache under the store's id, and a copy of the files has the same id. So on the machine
# that knows both, the copy is taken for the original: its listing shows snapshots that never reached it, and a backup to it leaves out every chunk
# that only the original has. The next backup is "completed without errors", exit 0, and its file cannot be read, here or anywhere.
#
# Seen: after cp, one more backup to the original, then `ls` of the copy lists that one too. A backup of the same folder to the copy warns of nothing
# but one line on its parent ("packfile not found") and ends with "completed without errors". `check` of it fails with exit 65, also with a fresh
# -cachedir; what was in the copy before is whole. With a -cachedir of its own from the start the copy lists and takes what it should.
#
# Why it matters here: two disks that take turns, or a drive seeded from a disk by rclone, are copies of this kind, and the second is written
# to when the first is gone. Our documentation has to say `sync`, never a copy, and that a backup is proved by `check`.
set -euo pipefail
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME

lab=$(mktemp -d)
trap 'rm -rf "$lab"' EXIT
cd "$lab"

# One dependency, used for the web interface alone, is not on every proxy.
mkdir absent home
cat > absent/go.mod <<'END'
module go.omarpolo.com/ttlmap

go 1.21
END
cat > absent/absent.go <<'END'
// Package ttlmap has the calls that Plakar makes, and no memory.
package ttlmap

import "time"

type Map[K comparable, V any] [0]struct{ _ func(K, V) }

func New[K comparable, V any](lifetime time.Duration) (none *Map[K, V]) { return }

func (none *Map[K, V]) Get(key K) (value V, present bool) { return }
func (none *Map[K, V]) Add(key K, value V)                {}
func (none *Map[K, V]) AutoExpire()                       {}
END
go mod download github.com/PlakarKorp/plakar@v1.1.4
mkdir upstream
cp -r "$(go env GOMODCACHE)/github.com/!plakar!korp/plakar@v1.1.4/." upstream
chmod -R u+w upstream
go -C upstream mod edit -replace=go.omarpolo.com/ttlmap=../absent
go -C upstream build -trimpath -mod=mod -o "$lab/plakar" .

run() { HOME=$lab/home TERM=dumb ./plakar "$@" 2>&1; }
run -disable-security-check > log
snapshots() { run at "$lab/$1" ls | awk '{ print $2 }'; }
stop() { printf 'behaviour changed: %s\n%s\n' "$1" "$(cat log)" >&2; exit 1; }

mkdir letters
echo 'of january' > letters/1
run at "$lab/disk1" create -plaintext > log
run at "$lab/disk1" backup "$lab/letters" > log
january=$(snapshots disk1)
cp -a disk1 disk2

echo 'of february' > letters/2
run at "$lab/disk1" backup "$lab/letters" > log
february=$(snapshots disk1 | head -n 1)
[[ $(snapshots disk2) == "$february"$'\n'"$january" ]] || stop "the copy lists $(snapshots disk2)"

run at "$lab/disk2" backup "$lab/letters" > log || stop 'the backup to the copy fails'
grep -q 'completed without errors' log || stop 'the backup to the copy has errors'
last=$(snapshots disk2 | head -n 1)
[[ $last != "$february" ]] || stop 'the copy has no new snapshot'

verdict() { # verdict ID [FLAGS…]: the exit status of a check of the copy
  local status=0
  run "${@:2}" at "$lab/disk2" check "$1" > log || status=$?
  echo $status
}
run -cachedir "$lab/other machine" -disable-security-check > log
[[ $(verdict "$last") == 65 ]] || stop 'the new snapshot is whole'
[[ $(verdict "$last" -cachedir "$lab/other machine") == 65 ]] || stop 'the new snapshot is whole elsewhere'
[[ $(verdict "$january") == 0 ]] || stop 'the old snapshot is damaged'
echo "as described: \"completed without errors\", and nothing that can be read"
