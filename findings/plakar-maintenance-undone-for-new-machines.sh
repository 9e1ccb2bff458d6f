#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), a store of its own fs connector.
#
# Behaviour: a laptop backs up to a store, removes the snapshot, and backs the same files up again later; a server does the maintenance of that
# store. Nothing fails, nothing overlaps, every command ends before the next one begins. For both machines the new snapshot is listed and whole. For
# a machine that comes anew it can be listed and unreadable: "packfile not found". The length of the grace period does not enter.
# Each state names its parent, the last state that the machine had read BEFORE the command began to read what is new in the store (main.go opens
# the cache, `NewLocalState` notes its latest state, and only then `RebuildStateFromStore` reads the rest). So the states of two machines branch off
# each other although one came after the other. A cache that is empty reads branch after branch (`TopoSort`), in the order of their names, which are
# random. If it reads the branch of the server's first, it meets "packfile P is removed" before "packfile P is there": P is there again, and what
# the new snapshot shares with the removed one is looked for in P or in the packfile that really has it, whichever name comes first.
#
# Seen: in about one of ten tries `plakar check` with a fresh -cachedir ends with status 1 and "packfile not found", while the laptop and the server
# read all of it. With `plakar ls` before every command that writes, which makes each state name the last one, it was seen in none.
#
# Why it matters here: a drive is made for stores that many machines share, and it is read anew on the day when they are gone. Our store connector
# lists states in the order in which they were put, which is right for all that one machine writes; the rest is in docs/store.md.
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
# on CACHE ARGUMENTS…: one machine, which is known by its cache. Seven days would be a long test: one second passes between two maintenances.
plakar() { HOME=$top/home TERM=dumb PLAKAR_GRACEPERIOD=1s bin/plakar "$@"; }
on() {
  # The first words to a new cache would be about security updates.
  [[ -d cache-$1 ]] || plakar -cachedir "$top/cache-$1" -disable-security-check > /dev/null
  plakar -cachedir "$top/cache-$1" "${@:2}"
}
problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }

# Finished commands of 1.1.4 can leave their lock for ten minutes, which nobody waits for here.
unlock() { find "$1/locks" -type f -delete; }
# backup STORE: the laptop's, without errors; leaves the id in $id.
backup() {
  unlock "$1"
  on "laptop-$1" -quiet at "$top/$1" backup "$top/data" > backup.log
  grep -q 'backup completed without errors' backup.log
  id=$(grep -o '^[0-9a-f]*: backup completed' backup.log | cut -d: -f1)
}
# maintain STORE: the server's.
maintain() {
  unlock "$1"
  on "server-$1" at "$top/$1" maintenance > maintenance.log
}
# life STORE BEFORE: what happens; BEFORE MACHINE STORE is called before each command that writes.
life() {
  echo 'what is in the folder' > data/file
  on "laptop-$1" at "$top/$1" create -plaintext
  "$2" laptop "$1"; backup "$1"
  "$2" laptop "$1"; on "laptop-$1" at "$top/$1" rm -apply "$id" > rm.log
  "$2" server "$1"; maintain "$1"
  "$2" laptop "$1"; backup "$1"
  look server "$1"
  sleep 1.1
  "$2" server "$1"; maintain "$1"
  grep -q ' packfiles were removed' maintenance.log
}
look() { on "$1-$2" at "$top/$2" ls > ls.log; }
nothing() { :; }
# whole MACHINE STORE: whether the machine finds the one snapshot, and all that it refers to.
whole() {
  [[ $(on "$1-$2" at "$top/$2" ls | awk '{ print $2 }') == "$id" ]] || problem "$1 lists: $(on "$1-$2" at "$top/$2" ls)"
  on "$1-$2" at "$top/$2" check > check.log 2>&1
}

hit=0
tries=0
while [[ $hit == 0 ]]; do
  tries=$((tries + 1))
  [[ $tries -le 80 ]] || problem 'a new machine reads everything in 80 tries'
  life "store$tries" nothing
  whole laptop "store$tries" || problem "the laptop itself cannot read it: $(cat check.log)"
  whole server "store$tries" || problem "the server cannot read it: $(cat check.log)"
  whole new "store$tries" || hit=1
  rm -rf "cache-"*"-store$tries" "kept"
  mv "store$tries" kept
done
grep -q 'packfile not found' check.log || problem "check says: $(cat check.log)"

for n in $(seq 20); do
  life "looked$n" look
  whole new "looked$n" || problem "with ls before each command: $(cat check.log)"
  rm -rf "cache-"*"-looked$n" "looked$n"
done
echo "as described: unreadable for a new machine at try $tries, whole for those that made it; with ls before each command never in 20"
