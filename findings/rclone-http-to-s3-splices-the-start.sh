#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), with Python's http.server as the source and rclone's own `serve s3` as the destination.
#
# Behaviour: rclone copies a large file from an `http` remote in pieces, each asked for with a Range header. A server may ignore that header
# and answer 200 with the whole file; Python's http.server does. The http backend takes any 2xx body for the piece it asked for, and where the
# destination takes buffered parts (s3, b2, azureblob) the answer is cut to the length of the part. So every part holds the START of the file.
# The webdav backend of this version looks for 206 and falls back to one stream; the http backend does not.
#
# Seen: `rclone copyto` exits 0 ("Multi-thread Copied"), the object has the right size and is the first 5 MiB over and over;
# `rclone check` exits 0 too ("0 differences found", since http has no hashes); only `check --download` sees it. Reading with an offset
# gives the first bytes of the file. The cutoff is lowered here to keep the files small: with no option set it happens from 256 MiB on.
#
# Why it matters here: what people back up is often carried to the drive or the bucket by rclone first, and exit status 0 with an equal size
# is what such scripts go by. The backup then keeps a faithful copy of a spoiled file. Whoever reads ranges must look for status 206.
set -euo pipefail
export LC_ALL=C GOFLAGS=-mod=mod

work=$(mktemp -d)
pids=()
clean() {
  ((${#pids[@]})) && kill "${pids[@]}" 2>/dev/null
  rm -rf "$work"
}
trap clean EXIT
fail() { echo "behaviour changed: $*" >&2; exit 1; }

mkdir "$work/build" "$work/web" "$work/bucket" "$work/bucket/copies"
cd "$work/build"
cat > main.go <<'GO'
package main

import (
	_ "github.com/rclone/rclone/backend/http"
	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/s3"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/cat"
	_ "github.com/rclone/rclone/cmd/check"
	_ "github.com/rclone/rclone/cmd/copyto"
	_ "github.com/rclone/rclone/cmd/serve/s3"
)

func main() { cmd.Main() }
GO
go mod init findings/httptos3 2>/dev/null
go mod edit -require github.com/rclone/rclone@v1.76.0
go build -o "$work/rclone" .

# address LOG PATTERN: waits until a server has written its address.
address() {
  for _ in $(seq 100); do
    if grep -oE -m1 "$2" "$1"; then return; fi
    sleep 0.1
  done
  echo "no server: $(cat "$1")" >&2
  return 1
}

cd "$work"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory web >web.log 2>&1 & pids+=($!)
web=$(address web.log 'http://127\.0\.0\.1:[0-9]+')
./rclone --config "$work/none" serve s3 bucket --addr 127.0.0.1:0 --auth-key someaccesskey,somesecretkey >s3.log 2>&1 & pids+=($!)
s3=$(address s3.log 'http://127\.0\.0\.1:[1-9][0-9]*')

cat > rclone.conf <<CONF
[site]
type = http
url = $web
[bucket]
type = s3
provider = Rclone
endpoint = $s3
access_key_id = someaccesskey
secret_access_key = somesecretkey
CONF
rclone() { "$work/rclone" --config "$work/rclone.conf" "$@"; }

part=$((5 * 1024 * 1024))
head -c $((4 * part)) /dev/urandom > web/disk.img

rclone copyto site:disk.img bucket:copies/disk.img \
  --multi-thread-cutoff 6M --s3-upload-cutoff 5M --s3-chunk-size 5M || fail "the copy is refused now"

copy=bucket/copies/disk.img
[[ $(stat -c %s "$copy") == $((4 * part)) ]] || fail "the sizes differ now"
if cmp -s web/disk.img "$copy"; then fail "the copy is right now"; fi
for n in 0 1 2 3; do
  cmp -s <(head -c $part web/disk.img) <(tail -c +$((n * part + 1)) "$copy" | head -c $part) || fail "part $n is not the start of the file"
done

rclone check site: bucket:copies 2>check.log || fail "check sees it now"
grep -q ': 0 differences found' check.log || fail "check says something else: $(cat check.log)"
if rclone check --download site: bucket:copies 2>/dev/null; then fail "check --download does not see it"; fi

rclone cat site:disk.img --offset $part --count 16 > middle || fail "a read with an offset is refused now"
cmp -s middle <(head -c 16 web/disk.img) || fail "a read with an offset gives other bytes now"

echo "as described: exit 0, equal sizes, a clean check, and four times the first part of the file"
