#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), the `crypt` remote as the source of a sync.
#
# Behaviour: opened with another password (or salt), a crypt remote is an empty folder, with a notice for each name and no error: exit 0. For sync an
# empty source is an order to delete. strict_names=true makes an error of it, and then sync deletes nothing.
#
# Seen: `rclone lsf` prints nothing, exit 0; `rclone check --one-way crypt: copy` says "0 differences found", exit 0; `rclone sync crypt: copy` deletes
# all of the copy, exit 0. As a library (rc call sync/sync) the answer is {} and the notices go
# to the log of the process. With strict_names the same sync exits with 1 and the copy stays.
#
# Why it matters here: a nightly `sync` from an encrypted drive to a disk is a common second copy, and a retyped configuration on a new machine is when
# the password goes wrong: the good copy is gone before anybody reads the drive. A backup of such a source is one of an empty folder. Whoever opens
# crypt should set strict_names, or hold a listing without names against a drive that has some.
set -euo pipefail
export RCLONE_CONFIG=/dev/null

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
mkdir gosrc papers
cat > gosrc/main.go <<'GO'
// One rclone with what this needs, and "rc CALL JSON" as a library answers it.
package main

import (
	"fmt"
	"os"

	_ "github.com/rclone/rclone/backend/crypt"
	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/check"
	_ "github.com/rclone/rclone/cmd/copy"
	_ "github.com/rclone/rclone/cmd/lsf"
	_ "github.com/rclone/rclone/cmd/obscure"
	_ "github.com/rclone/rclone/cmd/sync"
	_ "github.com/rclone/rclone/fs/sync"
	"github.com/rclone/rclone/librclone/librclone"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "rc" {
		librclone.Initialize()
		answer, status := librclone.RPC(os.Args[2], os.Args[3])
		fmt.Println(status, answer)
		return
	}
	cmd.Main()
}
GO
cd gosrc
go mod init findings/crypt 2> ../init.log
go mod edit -require=github.com/rclone/rclone@v1.76.0
go build -trimpath -mod=mod -o ../rclone .
cd ..

right=":crypt,remote='$root/drive',password=$(./rclone obscure 'correct horse'):"
wrong=":crypt,remote='$root/drive',password=$(./rclone obscure 'correct house'):"
strict="${wrong/:crypt,/:crypt,strict_names=true,}"

echo deed > papers/deed
echo will > papers/will
./rclone copy papers "$right"
[[ $(./rclone lsf "$right") == $'deed\nwill' ]]

not() { echo "behaviour changed: $*" >&2; exit 1; }
listed=$(./rclone lsf "$wrong" 2> notices) || not 'the listing fails'
[[ -z $listed ]] || not "the listing shows: $listed"
[[ $(grep -c 'NOTICE: .*Skipping undecryptable file name' notices) == 2 ]] || not "the notices are: $(cat notices)"

./rclone check --one-way "$wrong" papers 2> check.log || not 'check fails'
grep -q ': 0 differences found' check.log || not "check says: $(cat check.log)"

if ./rclone sync "$strict" papers --retries 1 2> strict.log; then not 'strict_names lets sync succeed'; fi
[[ $(ls papers) == $'deed\nwill' ]] || not 'strict_names lets sync delete'

cp -r papers papers-of-rc
./rclone sync "$wrong" papers 2> sync.log || not 'sync fails'
[[ -z $(ls papers) ]] || not "sync leaves: $(ls papers)"
answer=$(./rclone rc sync/sync "{\"srcFs\": \"$wrong\", \"dstFs\": \"$root/papers-of-rc\"}" 2> rc.log | tr -d ' \n')
[[ $answer == '200{}' && -z $(ls papers-of-rc) ]] || not "the library answers $answer and leaves: $(ls papers-of-rc)"
echo 'as described: an empty listing, a clean check, and a sync that deleted the copy with exit 0'
