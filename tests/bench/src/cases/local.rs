//! A local remote, beside Plakar's own connector for the local disk on the same tree.

use std::time::Duration;

use tempfile::TempDir;

use crate::bench::{Bench, Case, make_files};
use crate::figures::{Who, names};

/// Twenty thousand files of 4 kB.
pub fn small_files(bench: &mut Bench) {
    let case = Case::new(names::LOCAL, Duration::ZERO);
    let folder = TempDir::new().unwrap();
    make_files(folder.path(), 20_000, 4_000);
    let mut contestants = bench.contestants(None);
    contestants.push(bench.plakar_alone());
    for contestant in &contestants {
        contestant.configure_local("source", folder.path());
    }
    for round in 0..bench.rounds() {
        for contestant in &mut contestants {
            let name = format!("store{round}");
            let store = contestant.local_store(&name);
            let source = if contestant.who == Who::Plakar { folder.path().to_str().unwrap() } else { "@drive" };
            bench.measure(case, contestant, None, &["-quiet", "at", &store, "backup", source]);
            contestant.remove(&name);
        }
    }
}
