//! Figures of the store on the simulated drive at 20 ms a call, beside Plakar's own store on the
//! local disk in the same run: run with `make bench`.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::drive_store::{DriveStore, make_files, tree};

/// Says a figure; standard error, because standard output is captured by the test runner.
fn say(line: &str) {
    eprintln!("bench: {line}");
}

/// Watches the plugins of a user, and keeps the highest peak of resident memory.
struct Watch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    fn start(home: &Path) -> Self {
        let mark = format!("HOME={}", home.display());
        let (peak, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let thread = std::thread::spawn({
            let (peak, stop) = (peak.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    for process in std::fs::read_dir("/proc").unwrap().flatten() {
                        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
                        if !arguments.ends_with(b"\0storage\0") {
                            continue;
                        }
                        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
                        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                            let status = std::fs::read_to_string(process.path().join("status")).unwrap_or_default();
                            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
                            let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
                            peak.fetch_max(kib, Ordering::Relaxed);
                        }
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Self { peak, stop, thread: Some(thread) }
    }

    fn mib(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.peak.load(Ordering::Relaxed) >> 10
    }
}

/// Plakar's cache process answers for a few seconds after a command, and would do work for the next.
fn settle() {
    std::thread::sleep(Duration::from_secs(7));
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn run(world: &DriveStore, name: &str, local: &[&str], drive: &[&str]) {
    settle();
    let start = Instant::now();
    world.plakar.ok(local);
    let local = start.elapsed().as_secs_f64();
    settle();
    let watch = Watch::start(world.plakar.home());
    let (_, cost) = world.cost(drive);
    let (peak, time, calls) = (watch.mib(), cost.time.as_secs_f64(), cost.calls);
    let stored = world.simulator.drive().usage().0;
    say(&format!(
        "{name}: {time:.2} s, local disk {local:.2} s, ratio {:.2}; {} calls {:?}; down {:.2} MiB ({:.3} of the store), up {:.2} MiB; peak {peak} MiB",
        time / local,
        calls.total,
        calls.by_endpoint,
        mib(calls.bytes_down),
        calls.bytes_down as f64 / stored.max(1) as f64,
        mib(calls.bytes_up),
    ));
    if std::env::var_os("BENCH_LOG").is_some() {
        for call in world.simulator.call_log().into_iter().filter(|call| call.endpoint == "download/file") {
            let name = call.item.rsplit('/').next().unwrap_or_default();
            say(&format!("  {:>6} ms {} {:?} +{}", call.start.as_millis(), &name[..name.len().min(8)], call.offset, call.length));
        }
    }
}

/// Runs everything once with so many files of so many bytes, each command first on a store on the
/// local disk.
fn suite(count: usize, size: usize) {
    let world = DriveStore::new();
    world.simulator.set_latency(Duration::from_millis(20));
    let folder = world.plakar.home().join("files");
    make_files(&folder, count, size);
    let files = folder.to_str().unwrap();
    let local = world.plakar.path("local");
    let on = |name: &str, rest: [&[&str]; 2]| {
        let [local, drive] = [[&["at", &local], rest[0]].concat(), [&["at", "@drive"], rest[1]].concat()];
        run(&world, name, &local, &drive)
    };
    let both = |name: &str, rest: &[&str]| on(name, [rest, rest]);
    both("create", &["create", "-plaintext"]);
    both("backup", &["backup", files]);
    let packfiles: Vec<u64> =
        world.simulator.drive().tree().into_iter().filter(|(path, _)| path.contains("packfiles/")).map(|(_, entry)| entry.size).collect();
    let size = world.simulator.drive().usage().0;
    say(&format!("the store has {:.1} MiB, packfiles of {packfiles:?} bytes", mib(size)));
    both("ls", &["ls"]);
    let id = |at: &str| world.plakar.ok(&["at", at, "ls"]).split_whitespace().nth(1).unwrap().to_owned();
    let ids = [id(&local), id("@drive")];
    let (_, cost) = world.cost(&["at", "@drive", "ls"]);
    say(&format!("ls once more, while Plakar's cache process is still there: {} calls {:?}", cost.calls.total, cost.calls.by_endpoint));
    let paths = ids.each_ref().map(|id| format!("{id}:{files}/folder000/file00042.dat"));
    on("cat", [&["cat", &paths[0]], &["cat", &paths[1]]]);
    on("check", [&["check", &ids[0]], &["check", &ids[1]]]);
    let targets = ["local", "drive"].map(|name| world.plakar.path(&format!("restored-{name}")));
    on("restore", [&["restore", "-to", &targets[0], &ids[0]], &["restore", "-to", &targets[1], &ids[1]]]);
    assert!(tree(Path::new(&targets[1])) == tree(&folder), "what came back differs");
}

#[test]
#[ignore = "benchmark: run with make bench"]
fn many_small_files() {
    suite(13_600, 4_400);
}

#[test]
#[ignore = "benchmark: run with make bench"]
fn half_a_gibibyte() {
    suite(260, 2 << 20);
}
