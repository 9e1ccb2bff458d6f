//! Restores to a drive.

use opendrive_sim::{Options, Simulator};

use crate::bench::{Bench, Case, completed, make_files};
use crate::figures::names;

/// Two hundred files of 100 kB in ten folders.
pub fn few(bench: &mut Bench) {
    const FILES: u64 = 200;
    const SIZE: usize = 100_000;
    if !bench.has("exporter") {
        return;
    }
    for latency in bench.tools.latencies() {
        let case = Case::new(names::RESTORE, latency).depth(3);
        let simulator = Simulator::start(Options { latency, ..Options::default() }).unwrap();
        let mut contestants = bench.contestants(Some(&simulator));
        let mut snapshots = Vec::new();
        for contestant in &contestants {
            let store = contestant.local_store("store");
            let folder = contestant.user.home().join("files");
            for n in 0..10 {
                make_files(&folder.join(n.to_string()), FILES / 10, SIZE);
            }
            let text = contestant.user.ok(&["-quiet", "at", &store, "backup", folder.to_str().unwrap()]);
            let id = completed(&text).expect("a snapshot");
            snapshots.push((store, format!("{id}:{}", folder.display())));
        }
        for round in 0..bench.rounds() {
            for (n, contestant) in contestants.iter_mut().enumerate() {
                let base = format!("restored{n}-{round}");
                contestant.configure("destination", &base);
                let (store, snapshot) = &snapshots[n];
                let arguments = ["-quiet", "at", store, "restore", "-to", "@drive", snapshot];
                if bench.measure(case, contestant, Some(&simulator), &arguments).is_none() {
                    continue;
                }
                let whole =
                    simulator.drive().tree().into_iter().filter(|(path, entry)| path.starts_with(&base) && entry.size == SIZE as u64);
                let count = whole.count() as u64;
                if count != FILES {
                    bench.fail(case, contestant.who, contestant, &format!("{count} of {FILES} files are there"));
                }
            }
        }
    }
}
