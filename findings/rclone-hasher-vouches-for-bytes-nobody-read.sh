#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), the `hasher` remote in a check.
#
# Behaviour: hasher answers with the hash that it kept when the file was written, as long as size and modification time are the same. `rclone check` takes
# that for the file's: bytes that went bad since pass, with exit 0, and so they do with `hashsum` and `checksum`. What it wraps, asked directly, has
# another hash. --download sees the difference.
#
# Seen: a file is copied through hasher to a folder, and one byte of it changes there under the same size and time. `rclone md5sum hasher:` prints the hash
# of the bytes that are gone, `rclone check papers hasher:` says "0 differences found", exit 0; `rclone check papers folder` finds one difference, exit 1.
#
# Why it matters here: people put hasher over a remote without hashes in order that `check` and `sync --checksum` can compare contents. It compares what
# was sent once with what was sent once. A hash from hasher must not be taken for the server's, neither after an upload nor in a comparison.
set -euo pipefail
export RCLONE_CONFIG=/dev/null

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
export RCLONE_CACHE_DIR="$root/cache"
mkdir gosrc papers folder
cat > gosrc/main.go <<'GO'
package main

import (
	_ "github.com/rclone/rclone/backend/hasher"
	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/check"
	_ "github.com/rclone/rclone/cmd/copy"
	_ "github.com/rclone/rclone/cmd/md5sum"
)

func main() { cmd.Main() }
GO
cd gosrc
go mod init findings/hasher 2> ../init.log
go mod edit -require=github.com/rclone/rclone@v1.76.0
go build -trimpath -mod=mod -o ../rclone .
cd ..

hasher=":hasher,remote='$root/folder',hashes=md5:"
echo 'all to Anna' > papers/will
./rclone copy papers "$hasher" 2> copy.log
sent=$(md5sum < papers/will | cut -d' ' -f1)
not() { echo "behaviour changed: $*" >&2; exit 1; }

touch -r folder/will time
echo 'all to Otto' > folder/will
touch -r time folder/will

told=$(./rclone md5sum "$hasher" 2> md5sum.log | cut -d' ' -f1)
[[ $told == "$sent" ]] || not "the hash is $told"
./rclone check papers "$hasher" 2> check.log || not "check fails: $(cat check.log)"
grep -q ': 0 differences found' check.log || not "check says: $(cat check.log)"
if ./rclone check papers folder 2> direct.log; then not 'a direct check finds nothing'; fi
grep -q ': 1 differences found' direct.log || not "a direct check says: $(cat direct.log)"
if ./rclone check --download papers "$hasher" 2> download.log; then not 'a check that reads finds nothing'; fi
echo 'as described: a check with exit 0 of a file whose bytes are others'
