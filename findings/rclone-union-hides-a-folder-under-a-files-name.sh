#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), the `union` remote, where one upstream has a file and another a folder of the same name.
#
# Behaviour: a union lists a name once. What stands first in the list of upstreams counts, and decides whether the name is a file or a folder; the other
# one is left out, with all that is in it if it is the folder. There is no error and no notice: exit 0. (union merges by name alone, and wraps the
# first entry; backend/union/union.go.) Asked for by its full name, what is left out can be read all the same.
#
# Seen, for a first disk with a file "photos" (a list) and a second with a folder "photos" of two pictures: `rclone lsf -R union:` lists no picture,
# `rclone copy union: copy` copies none, `rclone check union: copy` says "0 differences found", each with exit 0; `rclone cat union:photos/one.jpg`
# prints the picture. `rclone check second-disk copy` finds two files missing. With the disks the other way round the pictures are there, and
# the list is left out.
#
# Why it matters here: a single file without an ending, put on one disk of several, takes a whole folder of the others out of every copy and backup from
# then on. Our package looks at what each upstream lists, and adds what the union has left out.
set -euo pipefail
export RCLONE_CONFIG=/dev/null

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
die() { echo "behaviour changed: $1" >&2; exit 1; }

mkdir src
printf '%s\n' 'package main' 'import (' '_ "github.com/rclone/rclone/backend/local"' '_ "github.com/rclone/rclone/backend/union"' \
  '"github.com/rclone/rclone/cmd"' > src/main.go
for command in cat check copy lsf; do
  echo "_ \"github.com/rclone/rclone/cmd/$command\"" >> src/main.go
done
printf '%s\n' ')' 'func main() { cmd.Main() }' >> src/main.go
(cd src && go mod init findings/union 2> init.log && go mod edit -require=github.com/rclone/rclone@v1.76.0 &&
  go build -trimpath -mod=mod -o "$dir/rclone" .)

mkdir -p first second/photos/2026
echo 'one.jpg, of the harbour' > first/photos
echo 'letter' > first/letter.txt
echo 'harbour' > second/photos/one.jpg
echo 'bridge' > second/photos/2026/two.jpg

copied() { # from a union of both, in this order: what arrives, without a word
  local union=$1
  ./rclone copy "$union" copy 2> copy.log || die "the copy fails: $(cat copy.log)"
  [[ ! -s copy.log ]] || die "the copy has a word on it: $(cat copy.log)"
  ./rclone check "$union" copy 2> check.log || die "the check fails: $(cat check.log)"
  grep -q ': 0 differences found' check.log || die "the check says: $(cat check.log)"
  (cd copy && find . -type f -printf '%P\n' | LC_ALL=C sort)
  rm -rf copy.last
  mv copy copy.last
}

both=":union,upstreams='$dir/first $dir/second':"
listed=$(./rclone lsf -R "$both" 2> lsf.log) || die 'the listing fails'
[[ $listed == $'letter.txt\nphotos' && ! -s lsf.log ]] || die "the listing is another one: $listed $(cat lsf.log)"
arrived=$(copied "$both")
printf 'file first, copied and checked:\n%s\n' "$arrived"
[[ $arrived == $'letter.txt\nphotos' ]] || die 'the pictures are copied, or the list is not'
[[ $(./rclone cat "${both}photos/one.jpg") == harbour ]] || die 'a picture cannot be read by its name'
! ./rclone check --one-way second copy.last 2> check.log || die 'the copy has the pictures'
grep -q ': 2 differences found' check.log || die "not two files are missing: $(cat check.log)"

other=":union,upstreams='$dir/second $dir/first':"
arrived=$(copied "$other")
printf 'folder first, copied and checked:\n%s\n' "$arrived"
[[ $arrived == $'letter.txt\nphotos/2026/two.jpg\nphotos/one.jpg' ]] || die 'the list is copied, or the pictures are not'
echo 'as described: of a file and a folder of one name a union has the first, and copy and check are content'
