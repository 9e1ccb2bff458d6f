//! Signals that interrupt Go code.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plakar_opendrive::rclone::Rclone;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::alone::ran_alone;
use terminal::signals::Signals;

/// How long signals are sent. Without the flag that `Rclone::get` sets, the process crashes in a
/// fraction of it.
const TIME: Duration = Duration::from_secs(3);

/// A handler runs where it interrupts. Go code has stacks so small that it would write over others.
#[test]
fn a_signal_breaks_no_go_code() {
    if ran_alone() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let signals = runtime.block_on(async { Signals::listen().unwrap() });
    let rclone = Rclone::get();
    let done = AtomicBool::new(false);
    let call = || {
        while !done.load(Ordering::Relaxed) {
            let config = json!({"name": "memory", "parameters": {"note": "x".repeat(3000)}});
            let version: Value = rclone.rpc_blocking("rc/noop", &config).unwrap();
            assert_eq!(version["name"], "memory");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(call);
        }
        let until = Instant::now() + TIME;
        while Instant::now() < until {
            for thread in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
                let number = thread.file_name().to_str().and_then(|name| name.parse().ok());
                // The system prefers the thread that is named. It may have ended.
                let _ = kill_process(Pid::from_raw(number.unwrap()).unwrap(), Signal::HUP);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(signals);
}
