//! A local remote, beside Plakar's own connector for the local disk on the same tree.

use std::time::Duration;

use tempfile::TempDir;

use crate::bench::{Bench, Case, make_files};
use crate::figures::{Who, names};

/// Twenty thousand files, of two sizes: with very small ones it is the asking for each that counts.
pub fn small_files(bench: &mut Bench) {
    run(bench, names::LOCAL, 20_000);
    run(bench, names::LOCAL_TINY, 4_000);
}

fn run(bench: &mut Bench, name: &str, size: usize) {
    let case = Case::new(name, Duration::ZERO);
    let folder = TempDir::new().unwrap();
    make_files(folder.path(), 20_000, size);
    let mut contestants = bench.contestants(None);
    contestants.push(bench.plakar_alone());
    for contestant in &contestants {
        contestant.configure_local("source", folder.path());
    }
    contestants.push(bench.bare_source(20_000, size as u64));
    for round in 0..bench.rounds() {
        for contestant in &mut contestants {
            let name = format!("store{round}");
            let store = contestant.local_store(&name);
            let source = if contestant.who == Who::Plakar {
                folder.path().to_str().unwrap()
            } else {
                "@drive"
            };
            bench.measure(case, contestant, None, &["-quiet", "at", &store, "backup", source]);
            contestant.remove(&name);
        }
    }
}
