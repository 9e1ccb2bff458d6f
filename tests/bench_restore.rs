//! Figures of the destination: run with `make bench`. Nothing here asserts a time; what is bounded is memory.

mod common;

use std::time::{Duration, Instant};

use common::export::{Exporter, send_file, send_folder};
use opendrive_sim::{Options, Simulator};

/// The most that the plugin may hold, in bytes.
const MEMORY: u64 = 160 << 20;

/// Says a figure; standard error, because standard output is captured by the test runner.
fn say(line: &str) {
    eprintln!("bench: {line}");
}

/// 200 files of 100 kB in 10 folders; gives the seconds and the number of calls.
async fn two_hundred_files(latency: u64, options: &[(&str, &str)]) -> (f64, u64) {
    let simulator = Simulator::start(Options { latency: Duration::from_millis(latency), ..Options::default() }).unwrap();
    let start = Instant::now();
    let mut exporter = Exporter::start(&simulator, "restored", options).await;
    let exported = exporter
        .export(async |sender| {
            send_folder(sender, "/").await;
            for folder in 0..10 {
                send_folder(sender, &format!("/folder{folder}")).await;
                for file in 0..20 {
                    send_file(sender, &format!("/folder{folder}/file{file:02}"), 100_000, folder * 20 + file).await;
                }
            }
        })
        .await;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!((exported.stored, exported.failed), (211, vec![]));
    assert_eq!(simulator.duplicate_folders().ever, 0);
    let calls = simulator.calls();
    let memory = exporter.plugin.peak_memory();
    let floor = calls.total as f64 * 0.01;
    say(&format!(
        "restore of 200 x 100 kB in 10 folders at {latency} ms, {options:?}: {seconds:.2} s, {} calls, {:.2} x their {floor:.1} s; at most {} at once; peak {} MiB",
        calls.total,
        seconds / floor,
        calls.peak_in_flight,
        memory >> 20
    ));
    assert!(memory <= MEMORY, "{memory}");
    (seconds, calls.total)
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn two_hundred_files_at_20_and_at_100_ms() {
    for latency in [20, 100] {
        for options in [&[][..], &[("transfers", "8")], &[("transfers", "16")]] {
            two_hundred_files(latency, options).await;
        }
    }
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn memory_for_one_file_of_5_gb() {
    const SIZE: u64 = 5_000_000_000;
    let simulator = Simulator::start(Options { discard_uploads: true, ..Options::default() }).unwrap();
    let mut exporter = Exporter::start(&simulator, "", &[]).await;
    let start = Instant::now();
    let exported = exporter.export(async |sender| send_file(sender, "/large", SIZE, 1).await).await;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!((exported.stored, exported.failed), (1, vec![]));
    let memory = exporter.plugin.peak_memory();
    say(&format!("restore of one file of 5 GB: {seconds:.1} s, {:.0} MB/s, peak {} MiB", SIZE as f64 / seconds / 1e6, memory >> 20));
    assert!(memory <= MEMORY, "{memory}");
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn memory_for_medium_files_side_by_side() {
    let simulator = Simulator::start(Options { discard_uploads: true, latency: Duration::from_millis(100), ..Options::default() }).unwrap();
    let mut exporter = Exporter::start(&simulator, "", &[]).await;
    let start = Instant::now();
    let exported = exporter
        .export(async |sender| {
            for n in 0..40 {
                send_file(sender, &format!("/small{n}"), 1 << 20, n).await;
                send_file(sender, &format!("/medium{n}"), 25_000_000, n).await;
            }
        })
        .await;
    assert_eq!((exported.stored, exported.failed), (80, vec![]));
    let memory = exporter.plugin.peak_memory();
    say(&format!("restore of 40 x 1 MiB and 40 x 25 MB at 100 ms: {:.1} s, peak {} MiB", start.elapsed().as_secs_f64(), memory >> 20));
    assert!(memory <= MEMORY, "{memory}");
}

#[tokio::test]
#[ignore = "benchmark: run with make bench"]
async fn memory_for_50_000_files_of_1_kb() {
    // At 10 ms a call this takes an hour on the drive's own terms; PLAKAR_OPENDRIVE_BENCH_FILES takes fewer.
    let files = std::env::var("PLAKAR_OPENDRIVE_BENCH_FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(50_000);
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    let mut exporter = Exporter::start(&simulator, "", &[]).await;
    let start = Instant::now();
    let exported = exporter
        .export(async |sender| {
            for n in 0..files {
                if n % 1000 == 0 {
                    send_folder(sender, &format!("/f{:02}", n / 1000)).await;
                }
                send_file(sender, &format!("/f{:02}/{n}", n / 1000), 1000, n).await;
            }
        })
        .await;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!((exported.failed, exported.status.map(|status| status.message().to_owned())), (vec![], None));
    let calls = simulator.calls().total;
    let memory = exporter.plugin.peak_memory();
    say(&format!(
        "restore of {files} x 1 kB: {seconds:.0} s, {calls} calls, {:.2} x their time; peak {} MiB",
        seconds / (calls as f64 * 0.01),
        memory >> 20
    ));
    assert!(memory <= MEMORY, "{memory}");
}
