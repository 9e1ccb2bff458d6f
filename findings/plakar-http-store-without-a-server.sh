#!/usr/bin/env bash
# github.com/PlakarKorp/integrations/http, version 1.1.0 (Go module: Plakar's http store; with kloset v1.1.3, as Plakar 1.1.4 is built).
#
# Behaviour: to create a store at an http:// or https:// address sends nothing and succeeds; so does the ping. Both succeed with nothing listening
# at the address, with a web server that knows nothing of Plakar, with any token. Only opening asks the server.
#
# Seen: storage.Create gives a store and no error, Ping gives nil, for a closed port of this machine and for Python's http.server (whose log
# shows no request at all); storage.Open fails then with "connection refused", or with the server's 404 page as the text of the error.
# On the command line: `plakar at http://127.0.0.1:1/x create -plaintext` exits 0, `plakar store ping` prints "configuration OK" and exits 0.
#
# Why it matters here: our app and our documentation take a ping for the proof that a store can be reached, as the other connectors mean it,
# and a script that creates a store when it is new goes on as if there were one. For http stores only a listing proves anything.
set -euo pipefail

tmp=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$tmp"' EXIT
cd "$tmp"

touch web.log
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$tmp" > web.log 2>&1 &
server=$!
until port=$(grep -oE 'port [0-9]+' web.log); do
  kill -0 "$server" || exit 1
  sleep 0.1
done

mkdir probe
cat > probe/main.go <<'GO'
// Probe says what an http store answers to create, ping and open, one word a line.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	_ "github.com/PlakarKorp/integrations/http/storage"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/kcontext"
)

func word(err error, known ...string) string {
	if err == nil {
		return "succeeds"
	}
	for _, part := range known {
		if strings.Contains(err.Error(), part) {
			return part
		}
	}
	return err.Error()
}

func main() {
	config := map[string]string{"location": os.Args[1], "auth_token": "of nobody"}
	ctx := kcontext.NewKContext()
	store, err := storage.Create(ctx, config, []byte("a configuration"))
	fmt.Println("create:", word(err))
	if err == nil {
		fmt.Println("ping:", word(store.Ping(context.Background())))
	}
	_, _, err = storage.Open(ctx, config)
	fmt.Println("open:", word(err, "connection refused", "404"))
}
GO
cd probe
go mod init findings/probe 2> init.log
go mod edit -require=github.com/PlakarKorp/integrations/http@v1.1.0 -require=github.com/PlakarKorp/kloset@v1.1.3
GOFLAGS=-mod=mod go build -trimpath -o ../ask .
cd ..

wanted=$'create: succeeds\nping: succeeds\nopen: '
check() { # check URL ANSWER
  answer=$(./ask "$1")
  if [[ $answer != "$wanted$2" ]]; then
    printf 'behaviour changed for %s:\n%s\n' "$1" "$answer" >&2
    exit 1
  fi
}
check http://127.0.0.1:1/backups 'connection refused'
check "http://127.0.0.1:${port#port }/backups" 404
requests=$(grep -c '"[A-Z]* /' web.log)
if [[ $requests != 1 ]]; then
  echo "behaviour changed: $requests requests, not the one of open: $(cat web.log)" >&2
  exit 1
fi
echo 'as described: created and pinged without a server'
