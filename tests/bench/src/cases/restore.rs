//! Restores to a drive.

use opendrive_sim::{Behaviour, Options, Simulator};

use crate::bench::{Bench, Case, Contestant, completed, make_files_of};
use crate::figures::names;

const FILES: u64 = 200;
const SIZE: usize = 100_000;

/// Two hundred files of 100 kB in ten folders.
pub fn few(bench: &mut Bench) {
    if !bench.has("exporter") {
        return;
    }
    for latency in bench.tools.latencies() {
        let case = Case::new(names::RESTORE, latency).depth(3);
        // Each round brings the same content, which must not pass for known.
        let behaviour = Behaviour { upload_by_hash: false, ..Behaviour::default() };
        let simulator =
            Simulator::start(Options { latency, behaviour, ..Options::default() }).unwrap();
        let mut contestants = bench.contestants(Some(&simulator));
        let snapshots: Vec<_> =
            contestants.iter().map(|contestant| snapshot(contestant, 0)).collect();
        for round in 0..bench.rounds() {
            for (n, contestant) in contestants.iter_mut().enumerate() {
                let (store, snapshot) = &snapshots[n];
                measure(
                    bench,
                    case,
                    contestant,
                    &simulator,
                    &format!("restored{n}-{round}"),
                    store,
                    snapshot,
                );
            }
        }
    }
}

/// A store with a snapshot of the files, whose content is another for each seed.
pub fn snapshot(contestant: &Contestant, seed: u64) -> (String, String) {
    let store = contestant.local_store("store");
    let folder = contestant.user.home().join("files");
    for n in 0..10 {
        make_files_of(&folder.join(n.to_string()), FILES / 10, SIZE, seed * 1_000 + n * 100);
    }
    let text = contestant.user.ok(&["-quiet", "at", &store, "backup", folder.to_str().unwrap()]);
    let id = completed(&text).expect("a snapshot");
    (store, format!("{id}:{}", folder.display()))
}

/// Restores a snapshot to a base on the drive, and counts what is there then.
pub fn measure(
    bench: &mut Bench,
    case: Case,
    contestant: &mut Contestant,
    simulator: &Simulator,
    base: &str,
    store: &str,
    snapshot: &str,
) {
    contestant.configure("destination", base);
    if bench
        .measure(
            case,
            contestant,
            Some(simulator),
            &["-quiet", "at", store, "restore", "-to", "@drive", snapshot],
        )
        .is_none()
    {
        return;
    }
    let whole = simulator
        .drive()
        .tree()
        .into_iter()
        .filter(|(path, entry)| path.starts_with(base) && entry.size == SIZE as u64);
    let count = whole.count() as u64;
    if count != FILES {
        bench.fail(
            case,
            contestant.who,
            contestant,
            &format!("{count} of {FILES} files are there"),
        );
    }
}
