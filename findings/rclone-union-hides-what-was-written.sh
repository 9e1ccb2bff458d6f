#!/usr/bin/env bash
# rclone, version 1.76.0 (Go module github.com/rclone/rclone), the `union` remote with a read-only upstream before a writable one.
#
# Behaviour: a file that is in the read-only upstream can be replaced and deleted, rclone says. The new bytes go to the writable upstream,
# and a deletion happens there only; reads go by search_policy `ff` (unless set) to the first upstream, the old copy. The
# comparison after an upload looks at the copy that was written, not at the one that the union reads, and is content.
#
# Seen, for `rclone moveto report.txt both:report.txt` over an older report: exit 0, the source is gone, `rclone cat both:report.txt` prints the
# old report, as if nothing had been written. `rclone copy` replaces the file at each run and never finds it done. `rclone deletefile` exits 0
# and the file is still there. With search_policy `newest` the new one is read.
#
# Why it matters here: our package can back up a union and restore to one. A restore over a union gets exit 0 from each file and a reader sees
# the old ones; a backup of the union keeps the old ones for ever. The remote has to be compared by reading it anew, not by the object of the upload.
set -euo pipefail
export RCLONE_CONFIG=/dev/null

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
die() { echo "behaviour changed: $1" >&2; exit 1; }

mkdir src frozen live desk
printf '%s\n' 'package main' 'import (' '_ "github.com/rclone/rclone/backend/local"' '_ "github.com/rclone/rclone/backend/union"' \
  '"github.com/rclone/rclone/cmd"' > src/main.go
for command in cat copy deletefile lsf moveto; do
  echo "_ \"github.com/rclone/rclone/cmd/$command\"" >> src/main.go
done
printf '%s\n' ')' 'func main() { cmd.Main() }' >> src/main.go
(cd src && go mod init findings/union 2> init.log && go mod edit -require=github.com/rclone/rclone@v1.76.0 &&
  go build -trimpath -mod=mod -o "$dir/rclone" .)

both=":union,upstreams='$dir/frozen:ro $dir/live':"
newest=":union,search_policy=newest,upstreams='$dir/frozen:ro $dir/live':"

echo 'last year' > frozen/report.txt
touch -d 2025-12-31 frozen/report.txt
echo 'this year, with all corrections' > desk/report.txt

./rclone copy -v desk "$both" 2> copy.log || die 'the file cannot be replaced'
for _ in 1 2; do
  ./rclone copy -v desk "$both" 2> copy.log
  grep -q 'report.txt: Copied (replaced existing)' copy.log || die "a further copy finds it done: $(cat copy.log)"
done
./rclone moveto desk/report.txt "${both}report.txt" || die 'the move fails'
[[ -z $(ls desk) ]] || die 'the source of the move is still there'
[[ $(cat live/report.txt) == 'this year, with all corrections' ]] || die 'the new file is not in the writable upstream'
[[ $(./rclone cat "${both}report.txt") == 'last year' ]] || die 'the union reads the new file'
[[ $(./rclone cat "${newest}report.txt") == 'this year, with all corrections' ]] || die 'the policy newest does not read the new file'

./rclone deletefile "${both}report.txt" || die 'the deletion fails'
[[ ! -e live/report.txt ]] || die 'the writable upstream keeps the file'
[[ $(./rclone lsf "$both") == report.txt ]] || die 'the file is gone from the union'
echo 'as described: replaced, moved and deleted with exit 0, and the old file is read all along'
