//! Backups of a drive.

use std::time::Duration;

use opendrive_sim::{Options, Simulator};
use support::noise;

use crate::bench::{Bench, Case, Contestant, completed, drive_path, seed_drive};
use crate::figures::{Who, names};

/// Two hundred files of 100 kB: the first backup, and one when nothing has changed.
pub fn few(bench: &mut Bench) {
    for latency in bench.tools.latencies() {
        let simulator = Simulator::start(Options { latency, ..Options::default() }).unwrap();
        seed_drive(&simulator, 200, 100_000, 10);
        let mut contestants = configured(bench, &simulator);
        for round in 0..bench.rounds() {
            for contestant in &mut contestants {
                let name = format!("store{round}");
                let store = contestant.local_store(&name);
                let arguments = ["-quiet", "at", &store, "backup", "@drive"];
                // The folder of the root, those in it, and the files.
                let first = Case::new(names::FEW, latency).depth(3);
                backup(bench, first, contestant, &simulator, &arguments);
                backup(
                    bench,
                    Case::new(names::UNCHANGED, latency).depth(2),
                    contestant,
                    &simulator,
                    &arguments,
                );
                contestant.remove(&name);
            }
        }
    }
}

/// Five thousand files of 20 kB: the first backup, and one when one file of a hundred has changed.
pub fn many(bench: &mut Bench) {
    const FILES: u64 = 5_000;
    const FOLDERS: u64 = 50;
    const CHANGED: u64 = FILES / 100;
    let first_latency = Duration::from_millis(100);
    let simulator = Simulator::start(Options::default()).unwrap();
    seed_drive(&simulator, FILES, 20_000, FOLDERS);
    let mut contestants = configured(bench, &simulator);
    let long = bench.tools.long;
    let mut stores = Vec::new();
    for contestant in &mut contestants {
        let store = contestant.local_store("store");
        // The peer reads one file after another: ten minutes at 100 ms.
        let latency =
            if contestant.who == Who::Ours || long { first_latency } else { Duration::ZERO };
        simulator.set_latency(latency);
        let case = Case::new(names::MANY, latency).depth(3);
        backup(bench, case, contestant, &simulator, &["-quiet", "at", &store, "backup", "@drive"]);
        stores.push(store);
    }
    let mut generation = 0;
    for latency in bench.tools.latencies() {
        simulator.set_latency(latency);
        for _ in 0..bench.rounds() {
            generation += 1;
            for n in 0..CHANGED {
                // Spread over all folders and all places in them, others each time.
                let number = (n * (FILES / CHANGED + 1) + generation * 7) % FILES;
                let bytes = noise(generation * FILES + n, 20_000);
                assert!(simulator.drive().set_file(
                    &drive_path(number, FOLDERS),
                    bytes,
                    1_700_000_000 + generation as i64
                ));
            }
            let case = Case::new(names::CHANGED, latency).depth(3).wanted(CHANGED);
            for (contestant, store) in contestants.iter_mut().zip(&stores) {
                backup(
                    bench,
                    case,
                    contestant,
                    &simulator,
                    &["-quiet", "at", store, "backup", "@drive"],
                );
            }
        }
    }
}

fn configured(bench: &Bench, simulator: &Simulator) -> Vec<Contestant> {
    let contestants = bench.contestants(Some(simulator));
    for contestant in &contestants {
        contestant.configure("source", "");
    }
    contestants
}

fn backup(
    bench: &mut Bench,
    case: Case,
    contestant: &mut Contestant,
    simulator: &Simulator,
    arguments: &[&str],
) {
    let Some(text) = bench.measure(case, contestant, Some(simulator), arguments) else { return };
    if completed(&text).is_none() {
        bench.fail(case, contestant.who, contestant, text.lines().last().unwrap_or("no result"));
    }
}
