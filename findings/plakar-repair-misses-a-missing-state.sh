#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), a store of its own fs connector.
#
# Behaviour: `plakar repair` is there for a store that lacks a state: it makes the state again out of the packfiles, as far as the cache of the
# machine knows which belong to it. It never finds one. Since 1.1 that knowledge is in the cache of the store's state (state.db); repair opens the older
# cache of the repository instead, fills it from the very states that are there, and so misses nothing.
#
# Seen: a store of two snapshots loses the state of the second; all packfiles are there. The machine that made it lists both and reads both whole. There
# `repair` prints "no repairs needed", `repair -apply` prints nothing, both exit with 0, and every other machine lists the first snapshot only, before
# and after. A `sync` from there to a new store saves both.
#
# Why it matters here: after a lost or replaced state the advice that suggests itself makes people believe that all is well. Ours is to save the
# store by `sync` from a machine that still reads it.
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
# sees CACHE: how many snapshots a machine finds in a store.
sees() { on "$1" at "$top/$2" ls | grep -c . || true; }

mkdir data
on mine at "$top/store" create -plaintext
for text in monday tuesday; do
  echo "$text" > data/diary
  on mine -quiet at "$top/store" backup "$top/data" > backup.log
  # Listings have seconds.
  sleep 1.1
done
tuesday=$(on mine at "$top/store" ls -uuid | head -n1 | awk '{ print $2 }')
[[ $(sees mine store) == 2 && $(sees other1 store) == 2 ]]
rm -f store/locks/*/*
find store/states -name "$tuesday" -delete

problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }
[[ $(sees mine store) == 2 && $(sees other2 store) == 1 ]] || problem "$(sees mine store) here, $(sees other2 store) elsewhere"
for how in "" -apply; do
  # shellcheck disable=SC2086
  on mine at "$top/store" repair $how > repair.log 2>&1 || problem "repair $how fails: $(cat repair.log)"
  [[ $how == -apply && ! -s repair.log ]] || grep -q 'no repairs needed' repair.log || problem "repair $how says: $(cat repair.log)"
  [[ $(sees other3"$how" store) == 1 ]] || problem "after repair $how another machine sees $(sees other3"$how" store)"
done
on mine at "$top/store" check > check.log 2>&1 || problem 'check fails here'
on mine at "$top/saved" create -plaintext
on mine at "$top/store" sync to "$top/saved" > sync.log
[[ $(sees other4 saved) == 2 ]] || problem "a sync saves $(sees other4 saved)"
echo 'as described: a missing state is not missed by repair, here or anywhere'
