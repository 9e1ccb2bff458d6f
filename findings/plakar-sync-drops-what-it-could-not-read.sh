#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), stores of its own fs connector.
#
# Behaviour: while a second store is filled by `plakar sync to`, a packfile of the first one cannot be read. The file whose bytes are in it is left out of
# the copy. Not a line says so: "1 snapshots synchronized", nothing on standard error, exit status 0. The copy has the same id, and so the next sync takes
# it for done: "0 snapshots synchronized", also when the first store can be read again.
# sync means to refuse that: it compares how many errors the two snapshots have, and fails if they differ. But it has made the header of the first
# the header of the second before, the same one in memory, and compares a number with itself (kloset, snapshot/synchronize.go).
#
# Seen, for a snapshot of a film of 80 MB and a note, with one packfile unreadable for one sync: `ls -recursive` of the copy lists the note only, `check`
# of it is "completed without errors", with status 0, `restore` restores the note, with status 0; the first store is whole. `plakar info` of the copy's
# snapshot counts one error, of the first one none. A sync to a new store brings the film. If the packfile has folders or the snapshot itself
# in it, sync prints an error and makes the snapshot the next time, with status 0 as well.
#
# Why it matters here: a drive refuses a read now and then, and a second store is kept for the day when the first is gone. Of that night's snapshot it has
# then for ever less than the first, and every check of it is clean. Our app compares files, sizes and errors of both after a sync.
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
export HOME=$top/home TERM=dumb
mkdir home data
problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }
# Modes of files are nothing to root, unless it lays its privileges down.
user=()
if (( EUID == 0 )); then user=(setpriv --bounding-set=-all --inh-caps=-all); fi
at() { "${user[@]}" bin/plakar -cachedir "$top/cache" at "$top/$1" "${@:2}"; }
"${user[@]}" bin/plakar -cachedir "$top/cache" -disable-security-check > /dev/null
for store in store copy new; do at "$store" create -plaintext; done

head -c 80000000 /dev/urandom > data/film.bin
echo "see the film" > data/note.txt
at store backup "$top/data" > /dev/null
snapshot=$(at store ls | awk 'NR == 1 { print $2 }')
listed() { # the files of the snapshot in a store
  at "$1" ls -recursive "$snapshot" | awk '{ print $NF }' | sed 's|.*/||' | LC_ALL=C sort | xargs
}
errors() { # how many the snapshot has by its own account
  at "$1" info "$snapshot" | awk '/- Errors: [0-9]+$/ { sum += $3 } END { print sum + 0 }'
}
synced() { # copies all snapshots, and prints how many there were
  at store sync to "$top/$1" > sync.out 2> sync.err || problem "sync ends with $?: $(cat sync.err)"
  [[ ! -s sync.err ]] || problem "sync has a line on standard error: $(cat sync.err)"
  ! grep -i -E 'error|warn|film|KO' sync.out || problem "sync has a word on it: $(cat sync.out)"
  sed -n 's/.* completed: \([0-9]*\) snapshots synchronized$/\1/p' sync.out
}

# A packfile is full at 64 MiB: this one has nothing but the film in it.
packfile=$(find store/packfiles -type f -size +60M)
[[ $(wc -l <<< "$packfile") == 1 && -n $packfile ]] || problem "not one full packfile: $packfile"
chmod 000 "$packfile"
status=0
at store check > check.log 2>&1 || status=$?
(( status == 65 )) || problem "check of the first store ends with $status: $(cat check.log)"
[[ $(synced copy) == 1 ]] || problem "not one snapshot is synchronized: $(cat sync.out)"
chmod 600 "$packfile"

at store check > check.log 2>&1 || problem "the first store is not whole: $(cat check.log)"
[[ $(synced copy) == 0 ]] || problem "the snapshot is synchronized again: $(cat sync.out)"
[[ $(listed store) == "film.bin note.txt" ]] || problem "the first store has $(listed store)"
[[ $(listed copy) == note.txt ]] || problem "the copy has $(listed copy)"
at copy check > check.log 2>&1 || problem "check of the copy fails: $(cat check.log)"
grep -q "check completed without errors" check.log || problem "check of the copy says: $(cat check.log)"
at copy restore -to "$top/back" "$snapshot" > restore.log 2>&1 || problem "restore of the copy fails: $(cat restore.log)"
[[ $(cd back && find . -type f) == ./note.txt ]] || problem "other files are restored: $(find back -type f)"
printf 'errors by their own account: first %s, copy %s\n' "$(errors store)" "$(errors copy)"
[[ $(errors store) == 0 && $(errors copy) == 1 ]] || problem "the errors are counted in another way"
[[ $(synced new) == 1 && $(listed new) == "film.bin note.txt" ]] || problem "a new store does not get it all: $(listed new)"
echo "as described: one read failed during one sync, and the copy lacks the film for ever; sync and check are content"
