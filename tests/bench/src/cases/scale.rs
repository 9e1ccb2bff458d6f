//! Folders of some hundred thousand files, stores of some ten thousand packfiles, and machines that
//! come to a store anew. The large ones run with `--scale` only.

use std::time::{Duration, Instant};

use opendrive_sim::{Options, Simulator};
use support::memory::Watch;
use tempfile::TempDir;

use super::import::{Reads, import};
use crate::bench::{Bench, Case, completed, make_files};
use crate::figures::{Sample, Who, names};

/// The most that a plugin may hold for a large folder, in bytes; a store adds its `cache_size`.
const MEMORY: u64 = 96 << 20;

/// The default of `cache_size`, in bytes.
const CACHE: u64 = 64 << 20;

const DATE: i64 = 1_700_000_000;

/// How many snapshots a machine finds that has not seen the store before.
const SNAPSHOTS: usize = 16;

/// The most calls that their list may take.
const COLD_CALLS: u64 = 30;

pub fn all(bench: &mut Bench) {
    cold_store(bench);
    if bench.tools.scale {
        listing(bench, names::ONE_FOLDER, 1, 300_000);
        listing(bench, names::MILLION, 5_000, 200);
        packfiles(bench, 50_000);
    }
}

/// So many folders of so many files each, listed by our executable, and one file in a hundred read.
fn listing(bench: &mut Bench, name: &str, folders: usize, files: usize) {
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    for folder in 0..folders {
        let names = (0..files).map(|n| format!("file{n:06} with a name of usual length.dat"));
        simulator.drive().put_alike(&format!("folder{folder:04}"), names, b"x".to_vec(), DATE);
    }
    let (sample, _) = import(&simulator, &simulator.env(), Reads::OneIn(100));
    hold(bench, name, sample.peak, MEMORY);
    bench.note(Case::new(name, Duration::ZERO).depth(2), Who::Plugin, sample);
}

/// A store with so many packfiles that no state tells of, as after backups that were interrupted:
/// what they cost shows, and what is in them is never read.
fn packfiles(bench: &mut Bench, count: u64) {
    let folder = TempDir::new().unwrap();
    make_files(folder.path(), 100, 4_000);
    let folder = folder.path().to_str().unwrap();
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    for contestant in &mut bench.contestants_and_before(Some(&simulator)) {
        let base = format!("scale-{:?}", contestant.who);
        contestant.configure("store", &base);
        contestant.user.ok(&["at", "@drive", "create", "-plaintext"]);
        let text = contestant.user.ok(&["-quiet", "at", "@drive", "backup", folder]);
        let id = completed(&text).unwrap_or_default();
        let names = (0..count).map(|n| {
            format!("{:064x}", u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060))
        });
        simulator.drive().put_alike(
            &format!("{base}/packfiles"),
            names,
            b"no packfile".to_vec(),
            DATE,
        );
        let file = format!("{id}:{folder}/folder000/file00042.dat");
        for (name, arguments) in [
            (names::PACKFILES_CAT, &["cat", file.as_str()][..]),
            (names::PACKFILES_CHECK, &["check", id.as_str()]),
            // It ends at the first of those packfiles, after it has listed all of them.
            (names::PACKFILES_MAINTENANCE, &["maintenance"]),
        ] {
            simulator.reset_calls();
            let watch = Watch::start(contestant.user.home());
            let start = Instant::now();
            let limit = Duration::from_secs(bench.tools.limit);
            let line = [&["-quiet", "at", "@drive"], arguments].concat();
            let outcome = contestant.user.run_within(limit, &line, b"");
            let sample = Sample::new(start.elapsed(), Some(simulator.calls()), watch.usage());
            // A maintenance may fail, but not before the drive has told it of all packfiles.
            let listed =
                sample.calls.as_ref().is_some_and(|calls| calls.bytes_answers > 64 * count);
            let ended = outcome.is_some_and(|outcome| {
                outcome.code == Some(0) || name == names::PACKFILES_MAINTENANCE && listed
            });
            let case = Case::new(name, Duration::ZERO);
            if !ended {
                bench.fail(case, contestant.who, contestant, "failed");
                break;
            }
            if contestant.who == Who::Ours {
                hold(bench, name, sample.peak, MEMORY + CACHE);
            }
            bench.note(case, contestant.who, sample);
        }
    }
}

/// A machine that has no cache of a store lists its snapshots.
fn cold_store(bench: &mut Bench) {
    let latency = Duration::from_millis(20);
    let folder = TempDir::new().unwrap();
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    for contestant in &mut bench.contestants_and_before(Some(&simulator)) {
        simulator.set_latency(Duration::ZERO);
        contestant.configure("store", &format!("cold-{:?}", contestant.who));
        contestant.user.ok(&["at", "@drive", "create", "-plaintext"]);
        let path = folder.path().to_str().unwrap();
        for n in 0..SNAPSHOTS {
            std::fs::write(folder.path().join("file"), format!("version {n}")).unwrap();
            contestant.user.ok(&["-quiet", "at", "@drive", "backup", path]);
        }
        simulator.set_latency(latency);
        for round in 0..bench.rounds() {
            let cache = contestant.user.path(&format!("cache{round}"));
            let line = ["-cachedir", &cache, "at", "@drive", "ls"];
            let case = Case::new(names::COLD_LS, latency);
            let Some(text) = bench.measure(case, contestant, Some(&simulator), &line) else {
                break;
            };
            // With a new cache Plakar says more than the list.
            let listed = text.lines().filter(|line| line.contains(path)).count();
            let calls = simulator.calls().total;
            if listed != SNAPSHOTS {
                let problem = format!("{listed} of {SNAPSHOTS} snapshots are listed");
                bench.fail(case, contestant.who, contestant, &problem);
            }
            if contestant.who == Who::Ours && calls > COLD_CALLS {
                bench.figures.failures.push(format!(
                    "{}: {calls} calls, at most {COLD_CALLS} are allowed",
                    names::COLD_LS
                ));
            }
        }
    }
}

/// Notes that a plugin has held too much.
fn hold(bench: &mut Bench, name: &str, peak: Option<u64>, most: u64) {
    if let Some(peak) = peak.filter(|peak| *peak > most) {
        let (peak, most) = (peak >> 20, most >> 20);
        bench.figures.failures.push(format!("{name}: peak {peak} MiB, at most {most} allowed"));
    }
}
