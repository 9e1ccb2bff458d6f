#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), stores of its own fs connector.
#
# Behaviour: a second store is filled by `plakar sync to` each night. An old snapshot is removed there, to save space, while the first store
# keeps it. The next sync brings it back: "1 snapshots synchronized", as does each further one, and it is never listed. That much is known
# (plakar issue 1539, kloset issue 478). What we found written nowhere: from then on the second store looks EMPTY to every machine that did not
# take part: `ls` and `check` print nothing there, with exit 0.
# A synchronized snapshot keeps its id, the state that records it has that id for its name, and takes the place of the state of that name.
# States name the one before them; with the replaced one the chain is a ring, and a cache that starts from nothing reads no state of a ring.
#
# Seen: on the machine that made it `plakar ls` lists one snapshot and `check` reads it whole; with a fresh -cachedir, as on any other
# machine, both print nothing and exit 0. All packfiles are there. Before the last sync the fresh cache saw the same as the old one.
#
# Why it matters here: a copy on a drive is kept for the day when the first machine is gone. Our store connector must not let a state be replaced
# by other content, and no check of a store is worth anything that was not made with a fresh cache.
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
mkdir home
# on CACHE ARGUMENTS…: one machine, which is known by its cache.
plakar() { HOME=$top/home TERM=dumb bin/plakar "$@"; }
on() {
  # The first words to a new cache would be about security updates.
  [[ -d cache-$1 ]] || plakar -cachedir "$top/cache-$1" -disable-security-check > /dev/null
  plakar -cachedir "$top/cache-$1" "${@:2}"
}
# sees CACHE: the ids that a machine finds in the second store.
sees() { on "$1" at "$top/second" ls | awk '{ print $2 }'; }

mkdir data
on mine at "$top/first" create -plaintext
on mine at "$top/second" create -plaintext
for text in monday tuesday; do
  echo "$text" > data/diary
  on mine -quiet at "$top/first" backup "$top/data" > backup.log
  on mine at "$top/first" sync to "$top/second" > sync.log
  grep -q '1 snapshots synchronized' sync.log
done
tuesday=$(sees mine | head -n1)
monday=$(sees mine | tail -n1)
[[ $(sees other1) == "$tuesday"$'\n'"$monday" ]]

on mine at "$top/second" rm -apply "$monday" > rm.log
[[ $(sees mine) == "$tuesday" && $(sees other2) == "$tuesday" ]]

problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }
for night in 1 2; do
  on mine at "$top/first" sync to "$top/second" > sync.log || problem "sync fails in night $night"
  grep -q '1 snapshots synchronized' sync.log || problem "night $night: $(tail -n1 sync.log)"
  [[ $(sees mine) == "$tuesday" ]] || problem "the machine itself sees: $(sees mine)"
done
on mine at "$top/second" check > check.log 2>&1 || problem 'check fails here'
grep -q "$tuesday: check completed without errors" check.log || problem "check says here: $(cat check.log)"

[[ -z $(sees other3) ]] || problem "another machine sees: $(sees other3)"
on other4 at "$top/second" check > check.log 2>&1 || problem 'check fails elsewhere'
[[ ! -s check.log ]] || problem "check says elsewhere: $(cat check.log)"
[[ -n $(find second/packfiles -type f) ]] || problem 'the packfiles are gone'
echo 'as described: listed and whole here, an empty store with exit 0 everywhere else'
