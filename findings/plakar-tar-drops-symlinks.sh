#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with its tar connector github.com/PlakarKorp/integrations/tar v1.1.0), GNU tar archives.
#
# Behaviour: the source tar:// knows no symbolic links. An entry of tar's type "2" becomes a regular file of 0 bytes with mode 0777, its target
# is gone; a hard link (type "1") becomes a SYMBOLIC link whose target is the name inside the archive, which leads nowhere from where the link is.
# GNU tar stores the bytes of hard-linked files under whichever name it meets first, so the name that people know may be the broken one.
#
# Seen, for an archive of data/real.txt, data/soft -> real.txt and latest/hard = data/real.txt: "backup completed without errors", `check` exits 0,
# `restore` exits 0, and then data/soft is an empty file and data/real.txt (or latest/hard) a dangling link to ./latest/hard (./data/real.txt).
# `plakar ls` shows mode L…, with no l, and 0 B. `tar -x` of the same archive gives everything back.
#
# Why it matters here: people who cannot install our connector on a host bring its tree as a tar file. All checks that Plakar offers stay clean;
# only a comparison of a restore with the tree itself shows the loss.
set -euo pipefail
export LC_ALL=C GOFLAGS=-mod=mod
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
changed() { printf 'behaviour changed: %s\n' "$*" >&2; exit 1; }

# Plakar is built in a copy of its own source, whose go.mod and go.sum pin all else. One module that it needs is not always served by the
# module proxy. Plakar uses it in its web interface only: an empty shell will do.
mkdir "$work/ttlmap"
printf 'module go.omarpolo.com/ttlmap\n\ngo 1.21\n' > "$work/ttlmap/go.mod"
cat > "$work/ttlmap/ttlmap.go" <<'GO'
package ttlmap

import "time"

type Map[K comparable, V any] struct{}

func New[K comparable, V any](time.Duration) *Map[K, V] { return new(Map[K, V]) }
func (*Map[K, V]) AutoExpire()                          {}
func (*Map[K, V]) Add(K, V)                             {}
func (*Map[K, V]) Get(K) (value V, found bool)          { return }
GO
source=$(go mod download -json github.com/PlakarKorp/plakar@v1.1.4 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -r --no-preserve=mode "$source" "$work/source"
cd "$work/source"
go mod edit -replace go.omarpolo.com/ttlmap=../ttlmap
go build -trimpath -o "$work/plakar" .
plakar() { HOME="$work/home" TERM=dumb "$work/plakar" "$@"; }

cd "$work"
plakar -disable-security-check > /dev/null
mkdir -p tree/data tree/latest
echo 'the only copy' > tree/data/real.txt
ln -s real.txt tree/data/soft
ln tree/data/real.txt tree/latest/hard
tar --sort=name -C tree -cf tree.tar ./latest ./data

mkdir untarred
tar -C untarred -xf tree.tar
diff -r tree untarred
[[ untarred/data/real.txt -ef untarred/latest/hard ]]

plakar at "$work/store" create -plaintext
plakar at "$work/store" backup "tar://$work/tree.tar" > backup.log 2>&1 || changed "the backup fails: $(cat backup.log)"
grep -q 'completed without errors' backup.log || changed "the backup says: $(tail -n1 backup.log)"
id=$(plakar at "$work/store" ls | awk '{print $2}')
plakar at "$work/store" check "$id" > check.log 2>&1 || changed "check fails: $(cat check.log)"
plakar at "$work/store" restore -to "$work/restored" "$id" > restore.log 2>&1 || changed "restore fails: $(cat restore.log)"

cmp tree/latest/hard restored/latest/hard
[[ -f restored/data/soft && ! -L restored/data/soft && ! -s restored/data/soft ]] ||
  changed "data/soft is no empty regular file: $(stat -c '%F %N' restored/data/soft)"
[[ -L restored/data/real.txt && $(readlink restored/data/real.txt) == ./latest/hard ]] ||
  changed "data/real.txt is no link into the archive: $(stat -c '%F %N' restored/data/real.txt)"
[[ ! -e restored/data/real.txt ]] || changed "data/real.txt can be read"
echo "as described: a clean backup, check and restore, one link empty and one file unreachable"
