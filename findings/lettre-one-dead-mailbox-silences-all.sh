#!/usr/bin/env bash
# lettre, version 0.11.19 (crate, SmtpTransport), with aiosmtpd 1.4.6 (PyPI) as the mail server and Python's smtplib for comparison.
#
# Behaviour: a message to several people goes to nobody if the server refuses one of the addresses, wherever it stands in the list: lettre gives up at
# the first refused RCPT TO, before DATA. The server has accepted the others and RFC 5321 lets a client go on. The error is permanent
# (is_permanent() is true) and names no address, so a sender that retries passing errors only never tries again, and does not know whom to leave out.
#
# Seen, for two people of whom one has no mailbox any more (550 5.1.1): send(), and send_raw() as here, give "permanent error (550): 5.1.1 no such
# mailbox" and the server gets no message, with the dead address first or last. smtplib delivers to the other and returns the refused one.
#
# Why it matters here: the natural crate for a Rust program's alert mails, and the very mail that says that a backup failed stops coming for all
# when one colleague leaves. One message for each recipient (or an envelope of its own for each) is what a notifier needs.
set -euo pipefail

here=$(mktemp -d)
post=
finish() {
  [[ -z $post ]] || kill "$post" 2>/dev/null || true
  rm -rf "$here"
}
trap finish EXIT
cd "$here"

python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check aiosmtpd==1.4.6
cat > post.py <<'PY'
"""A mail server on a free port that knows one mailbox and prints what it delivers."""
import signal
import socket

from aiosmtpd.controller import Controller


class OneMailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address != "here@example.org":
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        print("delivered", *envelope.rcpt_tos, flush=True)
        return "250 2.0.0 ok"


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
Controller(OneMailbox(), hostname="127.0.0.1", port=port, ready_timeout=60).start()
print("port", port, flush=True)
signal.pause()
PY
python/bin/python post.py > post.log 2> post.err & post=$!
until grep -q ^port post.log; do
  kill -0 "$post" 2>/dev/null || { cat post.err >&2; exit 1; }
  sleep 0.1
done
port=$(awk '/^port/ { print $2 }' post.log)

mkdir -p alert/src
cat > alert/Cargo.toml <<'TOML'
[package]
name = "alert"
version = "0.0.0"
edition = "2021"

[dependencies]
lettre = { version = "=0.11.19", default-features = false, features = ["smtp-transport"] }

[profile.dev]
debug = false
TOML
cat > alert/src/main.rs <<'RUST'
//! Sends one message to the addresses of the command line, and prints what came of it.
use lettre::{address::Envelope, SmtpTransport, Transport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("no port")?.parse()?;
    let people = arguments.map(|address| address.parse()).collect::<Result<_, _>>()?;
    let envelope = Envelope::new(Some("backup@example.org".parse()?), people)?;
    let text = b"From: backup@example.org\r\nSubject: the backup failed\r\n\r\nIt did.\r\n";
    match SmtpTransport::builder_dangerous("127.0.0.1").port(port).build().send_raw(&envelope, text) {
        Ok(_) => println!("sent"),
        Err(error) => println!("permanent: {}, {error}", error.is_permanent()),
    }
    Ok(())
}
RUST
cargo build --quiet --manifest-path alert/Cargo.toml --target-dir built

send() { built/debug/alert "$port" "$@"; }
deliveries() { grep -c ^delivered post.log || true; }
unlike() { printf 'behaviour changed: %s\n%s\n' "$1" "$(cat post.log)" >&2; exit 1; }

answer=$(send here@example.org)
[[ $answer == sent && $(deliveries) == 1 ]] || unlike "the good address alone: $answer"
for order in 'here@example.org gone@example.org' 'gone@example.org here@example.org'; do
  # shellcheck disable=SC2086
  answer=$(send $order)
  [[ $answer == 'permanent: true, permanent error (550): 5.1.1 no such mailbox' ]] || unlike "to $order: $answer"
  [[ $(deliveries) == 1 ]] || unlike "to $order: something was delivered"
done

refused=$(python/bin/python -c '
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as server:
    people = ["gone@example.org", "here@example.org"]
    print(server.sendmail("backup@example.org", people, "Subject: the backup failed\r\n\r\nIt did.\r\n"))
' "$port")
[[ $refused == *gone@example.org*550* && $(deliveries) == 2 ]] || unlike "smtplib: $refused"
echo 'as described: one refused address, and nobody got the mail'
