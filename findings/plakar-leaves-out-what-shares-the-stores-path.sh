#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), its own tar source and its own fs store.
#
# Behaviour: a store in the folder /srv/vault of this machine; the archive of another machine, which has files below /srv/vault too. They are not
# in the snapshot. The backup prints "OK ✓" for each of them, even twice, ends "without errors" and with status 0; the only trace is a line "warn:
# skipping entry from repository" on standard error. Whatever lies below the path of the store is taken for the store itself, whether the source
# is this machine's disk or not (kloset, snapshot/backup.go).
#
# Seen: of two files of the archive, one below the path of the store, one beside it, the snapshot has the one beside it.
#
# Why it matters here: paths of a drive and of this machine have nothing to do with each other, and "/backups" is a good name on both. Our app counts
# that line as an error of the backup, and refuses such a store when it is assigned.
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
# The other machine's files, with the paths that they have there.
mkdir -p "other$top/vault" "other$top/papers" home
echo "a photo" > "other$top/vault/photo.jpg"
echo "a bill" > "other$top/papers/bill.txt"
tar -C other -cf other-machine.tar "${top#/}"

plakar() { HOME=$top/home TERM=dumb bin/plakar -cachedir "$top/cache" "$@"; }
plakar -disable-security-check > /dev/null
plakar at "$top/vault" create -plaintext > /dev/null
plakar at "$top/vault" backup "tar:$top/other-machine.tar" > out.txt 2> err.txt || { echo "changed: the backup fails now: $(tail -1 err.txt)" >&2; exit 1; }
snapshot=$(plakar at "$top/vault" ls | awk '{ print $2 }')
plakar at "$top/vault" ls -recursive "$snapshot:/" > listed.txt

fail() { echo "changed: $1" >&2; exit 1; }
grep -q "OK ✓ $top/vault/photo.jpg" out.txt || fail "no OK for the file that is left out"
grep -q "backup completed without errors" out.txt || fail "the backup has errors now"
grep -q "skipping entry from repository: $top/vault/photo.jpg" err.txt || fail "the warning is another one"
grep -q "papers/bill.txt" listed.txt || fail "the other file is missing too"
if grep -q "vault/photo.jpg" listed.txt; then fail "the file is in the snapshot now"; fi
echo "as described: photo.jpg is \"OK\", the backup is \"without errors\", and it is not in the snapshot"
