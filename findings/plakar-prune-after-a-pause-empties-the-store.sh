#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), a store and a folder on the local disk.
#
# Behaviour: five daily snapshots, the newest 66 days old, as on a machine that was switched off, or whose clock is wrong for a minute.
# `plakar prune -days=30 -per-day=1`, which reads like "keep 30 daily snapshots", plans "would keep 0 and delete 5 snapshot(s)", each for
# "outside retention windows", and with -apply the store is empty, exit status 0. The windows are counted back from the clock (kloset,
# locate), and no snapshot stays for being the newest one. Five that are 22 to 26 days old are all kept.
#
# Seen: both. Tools with the same words (restic's and borg's keep-daily) count the days that have a snapshot, and keep all five.
#
# Why it matters here: a scheduled prune that is caught up after a long pause runs before the next backup, unattended, and takes the only
# restore points there are. Our app takes Plakar's plan and keeps in addition as many of the newest periods that have a restore point.
set -euo pipefail
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"

# go.omarpolo.com/ttlmap, a small map for Plakar's web interface, cannot always be had from the module proxy: this one forgets everything.
mkdir stub
cat > stub/go.mod <<'MOD'
module go.omarpolo.com/ttlmap

go 1.21
MOD
cat > stub/stub.go <<'GO'
package ttlmap

import "time"

// Map never holds anything.
type Map[Key comparable, Value any] struct{ nothing Value }

func New[Key comparable, Value any](_ time.Duration) *Map[Key, Value] { return &Map[Key, Value]{} }

func (m *Map[Key, Value]) Get(Key) (Value, bool) { return m.nothing, false }
func (m *Map[Key, Value]) Add(Key, Value)        {}
func (m *Map[Key, Value]) AutoExpire()           {}
GO
# Plakar's own go.mod and go.sum pin the rest.
go mod download github.com/PlakarKorp/plakar@v1.1.4
cp -r --no-preserve=mode "$(go env GOMODCACHE)/github.com/!plakar!korp/plakar@v1.1.4" plakar-src
(
  cd plakar-src
  go mod edit -replace=go.omarpolo.com/ttlmap=../stub
  go build -trimpath -mod=mod -o ../bin/plakar .
)
mkdir home data
plakar() { HOME=$top/home TERM=dumb bin/plakar -cachedir "$top/cache" "$@"; }
plakar -disable-security-check > /dev/null
fail() { echo "changed: $1" >&2; cat out.txt >&2; exit 1; }

# filled STORE NEWEST: a store with five daily snapshots, the newest so many days old.
filled() {
  plakar at "$top/$1" create -plaintext > /dev/null
  for days in 4 3 2 1 0; do
    echo "$days" > data/diary.txt
    plakar at "$top/$1" backup -force-timestamp="$(date -u -d "$(($2 + days)) days ago" +%FT%TZ)" "$top/data" > /dev/null
  done
}
snapshots() { plakar at "$top/$1" ls | grep -c "$top/data" || true; }

filled young 22
plakar at "$top/young" prune -days=30 -per-day=1 -apply > out.txt 2>&1 || fail "prune fails"
[[ $(snapshots young) == 5 ]] || fail "of five snapshots that are 22 to 26 days old, $(snapshots young) are kept"

filled old 66
plakar at "$top/old" prune -days=30 -per-day=1 > out.txt 2>&1 || fail "the plan fails"
grep -q "would keep 0 and delete 5 snapshot" out.txt || fail "the plan is another one"
[[ $(grep -c "reason=outside retention windows" out.txt) == 5 ]] || fail "the reasons are others"
status=0
HOME=$top/home TERM=dumb bin/plakar -cachedir "$top/cache" at "$top/old" prune -days=30 -per-day=1 -apply > out.txt 2>&1 || status=$?
(( status == 0 )) || fail "prune ends with $status"
[[ $(snapshots old) == 0 ]] || fail "$(snapshots old) snapshots are left"
echo "as described: 30 daily snapshots are to be kept, five were there, none is left after a pause of 66 days; exit status $status"
