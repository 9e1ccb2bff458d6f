//! The limits of the real drive: six downloads at once, and a speed for each connection. Beside the
//! release before, where `--before` names one.

use std::time::Duration;

use opendrive_sim::{Behaviour, Calls, Options, Simulator};
use support::noise;
use tempfile::TempDir;

use super::restore;
use crate::bench::{Bench, Case, Contestant, completed, make_files, seed_drive};
use crate::figures::{Who, names};

/// Bytes per second of a connection on a free plan.
const FREE_PLAN: u64 = 200_000;

/// The same where the plan has no limit and the line is a good one: a single connection over the
/// sea seldom brings more.
const GOOD_LINE: u64 = 10_000_000;

/// How much more than the files may be downloaded.
const TRAFFIC: f64 = 1.02;

const LATENCY: Duration = Duration::from_millis(20);

pub fn all(bench: &mut Bench) {
    one_file(bench, names::SLOW_FILE, 40_000_000, 1_000_000);
    one_file(bench, names::FAST_FILE, 400_000_000, GOOD_LINE);
    let (name, size) = if bench.tools.long {
        (names::SLOW_FILES_LONG, 8_000_000)
    } else {
        (names::SLOW_FILES, 4_000_000)
    };
    files_side_by_side(bench, name, size, FREE_PLAN);
    files_side_by_side(bench, names::FAST_FILES, 20_000_000, GOOD_LINE);
    check(bench, names::SLOW_CHECK, FREE_PLAN);
    check(bench, names::FAST_CHECK, GOOD_LINE);
    restores(bench);
}

fn limited(speed: u64) -> Behaviour {
    Behaviour { download_speed: Some(speed), ..Behaviour::default() }
}

fn start(speed: u64) -> Simulator {
    Simulator::start(Options { latency: LATENCY, behaviour: limited(speed), ..Options::default() })
        .unwrap()
}

/// One file over connections of a speed.
fn one_file(bench: &mut Bench, name: &str, size: usize, speed: u64) {
    let simulator = start(speed);
    simulator.drive().put_file("large", noise(1, size), 1_700_000_000);
    let case = Case::new(name, LATENCY).bytes(size as u64);
    for contestant in &mut bench.contestants_and_before(Some(&simulator)) {
        contestant.configure("source", "");
        backup(bench, case, contestant, &simulator, size as u64);
    }
}

/// Twenty-four files, as many as they come side by side.
fn files_side_by_side(bench: &mut Bench, name: &str, size: usize, speed: u64) {
    const FILES: u64 = 24;
    let simulator = start(speed);
    seed_drive(&simulator, FILES, size, 2);
    let case = Case::new(name, LATENCY).bytes(FILES * size as u64);
    for contestant in &mut bench.contestants_and_before(Some(&simulator)) {
        contestant.configure("source", "");
        backup(bench, case, contestant, &simulator, FILES * size as u64);
    }
}

fn backup(
    bench: &mut Bench,
    case: Case,
    contestant: &mut Contestant,
    simulator: &Simulator,
    bytes: u64,
) {
    let store = contestant.local_store(&format!("store {}", case.name));
    let Some(text) = bench.measure(
        case,
        contestant,
        Some(simulator),
        &["-quiet", "at", &store, "backup", "@drive"],
    ) else {
        return;
    };
    if completed(&text).is_none() {
        let last = text.lines().last().unwrap_or("no result").to_owned();
        bench.fail(case, contestant.who, contestant, &last);
    }
    bench.hold_to_limits(case, contestant.who, &simulator.calls(), Some(bytes));
    contestant.remove(&format!("store {}", case.name));
}

/// The check of a store of 70 MiB over connections of a speed. The store is made without that limit.
fn check(bench: &mut Bench, name: &str, speed: u64) {
    let folder = TempDir::new().unwrap();
    make_files(folder.path(), 13_600, 4_400);
    let folder = folder.path().to_str().unwrap();
    let simulator =
        Simulator::start(Options { latency: LATENCY, log_calls: false, ..Options::default() })
            .unwrap();
    let case = Case::new(name, LATENCY);
    for contestant in &mut bench.contestants_and_before(Some(&simulator)) {
        contestant.configure("store", &format!("{:?}", contestant.who));
        simulator.change_behaviour(|behaviour| behaviour.download_speed = None);
        contestant.user.ok(&["at", "@drive", "create", "-plaintext"]);
        contestant.user.ok(&["-quiet", "at", "@drive", "backup", folder]);
        simulator.change_behaviour(|behaviour| behaviour.download_speed = Some(speed));
        if bench
            .measure(case, contestant, Some(&simulator), &["-quiet", "at", "@drive", "check"])
            .is_some()
        {
            bench.hold_to_limits(case, contestant.who, &simulator.calls(), None);
        }
    }
}

/// Two hundred new files, then the same content again under other names.
fn restores(bench: &mut Bench) {
    let simulator = Simulator::start(Options { latency: LATENCY, ..Options::default() }).unwrap();
    for contestant in &mut bench.contestants_and_before(Some(&simulator)) {
        // Content of its own, so that the drive does not know it from another contestant.
        let seed = match contestant.who {
            Who::Ours => 1,
            Who::Before => 2,
            _ => 3,
        };
        let (store, snapshot) = restore::snapshot(contestant, seed);
        for (name, base) in [(names::RESTORE_NEW, "new"), (names::RESTORE_KNOWN, "known")] {
            let case = Case::new(name, LATENCY);
            let base = format!("{base}-{:?}", contestant.who);
            restore::measure(bench, case, contestant, &simulator, &base, &store, &snapshot);
            bench.hold_to_limits(case, contestant.who, &simulator.calls(), None);
        }
    }
}

impl Bench {
    /// Notes where our package had downloads refused, or downloaded more than it had to.
    fn hold_to_limits(&mut self, case: Case, who: Who, calls: &Calls, bytes: Option<u64>) {
        let refused = calls.refused_downloads;
        eprintln!(
            "bench: {}, {}: {refused} downloads refused, {} open at once at most",
            case.name,
            who.name(),
            calls.peak_downloads
        );
        if who != Who::Ours {
            return;
        }
        if refused > 0 {
            self.figures.failures.push(format!("{}: {refused} downloads were refused", case.name));
        }
        if let Some(bytes) = bytes
            && calls.bytes_down as f64 > bytes as f64 * TRAFFIC
        {
            self.figures.failures.push(format!(
                "{}: {} bytes were downloaded of {bytes}",
                case.name, calls.bytes_down
            ));
        }
    }
}
