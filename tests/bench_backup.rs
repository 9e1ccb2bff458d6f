//! Figures of a backup with the real Plakar at its defaults: run with `make bench`.

mod common;

use std::time::{Duration, Instant};

use common::place::noise;
use common::plakar::Plakar;
use opendrive_sim::{Options, Simulator};

/// rclone lets one call through every 10 ms (backend/opendrive/opendrive.go, minSleep).
const PACE: Duration = Duration::from_millis(10);

/// Backs up files of one size in folders, at a latency, and says how far from the floor it is: what
/// the calls alone cost, and a round trip for each level of the tree.
fn backup(files: u64, size: usize, folders: u64, latency: Duration) {
    let simulator = Simulator::start(Options { latency, ..Options::default() }).unwrap();
    for n in 0..files {
        simulator.drive().put_file(&format!("folder{:03}/file{n:06}", n % folders), noise(n, size), 1_700_000_000);
    }
    let plakar = Plakar::new(&simulator.env());
    let store = plakar.path("store");
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    let config =
        serde_json::json!({"drive": {"location": "opendrive://", "username": simulator.username(), "password": simulator.password()}});
    assert_eq!(plakar.run_with_input(&["source", "import"], config.to_string().as_bytes()).code, Some(0));
    for round in ["first", "second, nothing changed"] {
        simulator.reset_calls();
        let start = Instant::now();
        plakar.backup(&store, "@drive");
        let took = start.elapsed();
        let calls = simulator.calls();
        let floor = PACE * u32::try_from(calls.total).unwrap() + latency * 3;
        eprintln!(
            "bench: backup of {files} x {size} bytes at {latency:?}, {round}: {took:.2?}, {} calls ({} reads), floor {floor:.2?}, ratio {:.2}",
            calls.total,
            calls.of("download/file"),
            took.as_secs_f64() / floor.as_secs_f64(),
        );
    }
}

#[test]
#[ignore = "benchmark: run with make bench"]
fn two_hundred_files() {
    for latency in [0, 20, 100] {
        backup(200, 100_000, 10, Duration::from_millis(latency));
    }
}

#[test]
#[ignore = "benchmark: run with make bench"]
fn five_thousand_small_files() {
    backup(5_000, 20_000, 50, Duration::from_millis(100));
}
