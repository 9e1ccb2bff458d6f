#!/usr/bin/env bash
# Plakar, version 1.1.4 (Go module github.com/PlakarKorp/plakar, with kloset v1.1.3), a store of its own fs connector.
#
# Behaviour: before a command begins, Plakar reads the states of the store that it does not know yet. If one cannot be read, it prints one line with the
# reason, on standard output, does not begin, and ends with exit status 0: that is the status of the command, which never ran (main.go: the error is
# printed, and the status is that of a command only). All commands that need the states do so, `backup` too.
#
# Seen: a user's store, to which root has backed up once by hand. Plakar makes its files for their owner alone (0600), and so the user may not read root's
# state. Each night from then on `backup` makes no snapshot, `check` checks nothing, `prune -apply` and `sync` do nothing, `restore` restores nothing,
# each with status 0; `archive -format tar -output -` gives the line "plakar: open …: permission denied" where the tar file should be. With an empty
# state, as a full disk leaves it behind, it is the same, and the reason is "EOF". With the state as it was, `backup` makes a snapshot again. A store
# that is missing as a whole is an error, with status 66. The manual promises a status above 0 if an error occurs.
#
# Why it matters here: a drive refuses a read now and then, and a job that goes by the exit status has a green mark for a night without a backup; a file
# that an archive was written to is a line of text. Our app reads the first line that Plakar prints as well, and takes such a run for failed.
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
export PATH=$top/bin:$PATH HOME=$top/home TERM=dumb
mkdir home data
problem() { printf 'behaviour changed: %s\n' "$1" >&2; cat out.txt err.txt >&2; exit 1; }

# Modes of files are nothing to root, unless it lays its privileges down.
user=()
if (( EUID == 0 )); then user=(setpriv --bounding-set=-all --inh-caps=-all); fi
as_user() { "${user[@]}" plakar -cachedir "$top/cache" "$@"; }
as_root() { plakar -cachedir "$top/cache-of-root" "$@"; }
snapshots() { as_user at "$top/store" ls | wc -l; }

as_user -disable-security-check > /dev/null
as_root -disable-security-check > /dev/null
as_user at "$top/store" create -plaintext
as_user at "$top/copy" create -plaintext
echo "of Monday" > data/diary.txt
as_user at "$top/store" backup "$top/data" > /dev/null
monday=$(as_user at "$top/store" ls | awk 'NR == 1 { print $2 }')
find store/states -type f > known.txt
as_root at "$top/store" backup "$top/data" > /dev/null
state=$(find store/states -type f | grep -vxFf known.txt)
[[ $(stat -c %a "$state") == 600 ]] || problem "the state has another mode"
cp "$state" whole
echo "of Tuesday" >> data/diary.txt

did_nothing() { # whether Plakar ends with 0, and all it says is the reason
  local reason=$1 status=0
  shift
  as_user at "$top/store" "$@" > out.txt 2> err.txt || status=$?
  printf '%s, exit status %s: %s\n' "${*//$top\//}" "$status" "$(sed "s|$top/||" out.txt)"
  (( status == 0 )) || problem "$* ends with $status"
  [[ $(wc -l < out.txt) == 1 && $(< out.txt) == "plakar: "*"$reason" ]] || problem "$* prints something else"
  [[ ! -s err.txt ]] || problem "$* prints to standard error"
}
nightly() { # all of them
  did_nothing "$1" backup "$top/data"
  did_nothing "$1" check
  did_nothing "$1" ls
  did_nothing "$1" prune -apply -days=1
  did_nothing "$1" sync to "$top/copy"
  did_nothing "$1" restore -to "$top/back" "$monday"
  did_nothing "$1" archive -format tar -output - "$monday"
  [[ ! -e back ]] || problem "something is restored"
}

# Here the owner is the same, and so the mode says that it is not.
chmod 000 "$state"
nightly "permission denied"
chmod 600 "$state"
: > "$state"
nightly EOF

cp whole "$state"
[[ $(snapshots) == 2 ]] || problem "there are not the two snapshots from before"
as_user at "$top/store" backup "$top/data" > /dev/null
[[ $(snapshots) == 3 ]] || problem "the backup makes no snapshot"
status=0
as_user at "$top/missing" backup "$top/data" > out.txt 2> err.txt || status=$?
(( status == 66 )) || problem "a missing store gives $status"
echo "as described: no backup, no check, no restore, and the exit status is 0"
