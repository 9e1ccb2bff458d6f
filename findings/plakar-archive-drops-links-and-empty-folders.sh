#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar), subcommand `archive`, snapshots of its own fs connector.
#
# Behaviour: `plakar archive` writes regular files only. Symbolic links and folders without a file in them are in the snapshot, `ls` shows them and
# `restore` makes them, but the tar, tarball or zip has no entry for them; nothing is said of it and the exit status is 0.
# Of two paths it writes the first, with exit 0 as well.
#
# Seen, for a snapshot of app/bin/tool, app/current -> bin and the empty folder app/spool: the archive lists app/bin/tool and nothing else, in all
# three formats; what was unpacked has no `current` and no `spool`. `archive ID:/…/one ID:/…/two` holds `one` only.
#
# Why it matters here: it is Plakar's one way to hand a folder to somebody as a file, and our app's folder downloads go through it. Whoever keeps the
# archive and lets the snapshot go has lost links and folders; for a whole tree only `restore` will do.
set -euo pipefail
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME

base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
cd "$base"
mkdir home map tree out

# Plakar from its own source and sums, with a stand-in for a module of its web interface that the proxy does not always have.
printf '%s\n' 'module go.omarpolo.com/ttlmap' 'go 1.21' > map/go.mod
printf '%s\n' 'package ttlmap' 'import "time"' 'type Map[K comparable, V any] map[K]V' \
  'func New[K comparable, V any](time.Duration) *Map[K, V] { return &Map[K, V]{} }' 'func (Map[K, V]) AutoExpire() {}' \
  'func (Map[K, V]) Add(K, V) {}' 'func (m Map[K, V]) Get(k K) (V, bool) { v, ok := m[k]; return v, ok }' > map/map.go
from=$(go mod download -json github.com/PlakarKorp/plakar@v1.1.4 | awk -F'"' '$2 == "Dir" { print $4 }')
cp -r --no-preserve=mode "$from" plakar-1.1.4
(cd plakar-1.1.4 && go mod edit -replace go.omarpolo.com/ttlmap=../map && go build -trimpath -mod=mod -o ../p .)
p() { HOME="$base/home" TERM=dumb ./p "$@"; }
p -disable-security-check > out/first

mkdir -p tree/app/bin tree/app/spool
echo '#!/bin/true' > tree/app/bin/tool
ln -s bin tree/app/current
p at "$base/store" create -plaintext
p at "$base/store" backup "$base/tree" > out/backup 2>&1
id=$(p at "$base/store" ls | awk '{ print $2 }')

# The snapshot has it all.
p at "$base/store" restore -to "$base/restored" "$id" > out/restore 2>&1
diff <(cd tree && find app | sort) <(cd restored && find app | sort)

differs() { printf 'behaviour changed: %s:\n%s\n' "$1" "$2" >&2; exit 1; }
only=app/bin/tool
for format in tar tarball zip; do
  p at "$base/store" archive -format $format -rebase -output "$base/out/tree.$format" "$id:$base/tree" > out/said 2>&1 || differs "$format fails" "$(cat out/said)"
  [[ ! -s out/said ]] || differs "$format says" "$(cat out/said)"
done
[[ $(tar -tf out/tree.tar) == "$only" ]] || differs 'tar holds' "$(tar -tf out/tree.tar)"
[[ $(tar -tzf out/tree.tarball) == "$only" ]] || differs 'tarball holds' "$(tar -tzf out/tree.tarball)"
names=$(python3 -c 'import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep="\n")' out/tree.zip)
[[ $names == "$only" ]] || differs 'zip holds' "$names"

echo 1 > tree/one
echo 2 > tree/two
p at "$base/store" backup "$base/tree" > out/backup 2>&1
id=$(p at "$base/store" ls | awk 'NR == 1 { print $2 }')
p at "$base/store" archive -format tar -output "$base/out/two.tar" "$id:$base/tree/one" "$id:$base/tree/two" > out/said 2>&1 ||
  differs 'two paths are refused' "$(cat out/said)"
names=$(tar -tf out/two.tar | xargs -n1 basename)
[[ $names == one ]] || differs 'of two paths it holds' "$names"
echo 'as described: files only, the first path only, and exit 0'
