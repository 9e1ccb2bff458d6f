#!/usr/bin/env bash
# Tokio, version 1.54.1 (crate, with signal-hook-registry 1.4.8), in a program that has a Go library in it (`go build -buildmode=c-archive`, Go 1.26.8).
#
# Behaviour: Go's documentation of os/signal wants the flag SA_ONSTACK of each signal handler that code beside it installs, because Go code runs on stacks
# of its own, of 2 KiB at first. `tokio::signal` installs its handlers without that flag, Go's threads do not block these signals, and the system writes
# more than such a stack holds for one signal (AT_MINSIGSTKSZ).
#
# Seen: Tokio's handler of SIGHUP has no SA_ONSTACK, Go's own handlers have it. Of 6 threads none blocks SIGHUP. 3,376 bytes for a signal.
#
# Why it matters here: our plugin is Rust with rclone in it, and ends by SIGTERM. A signal that reaches a thread while Go code runs there writes over
# other goroutines' memory. A benchmark of ours crashed in Go's garbage collector after 40 minutes; we now set the flag ourselves, and a test
# sends signals while rclone works.
set -euo pipefail

top=$(mktemp -d)
trap 'chmod -R u+w "$top"; rm -rf "$top"' EXIT
cd "$top"

mkdir go src
cat > go/go.mod <<'MOD'
module archive

go 1.21
MOD
cat > go/main.go <<'GO'
package main

import "C"

//export Sum
func Sum(a, b C.int) C.int { return a + b }

func main() {}
GO
(cd go && go build -buildmode=c-archive -o ../libarchive.a .)

cat > Cargo.toml <<'TOML'
[package]
name = "handlers"
version = "0.0.0"
edition = "2021"

[dependencies]
libc = "=0.2.191"
signal-hook-registry = "=1.4.8"
tokio = { version = "=1.54.1", features = ["rt", "signal"] }
TOML
cat > build.rs <<'RS'
fn main() {
    println!("cargo:rustc-link-search=native={}", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    println!("cargo:rustc-link-lib=static=archive");
}
RS
cat > src/main.rs <<'RS'
use libc::{c_int, sigaction};
use tokio::signal::unix::{SignalKind, signal};

extern "C" {
    fn Sum(a: c_int, b: c_int) -> c_int;
}

fn flags(number: c_int) -> c_int {
    unsafe {
        let mut action: sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(number, std::ptr::null(), &mut action), 0);
        action.sa_flags
    }
}

fn main() {
    assert_eq!(unsafe { Sum(2, 3) }, 5);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _listening = runtime.block_on(async { signal(SignalKind::hangup()).unwrap() });
    let has = |number| if flags(number) & libc::SA_ONSTACK == 0 { "no" } else { "yes" };
    println!("tokio on stack: {}", has(libc::SIGHUP));
    println!("go on stack: {}", has(libc::SIGURG));
    let mut blocking = 0;
    let mut threads = 0;
    for thread in std::fs::read_dir("/proc/self/task").unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim().to_owned();
        blocking += u64::from_str_radix(&mask, 16).unwrap() & 1;
        threads += 1;
    }
    println!("threads: {threads}, of which {blocking} block it");
    println!("bytes for a signal: {}", unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) });
}
RS
cargo build --quiet 2> build.log || { cat build.log; exit 1; }
target/debug/handlers > out.txt
cat out.txt
problem() { printf 'behaviour changed: %s\n' "$1" >&2; exit 1; }
grep -qx 'tokio on stack: no' out.txt || problem "Tokio's handlers run on alternate stacks"
grep -qx 'go on stack: yes' out.txt || problem "Go's own handlers do not"
grep -qE '^threads: [0-9]+, of which 0 block it$' out.txt || problem "some threads block the signal"
echo "as described: Tokio's handler runs on whatever stack it finds, Go's on one of their own"
