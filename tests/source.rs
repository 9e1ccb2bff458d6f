//! The source: one table of behaviours over memory, a local folder and the simulated OpenDrive.

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::place::{Place, noise};
use common::restoring::walked;
use opendrive_sim::{Fault, FolderNamesakes, What};
use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use plakar_opendrive::connector::{Destination, Role, Source, Store};
use plakar_opendrive::rclone::{ErrorKind, Rclone};
use tokio::sync::mpsc;

async fn open(place: &Place, base: &str) -> Source {
    Source::open(place.settings(Role::Source, base)).await.unwrap_or_else(|error| panic!("{}: {error}", place.name()))
}

async fn read(source: &Source, path: &str) -> Result<Vec<u8>, plakar_opendrive::rclone::Error> {
    let mut reader = source.read(path).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn seconds(time: Option<SystemTime>) -> u64 {
    time.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The path of a record below the place's own root.
fn below<'a>(place: &Place, record: &'a SourceRecord) -> &'a str {
    record.path.strip_prefix(place.root().trim_end_matches('/')).unwrap_or("")
}

#[tokio::test]
async fn everything_is_told_of_and_read_back() {
    let files: BTreeMap<&str, Vec<u8>> = BTreeMap::from([
        ("empty", vec![]),
        ("one", vec![7]),
        ("folder/chunk-1", noise(1, (1 << 20) - 1)),
        ("folder/chunk", noise(2, 1 << 20)),
        ("folder/chunk+1", noise(3, (1 << 20) + 1)),
        ("folder/deep/er/still/large", noise(4, 5_000_000)),
        ("odd/with space and 'quotes' and \"more\"", b"quotes".to_vec()),
        ("odd/emoji 🦀 e\u{301}", b"emoji".to_vec()),
        ("odd/-dash", b"dash".to_vec()),
        ("odd/a:b*c?d<e>f|g", b"windows".to_vec()),
        ("odd/back\\slash", b"backslash".to_vec()),
        ("odd/new\nline", b"newline".to_vec()),
        ("odd/ leading and trailing ", b"spaces".to_vec()),
        ("odd/percent%41&plus+", b"url".to_vec()),
    ]);
    for place in Place::all("told") {
        for (path, bytes) in &files {
            place.put(path, bytes, 1_700_000_000).await;
        }
        let empty_folder = place.make_folder("nothing in it");
        let source = open(&place, "").await;
        let records = walked(&source).await;

        let found: BTreeMap<&str, &SourceItem> = records
            .iter()
            .filter(|record| record.path.starts_with(&place.root()))
            .map(|record| (below(&place, record).trim_start_matches('/'), &record.item))
            .collect();
        for (path, bytes) in &files {
            // rclone's name for a control character, but in memory (lib/encoder in rclone).
            let path = &if !matches!(place, Place::Memory { .. }) { path.replace('\n', "␊") } else { path.to_string() };
            let Some(SourceItem::File { size, modified }) = found.get(path.as_str()) else {
                panic!("{}: {path:?} is {:?}", place.name(), found.get(path.as_str()))
            };
            assert_eq!((*size, seconds(*modified)), (Some(bytes.len() as u64), 1_700_000_000), "{}: {path:?}", place.name());
            let absolute = format!("{}/{path}", place.root().trim_end_matches('/'));
            assert!(read(&source, &absolute).await.unwrap() == *bytes, "{}: {path:?}", place.name());
        }
        assert_eq!(found.contains_key("nothing in it"), empty_folder, "{}", place.name());
        let failed = records.iter().filter(|record| matches!(record.item, SourceItem::Failed(_))).count();
        assert_eq!(failed, 0, "{}: {records:?}", place.name());
    }
}

#[tokio::test]
async fn folders_come_before_what_is_in_them_from_the_root_on() {
    for place in Place::all("order") {
        for n in 0..30 {
            place.put(&format!("base/f{}/g{}/file{n}", n % 3, n % 5), b"x", 1).await;
        }
        let source = open(&place, "base").await;
        let mut told = std::collections::HashSet::new();
        for record in walked(&source).await {
            let parent = record.path.rsplit_once('/').map(|(parent, _)| if parent.is_empty() { "/" } else { parent }).unwrap();
            assert!(record.path == "/" || told.contains(parent), "{}: {} came before {parent}", place.name(), record.path);
            assert!(told.insert(record.path.clone()), "{}: {} came twice", place.name(), record.path);
        }
        assert!(told.contains("/") && told.contains(&source.identity().root), "{}", place.name());
    }
}

