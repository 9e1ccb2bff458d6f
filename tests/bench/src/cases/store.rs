//! A store on the drive, beside one on the local disk with the same content, and where the drive does
//! not wait one of a bare plugin's.

use std::path::Path;
use std::time::Duration;

use opendrive_sim::{Options, Simulator};
use tempfile::TempDir;

use crate::bench::{Bench, Case, Contestant, completed, make_files};
use crate::figures::Who;

/// 13,600 files, about 70 MiB; and 260 files of 2 MiB, about 500 MiB.
pub fn all(bench: &mut Bench) {
    if !bench.has("storage") {
        return;
    }
    let latencies: Vec<Duration> = bench.tools.latencies().collect();
    run(bench, "store of 70 MiB", 13_600, 4_400, &latencies, bench.rounds());
    // kloset v1.1.4 keeps metadata and chunks in packfiles of their own.
    let later = bench.tools.plakar_kloset.clone();
    let plakar = std::mem::replace(&mut bench.tools.plakar, later);
    run(bench, "store of 70 MiB by kloset v1.1.4", 13_600, 4_400, &latencies[..1], bench.rounds());
    bench.tools.plakar = plakar;
    if bench.tools.long {
        run(bench, "store of 500 MiB", 260, 2 << 20, &latencies, 1);
    }
}

fn run(
    bench: &mut Bench,
    store: &str,
    files: u64,
    bytes: usize,
    latencies: &[Duration],
    rounds: usize,
) {
    let folder = TempDir::new().unwrap();
    make_files(folder.path(), files, bytes);
    let folder = folder.path().to_str().unwrap();
    for &latency in latencies {
        let simulator =
            Simulator::start(Options { latency, log_calls: false, ..Options::default() }).unwrap();
        let mut contestants = bench.contestants(Some(&simulator));
        contestants.push(bench.plakar_alone());
        if latency.is_zero() {
            contestants.push(bench.bare());
        }
        for round in 0..rounds {
            let stores: Vec<String> = contestants
                .iter()
                .map(|contestant| match contestant.who {
                    Who::Plakar => contestant.user.path(&format!("store{round}")),
                    who => {
                        contestant.configure("store", &format!("{who:?}-{files}-{round}"));
                        "@drive".to_owned()
                    }
                })
                .collect();
            let mut stage = Stage { bench, simulator: &simulator, latency, store, stores: &stores };
            stage.step(&mut contestants, "create", |_| vec!["create".into(), "-plaintext".into()]);
            let backups =
                stage.step(&mut contestants, "backup", |_| vec!["backup".into(), folder.into()]);
            let ids: Vec<String> =
                backups.iter().map(|text| completed(text).unwrap_or_default()).collect();
            stage.step(&mut contestants, "ls", |_| vec!["ls".into()]);
            stage.step(&mut contestants, "cat", |n| {
                vec!["cat".into(), format!("{}:{folder}/folder000/file00042.dat", ids[n])]
            });
            stage.step(&mut contestants, "check", |n| vec!["check".into(), ids[n].clone()]);
            stage.step(&mut contestants, "restore", |n| {
                vec!["restore".into(), "-to".into(), "restored".into(), ids[n].clone()]
            });
            for contestant in &mut contestants {
                let restored = count_files(&contestant.user.home().join("restored"));
                if !contestant.out && restored != files {
                    let case_name = format!("{store}: restore");
                    bench.fail(
                        Case::new(&case_name, latency),
                        contestant.who,
                        contestant,
                        &format!("{restored} of {files} files came back"),
                    );
                }
                contestant.remove(&format!("store{round}"));
                contestant.remove(&format!("{:?}-{files}-{round}", Who::Bare));
                contestant.remove("restored");
            }
            // The bytes of this round are not needed any more.
            for path in simulator.drive().tree().into_keys().filter(|path| !path.contains('/')) {
                simulator.drive().remove(&path);
            }
        }
    }
}

/// A round of a store's life.
struct Stage<'a> {
    bench: &'a mut Bench,
    simulator: &'a Simulator,
    latency: Duration,
    store: &'a str,
    stores: &'a [String],
}

impl Stage<'_> {
    /// Measures a command of each contestant on its store; gives what it printed, or nothing where
    /// it failed.
    fn step(
        &mut self,
        contestants: &mut [Contestant],
        name: &str,
        arguments: impl Fn(usize) -> Vec<String>,
    ) -> Vec<String> {
        let case_name = format!("{}: {name}", self.store);
        let case = Case::new(&case_name, self.latency);
        let mut texts = Vec::new();
        for (n, contestant) in contestants.iter_mut().enumerate() {
            let mut line = vec!["-quiet".to_owned(), "at".to_owned(), self.stores[n].clone()];
            line.extend(arguments(n));
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let on_drive = !matches!(contestant.who, Who::Plakar | Who::Bare);
            let text =
                self.bench.measure(case, contestant, on_drive.then_some(self.simulator), &line);
            texts.push(text.unwrap_or_default());
        }
        texts
    }
}

/// Files below a folder.
fn count_files(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| if entry.path().is_dir() { count_files(&entry.path()) } else { 1 })
        .sum()
}
