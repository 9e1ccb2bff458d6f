//! What is fetched before Plakar opens it.

use std::time::Duration;

use plakar_opendrive::connector::Source;
use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use support::noise;
use support_plugin::place::Place;
use support_plugin::restoring::walked;
use tokio::sync::mpsc;

use super::{open, read};

/// Walks and opens files one after another as Plakar does; `wanted` says which.
async fn back_up(source: &Source, wanted: impl Fn(&str) -> bool) -> usize {
    // As many as the importer lets wait.
    let (sender, mut receiver) = mpsc::channel::<SourceRecord>(2048);
    let mut opened = 0;
    let consume = async {
        while let Some(record) = receiver.recv().await {
            if matches!(record.item, SourceItem::File { .. }) && wanted(&record.path) {
                read(source, &record.path).await.unwrap();
                opened += 1;
            }
            source.acknowledge(&record.path);
        }
    };
    let (outcome, ()) = tokio::join!(source.walk(sender), consume);
    outcome.unwrap();
    opened
}

async fn drive_of(files: usize) -> Place {
    let place = Place::drive();
    for n in 0..files {
        place.put(&format!("f{:02}/file{n:05}", n % 10), &noise(n as u64, 2_000), 1).await;
    }
    place
}

#[tokio::test]
async fn files_that_are_opened_one_after_another_are_fetched_ahead() {
    let place = drive_of(200).await;
    place.simulator().set_latency(Duration::from_millis(50));
    let source = open(&place, "").await;
    place.simulator().reset_calls();
    assert_eq!(back_up(&source, |_| true).await, 200);
    let calls = place.simulator().calls();
    assert_eq!(calls.of("download/file"), 200, "each file once: {calls:?}");
    assert!(calls.peak_in_flight >= 4, "{calls:?}");
}

#[tokio::test]
async fn a_run_that_opens_few_files_fetches_next_to_nothing_in_vain() {
    let place = drive_of(2_000).await;
    let source = open(&place, "").await;
    place.simulator().reset_calls();
    // One in a hundred, spread by a hash.
    let wanted = |path: &str| {
        path.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)))
            % 100
            == 0
    };
    let opened = back_up(&source, wanted).await as u64;
    let read = place.simulator().calls().of("download/file");
    assert!(opened > 5 && read - opened <= opened / 10, "{opened} were wanted, {read} were read");

    place.simulator().reset_calls();
    back_up(&open(&place, "").await, |_| false).await;
    assert_eq!(place.simulator().calls().of("download/file"), 0);
}

#[tokio::test]
async fn the_changed_files_of_an_incremental_backup_are_fetched_ahead() {
    let place = Place::drive();
    // Old ones of all ages, and one in 25 that was changed since.
    let changed = |n: usize| n % 25 == 24;
    for n in 0..1_000 {
        let age = if changed(n) { 1_000_000 + n as u64 } else { (n as u64 * 7919) % 1_000_000 };
        place.put(&format!("f{:02}/file{n:04}", n / 100), &noise(n as u64, 2_000), age).await;
    }
    place.simulator().set_latency(Duration::from_millis(50));
    let source = open(&place, "").await;
    place.simulator().reset_calls();
    let wanted = |path: &str| changed(path[path.len() - 4..].parse().unwrap());
    assert_eq!(back_up(&source, wanted).await, 40);
    let calls = place.simulator().calls();
    let read = calls.of("download/file");
    assert!(read - 40 <= 4, "{read} were read for 40: {calls:?}");
    assert!(calls.peak_in_flight >= 4, "{calls:?}");
}

#[tokio::test]
async fn a_large_file_is_fetched_ahead_by_its_beginning_only() {
    let place = Place::drive();
    for n in 0..6 {
        place.simulator().drive().put_generated(&format!("large{n}"), 40 << 20, n, 1);
    }
    let source = open(&place, "").await;
    walked(&source).await;
    for path in ["/large0", "/large1", "/large2"] {
        assert_eq!(read(&source, path).await.unwrap().len(), 40 << 20);
    }
    // The window is open now; what nobody asks for must not come whole.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let moved = place.simulator().calls().bytes_down;
    assert!(moved < 3 * (40 << 20) + 3 * (20 << 20), "{} MiB", moved >> 20);
    for path in ["/large5", "/large4", "/large3"] {
        assert!(
            read(&source, path).await.unwrap()
                == noise(path.bytes().last().unwrap() as u64 - 48, 40 << 20),
            "{path}"
        );
    }
}
