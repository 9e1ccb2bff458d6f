#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3 and integration-grpc v1.1.0), and its kit for integrations,
# go-kloset-sdk v1.1.0. The destination is Plakar's own fs connector (integrations/fs v1.1.2), once as it is built in, once behind the kit.
#
# Behaviour: one file of a snapshot is damaged in the store, and the snapshot is restored. To the connector that is built in, all files but that one
# arrive, and the exit status is 0. To the very same connector as a package, the restore ends at that file, with status 1: what follows it in the
# snapshot is never sent (integration-grpc, exporter/exporter.go: an error of reading a record ends the sending of all records), and the lines speak
# of the damaged file alone.
#
# Seen: 60 files, the damaged one is the fifth. Built in: 59 arrive, status 0. As a package: the four before it, status 1.
#
# Why it matters here: OpenDrive can only be restored to by a package. A single bad packfile costs all files that come after it by name, and the last
# lines speak of one object. Our destination says that the rest was not sent.
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
# The package: Plakar's fs destination and Plakar's kit for integrations, and nothing else.
mkdir plugged
cat > plugged/main.go <<'GO'
package main

import (
	"context"
	"os"
	"strings"

	sdk "github.com/PlakarKorp/go-kloset-sdk"
	fs "github.com/PlakarKorp/integrations/fs/exporter"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
)

func main() {
	sdk.EntrypointExporter(os.Args, func(ctx context.Context, opts *connectors.Options, _ string, config map[string]string) (exporter.Exporter, error) {
		config["location"] = "fs" + strings.TrimPrefix(config["location"], "plugged")
		return fs.NewFSExporter(ctx, opts, "fs", config)
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
description: the fs destination as an integration
homepage: https://example.org
license: ISC
api_version: v1.1.0
connectors:
  - type: exporter
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
plakar pkg add "$package" > /dev/null

problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }
mkdir data
for number in $(seq -w 60); do head -c 3000 /dev/urandom > "data/file$number"; done
head -c 300000 /dev/urandom > data/file05
plakar at "$top/store" create -plaintext
# The large file comes first, and so has a packfile of its own.
mkdir first
cp data/file05 first/
plakar -quiet at "$top/store" backup "$top/first" > /dev/null
plakar -quiet at "$top/store" backup "$top/data" > /dev/null
# Which packfile has its bytes is tried: each one is damaged in turn, and made whole again if nothing of the file is damaged by it.
found=
for packfile in $(find store/packfiles -type f -size +290k); do
  cp "$packfile" whole
  python3 - "$packfile" <<'PY'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
for at in range(20000, len(data) - 60000, 9973):
    data[at] ^= 0x55
open(path, "wb").write(data)
PY
  status=0
  plakar at "$top/store" check > check.log 2>&1 || status=$?
  if (( status == 65 )) && grep -q "check completed with 1 error" check.log; then found=yes; break; fi
  cp whole "$packfile"
done
[[ -n $found ]] || problem "no damage is found: $(tail -n 5 check.log)"
newest=$(plakar at "$top/store" ls | awk 'NR == 1 { print $2 }')

whole() { # of the restored files of a folder, how many are as they were
  local number found=0
  for number in $(seq -w 60); do
    if find "$1" -name "file$number" -type f -exec cmp -s {} "data/file$number" \; -print 2> /dev/null | grep -q .; then found=$((found + 1)); fi
  done
  echo "$found"
}
declare -A code arrived
for way in fs plugged; do
  code[$way]=0
  plakar at "$top/store" restore -to "$way://$top/$way" "$newest:$top/data" > "$way.log" 2>&1 || code[$way]=$?
  arrived[$way]=$(whole "$way")
  echo "$way: ${arrived[$way]} of 60 files arrive, exit status ${code[$way]}"
done
tail -n 3 plugged.log
[[ ${arrived[fs]} == 59 && ${code[fs]} == 0 ]] || problem "the built-in destination: $(tail -n 5 fs.log)"
[[ ${code[plugged]} == 1 ]] && (( ${arrived[plugged]} <= 4 )) || problem "the package: $(tail -n 5 plugged.log)"
! grep -q file60 plugged.log || problem "a file that was not sent is named: $(grep file60 plugged.log)"
echo "as described: one damaged file, and all that follow it stay behind where the destination is a package"
