#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with integration-grpc v1.1.0), a store behind an integration.
#
# Behaviour: an integration gives Plakar the names of all packfiles in one gRPC message, and Plakar's client keeps gRPC's limit for what it receives,
# 4 MiB. A name takes 34 bytes, so from 123,362 packfiles on `plakar maintenance` ends with an error, for every integration that keeps stores (S3, SFTP,
# rclone, …). The store that Plakar reads itself, on a disk, has no such limit.
#
# Seen: one folder is opened as a store of Plakar's own fs connector, and by a main function of a few lines around that very code as one of an
# integration. Of 123,362 packfiles the first has all names (`plakar diag packfile`); the second says "received message larger than max (4194308 vs.
# 4194304)", to `maintenance` too, which passed while the store was small. With one packfile less the second has all names. `ls` goes on.
#
# Why it matters here: a store of terabytes cannot free space any more, and nothing said so while it grew. Our storage connector answers with a line
# that says how many packfiles there are, how many Plakar takes, and that nothing was changed (docs/limits.md).
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
# The integration: Plakar's fs store and Plakar's kit for integrations, and nothing else.
mkdir plugged
cat > plugged/main.go <<'GO'
package main

import (
	"context"
	"os"
	"strings"

	sdk "github.com/PlakarKorp/go-kloset-sdk"
	fs "github.com/PlakarKorp/integrations/fs/storage"
	"github.com/PlakarKorp/kloset/connectors/storage"
)

func main() {
	sdk.EntrypointStorage(os.Args, func(ctx context.Context, _ string, config map[string]string) (storage.Store, error) {
		config["location"] = "fs" + strings.TrimPrefix(config["location"], "plugged")
		return fs.NewStore(ctx, "fs", config)
	})
}
GO
(
  cd plugged
  go mod init plugged
  go mod edit -require=github.com/PlakarKorp/go-kloset-sdk@v1.1.0 -require=github.com/PlakarKorp/integrations/fs@v1.1.2 -require=github.com/PlakarKorp/kloset@v1.1.3
  go mod tidy
  go build -trimpath -o plugged .
) > build.log 2>&1 || { cat build.log; exit 1; }
cat > plugged/manifest.yaml <<'YAML'
name: plugged
display_name: plugged
description: the fs store as an integration
homepage: https://example.org
license: ISC
api_version: v1.1.0
connectors:
  - type: storage
    class: file-storage
    protocols: [plugged]
    executable: plugged
YAML

mkdir home
plakar() { HOME=$top/home TERM=dumb bin/plakar "$@"; }
# The first words would be about security updates.
plakar -disable-security-check > /dev/null 2>&1 || true
package=./plugged_v1.0.0_$(go env GOOS)_$(go env GOARCH).ptar
plakar pkg create -out "$package" plugged/manifest.yaml v1.0.0 > build.log 2>&1 || { cat build.log; exit 1; }
plakar pkg add "$package"

problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }
mkdir data
echo monday > data/diary
plakar at "$top/store" create -plaintext
plakar -quiet at "$top/store" backup "$top/data" > /dev/null
plakar at "plugged://$top/store" maintenance > small.log 2>&1 || problem "maintenance of a small store: $(cat small.log)"
# What stands for years of backups: a packfile of this store under more names, as interrupted backups leave packfiles that no state tells of. Links
# take no space, but a file cannot have any number of them.
mapfile -t real < <(find store/packfiles -type f)
for number in $(seq 255); do
  cp "${real[0]}" "$(printf 'store/packfiles/%02x/%02x%062x' "$number" "$number" 0)"
done
have=$((${#real[@]} + 255))
python3 - "$((123362 - have))" << 'PY'
import os, sys
for number in range(int(sys.argv[1])):
    folder = number % 255 + 1
    os.link(f"store/packfiles/{folder:02x}/{folder:02x}{0:062x}", f"store/packfiles/{folder:02x}/{folder:02x}{number + 1:062x}")
PY
last=$(find store/packfiles -type f -links +2 -name '*001' | head -n1)

too_long='received message larger than max (4194308 vs. 4194304)'
for way in fs plugged; do
  plakar at "$way://$top/store" diag packfile > "$way.names" 2>&1 || true
  echo "123362 packfiles, $way: $(wc -l < "$way.names") lines, at last $(tail -n1 "$way.names")"
done
[[ $(wc -l < fs.names) == 123362 ]] || problem "the built-in store says: $(tail -n1 fs.names)"
grep -qF "$too_long" plugged.names || problem "the integration's store says: $(tail -n1 plugged.names)"
code=0
plakar at "plugged://$top/store" maintenance > plugged.log 2>&1 || code=$?
echo "maintenance: exit $code, $(tail -n1 plugged.log)"
[[ $code != 0 ]] && grep -qF "$too_long" plugged.log || problem "exit $code: $(cat plugged.log)"

rm "$last"
plakar at "plugged://$top/store" diag packfile > plugged.names || problem "one less is not taken"
echo "123361 packfiles, plugged: $(wc -l < plugged.names) names"
[[ $(wc -l < plugged.names) == 123361 ]] || problem "one less is $(wc -l < plugged.names)"
[[ $(plakar at "plugged://$top/store" ls | wc -l) == 1 ]] || problem "ls fails too"
echo "as described"