#[tokio::test]
async fn two_runs_tell_the_same() {
    for place in Place::all("same") {
        for n in 0..40 {
            place.put(&format!("f{}/file{n}", n % 7), &[n], 1_600_000_000 + u64::from(n)).await;
        }
        let first = open(&place, "").await;
        let second = open(&place, "").await;
        assert_eq!(first.identity(), second.identity());
        let sorted = |mut records: Vec<SourceRecord>| {
            records.sort_by(|a, b| a.path.cmp(&b.path));
            records
        };
        assert_eq!(sorted(walked(&first).await), sorted(walked(&second).await), "{}", place.name());
    }
}

#[tokio::test]
async fn a_base_that_is_missing_or_a_file_is_one_clear_line() {
    for place in Place::all("base") {
        place.put("folder/file", b"x", 1).await;
        if !matches!(place, Place::Memory { .. }) {
            let error = Source::open(place.settings(Role::Source, "missing")).await.unwrap_err().to_string();
            assert!(error.contains("missing does not exist"), "{}: {error}", place.name());
        }
        let error = Source::open(place.settings(Role::Source, "folder/file")).await.unwrap_err().to_string();
        assert!(error.contains("is a file: give the folder that it is in"), "{}: {error}", place.name());
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn objects_are_let_go_when_they_are_acknowledged() {
    for place in Place::all("acknowledged") {
        place.put("a", b"x", 1).await;
        place.put("b", b"y", 1).await;
        let source = open(&place, "").await;
        for record in walked(&source).await {
            source.acknowledge(&record.path);
        }
        let path = format!("{}/a", place.root().trim_end_matches('/'));
        assert_eq!(source.read(&path).await.unwrap_err().kind(), ErrorKind::NotFound, "{}", place.name());
    }
}

#[tokio::test]
async fn a_file_that_vanished_or_changed_is_an_error_and_not_a_wrong_copy() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    for name in ["gone", "longer", "shorter", "other"] {
        place.put(name, b"0123456789", 1_700_000_000).await;
    }
    let source = open(&place, "").await;
    walked(&source).await;
    drive.remove("gone");
    drive.set_file("longer", "0123456789abcdef", 1_700_000_001);
    drive.set_file("shorter", "012", 1_700_000_001);
    drive.set_file("other", "9876543210", 1_700_000_001);
    assert_eq!(read(&source, "/gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    for name in ["/longer", "/shorter", "/other"] {
        let error = read(&source, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        assert!(error.message().contains("changed"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_listed_is_an_error_on_it_and_the_rest_is_told() {
    let place = Place::drive();
    place.put("good/file", b"x", 1).await;
    place.put("bad/file", b"x", 1).await;
    place.simulator().make_unlistable("bad");
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let bad: Vec<_> = records.iter().filter(|record| record.path.starts_with("/bad")).collect();
    let [SourceRecord { path, item: SourceItem::Failed(message) }] = bad[..] else { panic!("{bad:?}") };
    assert_eq!(path, "/bad");
    assert!(message.starts_with("cannot list the folder: "), "{message}");
    assert!(records.iter().any(|record| record.path == "/good/file"));
}

#[tokio::test]
async fn entries_of_one_name_are_an_error_and_not_a_silent_choice() {
    let place = Place::drive();
    place.put("folder/name", b"x", 1).await;
    // The drive makes a second folder of one name when two are made at once.
    make_second_folder(&place, "twin").await;
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let failed: Vec<_> = records.iter().filter(|record| matches!(record.item, SourceItem::Failed(_))).collect();
    let [SourceRecord { path, item: SourceItem::Failed(message) }] = failed[..] else { panic!("{records:?}") };
    assert_eq!(path, "/twin");
    assert!(message.contains("another entry of this name"), "{message}");
    assert!(records.iter().any(|record| record.path == "/folder/name"));
}

/// Makes a folder twice, by two clients that do not know of each other.
async fn make_second_folder(place: &Place, path: &str) {
    place.simulator().change_behaviour(|behaviour| behaviour.folder_namesakes = FolderNamesakes::Raced);
    let remotes = [remote(place).await, remote(place).await];
    // Each has seen that there is no such folder before either makes it.
    place.simulator().add_fault(Fault::new(What::Delay { ms: 300 }).endpoint("folder/create").always());
    let (first, second) = tokio::join!(remotes[0].make_folder(path), remotes[1].make_folder(path));
    first.unwrap();
    second.unwrap();
    assert_eq!(place.simulator().duplicate_folders().now, 1);
    assert!(place.simulator().unused_faults().is_empty());
}

async fn remote(place: &Place) -> plakar_opendrive::rclone::Remote {
    plakar_opendrive::rclone::Remote::open(&place.settings(Role::Source, "").remote).await.unwrap()
}

#[tokio::test]
async fn names_that_look_like_dots_stay_names() {
    // rclone's look-alikes of "." and ".." (lib/encoder in rclone) must not become the real ones.
    let place = Place::drive();
    place.put("folder/\u{ff0e}\u{ff0e}", b"x", 1).await;
    place.simulator().drive().make_folder("folder/\u{ff0e}");
    let source = open(&place, "").await;
    let mut paths: Vec<String> = walked(&source).await.into_iter().map(|record| record.path).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/", "/folder", "/folder/\u{ff0e}", "/folder/\u{ff0e}\u{ff0e}"]);
    assert_eq!(read(&source, "/folder/\u{ff0e}\u{ff0e}").await.unwrap(), b"x");
}

#[tokio::test]
async fn the_drive_is_asked_as_little_as_can_be() {
    let place = Place::drive();
    let simulator = place.simulator();
    for n in 0..20 {
        place.put(&format!("a/b/f{}/file{n}", n % 4), b"0123456789", 1_700_000_000).await;
    }
    simulator.reset_calls();
    let source = open(&place, "a/b").await;
    let records = walked(&source).await;
    for record in &records {
        if matches!(record.item, SourceItem::File { .. }) {
            read(&source, &record.path).await.unwrap();
        }
    }
    let calls = simulator.calls();
    assert_eq!(calls.of("session/login"), 1, "{calls:?}");
    // The folders beside the base, where only a listing tells whether it is there twice, the base, and the four folders in it.
    assert_eq!((calls.of("folder/idbypath"), calls.of("folder/list")), (1, 1 + 1 + 4), "{calls:?}");
    assert_eq!(calls.of("download/file"), 20, "{calls:?}");
    assert_eq!(calls.total, 1 + 2 + 5 + 20, "{calls:?}");
}

/// Folders of years of files above the base cost nothing.
#[tokio::test]
async fn a_base_is_opened_in_three_calls_whatever_is_beside_it() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    for folder in ["", "a/", "a/b/"] {
        (0..10_000).for_each(|number| drop(drive.put_generated(&format!("{folder}file{number:05}"), 10, number, 1_700_000_000)));
    }
    place.put("a/b/c/file", b"0123456789", 1_700_000_000).await;
    for role in [Role::Source, Role::Destination, Role::Store] {
        place.simulator().reset_calls();
        match role {
            Role::Source => drop(open(&place, "a/b/c").await),
            Role::Destination => drop(Destination::open(place.settings(role, "a/b/c")).await.unwrap()),
            Role::Store => Store::new(place.settings(role, "a/b/c")).ping().await.unwrap(),
        }
        let calls = place.simulator().calls();
        // The listing of the base itself is the first of what follows.
        let to_open = calls.total - calls.of("session/logout") - 1;
        assert!(to_open <= 3 && calls.bytes_answers < 100_000, "{role:?}: {calls:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once() {
    let place = Place::drive();
    let mut config = place.config("");
    config.insert("password".into(), "wrong one".into());
    let settings = plakar_opendrive::connector::Settings::parse(Role::Source, &config, "h").unwrap();
    let error = Source::open(settings).await.unwrap_err().to_string();
    assert!(error.contains("refused the login of user@example.com") && !error.contains("wrong one"), "{error}");
    assert_eq!(place.simulator().calls().of("session/login"), 1, "no storm of logins");
}

#[tokio::test]
async fn calls_that_fail_for_a_while_are_tried_again() {
    let place = Place::drive();
    let simulator = place.simulator();
    for n in 0..10 {
        place.put(&format!("f/file{n}"), &noise(n, 10_000), 1).await;
    }
    let busy = |code| What::Status { code, message: "Busy".into(), retry_after: None };
    simulator.set_faults(vec![
        Fault::new(busy(503)).endpoint("session/login").times(2),
        Fault::new(busy(500)).endpoint("folder/list").times(3),
        Fault::new(busy(429)).endpoint("download/file").times(5),
        Fault::new(What::Reset).endpoint("download/file").skip(2).times(1),
    ]);
    let source = open(&place, "").await;
    walked(&source).await;
    for n in 0..10 {
        assert!(read(&source, &format!("/f/file{n}")).await.unwrap() == noise(n, 10_000), "file{n}");
    }
    assert!(simulator.unused_faults().is_empty(), "{:?}", simulator.unused_faults());
}

#[tokio::test]
async fn a_download_that_is_cut_is_taken_up_where_it_stopped() {
    let place = Place::drive();
    place.put("large", &noise(9, 3_000_000), 1).await;
    place.simulator().add_fault(Fault::new(What::CutBody { after: 1_234_567 }).endpoint("download/file"));
    let source = open(&place, "").await;
    walked(&source).await;
    assert!(read(&source, "/large").await.unwrap() == noise(9, 3_000_000));
    assert!(place.simulator().unused_faults().is_empty());
    let moved = place.simulator().calls().bytes_down;
    assert!(moved < 3_100_000, "{moved} bytes: it began anew instead of going on");
}

#[tokio::test]
async fn a_damaged_download_is_begun_once_more_while_nothing_of_it_was_given_out() {
    let place = Place::drive();
    for (path, size) in [("once", 50_000), ("twice", 50_000), ("large", 6 << 20)] {
        place.put(path, &noise(size, size as usize), 1).await;
    }
    let damage = |item: &str, times| Fault::new(What::CorruptBody).endpoint("download/file").item(item).times(times);
    place.simulator().set_faults(vec![damage("once", 1), damage("twice", 2), damage("large", 1)]);
    let source = open(&place, "").await;
    walked(&source).await;
    place.simulator().reset_calls();
    assert!(read(&source, "/once").await.unwrap() == noise(50_000, 50_000));
    assert_eq!(place.simulator().calls().of("download/file"), 2);
    for path in ["/twice", "/large"] {
        let error = read(&source, path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{path}");
        assert!(error.message().contains("changed or damaged"), "{path}: {error}");
    }
    assert!(place.simulator().unused_faults().is_empty());
}

#[tokio::test]
async fn dropping_a_walk_ends_it() {
    let place = Place::drive();
    for n in 0..50 {
        place.make_folder(&format!("f{n}/g"));
    }
    place.simulator().set_latency(Duration::from_millis(20));
    let source = open(&place, "").await;
    let (sender, mut receiver) = mpsc::channel(1);
    let listen = async {
        receiver.recv().await;
        drop(receiver);
    };
    tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(source.walk(sender), listen) }).await.expect("it ends").0.unwrap();
    drop(source);
    let calls = place.simulator().calls().total;
    assert!(calls < 50, "{calls} calls for a walk that nobody wanted");
    assert!(Rclone::get().stats().remotes < 20);
}

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
    let wanted = |path: &str| path.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 100 == 0;
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
        assert!(read(&source, path).await.unwrap() == noise(path.bytes().last().unwrap() as u64 - 48, 40 << 20), "{path}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_is_not_utf8_is_saved_under_the_name_that_rclone_gives() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(OsStr::from_bytes(b"bad\xffname")), "content").unwrap();
    let place = Place::Local(folder);
    let source = open(&place, "").await;
    let records = walked(&source).await;
    let path = format!("{}/bad\u{fffd}name", place.root());
    assert!(records.iter().any(|record| record.path == path), "{records:?}");
    assert_eq!(read(&source, &path).await.unwrap(), b"content");
}
