//! The destination: one table of behaviours over memory, a local folder and the simulated OpenDrive.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use common::place::{Place, noise};
use opendrive_sim::{Fault, Options, Simulator, What};
use plakar_opendrive::connector::destination::{Item, LeftOut, Outcome, Record, Restore, Summary};
use plakar_opendrive::connector::{Destination, Role, Source, source};
use plakar_opendrive::rclone::Rclone;
use tokio::sync::mpsc;

/// What became of the entries, by path, and how it ended.
struct Restored {
    outcomes: BTreeMap<String, Result<(), String>>,
    summary: Summary,
}

impl Restored {
    fn all_good(&self) {
        assert_eq!(self.summary.failure(), None, "{:?}", self.outcomes);
        assert!(self.outcomes.values().all(Result::is_ok), "{:?}", self.outcomes);
    }

    /// The paths that failed; each for a reason that has this in it.
    fn failed(&self, reason: &str) -> Vec<&str> {
        let failed = self.outcomes.iter().filter_map(|(path, outcome)| Some((path.as_str(), outcome.as_ref().err()?)));
        failed
            .map(|(path, told)| {
                assert!(told.contains(reason) && !told.contains('\n'), "{path}: {told}");
                path
            })
            .collect()
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn folder(path: &str) -> Record {
    Record { path: path.to_owned(), item: Item::Folder, attributes: false }
}

fn file(path: &str, size: u64, seconds: u64) -> Record {
    Record { path: path.to_owned(), item: Item::File { size: Some(size), modified: at(seconds) }, attributes: false }
}

fn other(path: &str, kind: LeftOut) -> Record {
    Record { path: path.to_owned(), item: Item::Other(kind), attributes: false }
}

async fn open(place: &Place, base: &str) -> Arc<Destination> {
    let settings = place.settings(Role::Destination, base);
    Arc::new(Destination::open(settings).await.unwrap_or_else(|error| panic!("{}: {error}", place.name())))
}

/// Restores what `feed` gives.
async fn restore(destination: &Arc<Destination>, feed: impl AsyncFnOnce(&mut Restore<String>)) -> Restored {
    let (sender, mut receiver) = mpsc::channel(4);
    let collect = async {
        let mut outcomes = BTreeMap::new();
        while let Some(Outcome { ticket, result }) = receiver.recv().await {
            assert!(outcomes.insert(ticket, result).is_none(), "two outcomes for one entry");
        }
        outcomes
    };
    let mut restore = destination.restore(sender);
    let work = async {
        feed(&mut restore).await;
        restore.finish().await
    };
    let (summary, outcomes) = tokio::join!(work, collect);
    Restored { outcomes, summary }
}

/// Gives an entry under its own path as the ticket, and the bytes of a file as Plakar does.
async fn give(restore: &mut Restore<String>, record: Record, bytes: &[u8]) {
    let (ticket, is_file) = (record.path.clone(), matches!(record.item, Item::File { .. }));
    restore.entry(record, ticket).await;
    if is_file {
        for chunk in bytes.chunks(1 << 20) {
            restore.chunk(Bytes::copy_from_slice(chunk)).await;
        }
        restore.end_of_file().await;
    }
}

/// Restores files and the folders on the way to them, in Plakar's order.
async fn restore_files(destination: &Arc<Destination>, files: &BTreeMap<String, (Vec<u8>, u64)>) -> Restored {
    let mut entries: BTreeMap<Vec<String>, Option<&(Vec<u8>, u64)>> = BTreeMap::new();
    for (path, content) in files {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        for end in 0..parts.len() {
            entries.insert(parts[..end].to_vec(), None);
        }
        // A path that ends with a slash is an empty folder.
        match parts.last().map(String::as_str) {
            Some("") => drop(entries.insert(parts[..parts.len() - 1].to_vec(), None)),
            _ => drop(entries.insert(parts, Some(content))),
        }
    }
    restore(destination, async |restore| {
        for (parts, content) in &entries {
            let path = format!("/{}", parts.join("/"));
            match content {
                Some((bytes, seconds)) => give(restore, file(&path, bytes.len() as u64, *seconds), bytes).await,
                None => give(restore, folder(&path), b"").await,
            }
        }
    })
    .await
}

/// Everything below a base, by the source: files with their bytes and times, folders with a slash.
async fn read_back(place: &Place, base: &str) -> BTreeMap<String, (Vec<u8>, u64)> {
    let source = Source::open(place.settings(Role::Source, base)).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(1024);
    let prefix = format!("{}/", source.identity().root.trim_end_matches('/'));
    let mut found = BTreeMap::new();
    let collect = async {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    };
    let (walked, records) = tokio::join!(source.walk(sender), collect);
    walked.unwrap();
    for record in records {
        let Some(path) = record.path.strip_prefix(&prefix).filter(|path| !path.is_empty()) else { continue };
        match record.item {
            source::Item::File { modified, .. } => {
                let mut reader = source.read(&record.path).await.unwrap();
                let mut bytes = Vec::new();
                while let Some(chunk) = reader.chunk().await.unwrap() {
                    bytes.extend_from_slice(&chunk);
                }
                found.insert(path.to_owned(), (bytes, modified.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()));
            }
            source::Item::Folder { .. } => drop(found.insert(format!("{path}/"), (vec![], 0))),
            source::Item::Failed(reason) => panic!("{path}: {reason}"),
        }
    }
    found
}

/// The same without the folders that have something in them.
fn without_full_folders(mut tree: BTreeMap<String, (Vec<u8>, u64)>) -> BTreeMap<String, (Vec<u8>, u64)> {
    let paths: Vec<String> = tree.keys().cloned().collect();
    tree.retain(|path, _| !path.ends_with('/') || !paths.iter().any(|other| other != path && other.starts_with(path.as_str())));
    tree
}

fn assert_same(found: &BTreeMap<String, (Vec<u8>, u64)>, expected: &BTreeMap<String, (Vec<u8>, u64)>, place: &str) {
    let names = |tree: &BTreeMap<String, (Vec<u8>, u64)>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{place}");
    for (path, (bytes, seconds)) in expected {
        assert!(found[path].0 == *bytes, "{place}: {path}: the bytes differ");
        assert_eq!(found[path].1, *seconds, "{place}: {path}: the time differs");
    }
}

fn many_kinds() -> BTreeMap<String, (Vec<u8>, u64)> {
    let files = [
        ("empty", vec![]),
        ("one", vec![7]),
        ("folder/chunk-1", noise(1, (1 << 20) - 1)),
        ("folder/chunk", noise(2, 1 << 20)),
        ("folder/chunk+1", noise(3, (1 << 20) + 1)),
        ("folder/deep/er/still/large", noise(4, 25_000_000)),
        ("odd/with space and 'quotes' and \"more\"", b"quotes".to_vec()),
        ("odd/emoji 🦀 e\u{301}", b"emoji".to_vec()),
        ("odd/-dash", b"dash".to_vec()),
        ("odd/a:b*c?d<e>f|g", b"windows".to_vec()),
        ("odd/back\\slash", b"backslash".to_vec()),
        ("odd/new\nline", b"newline".to_vec()),
        ("odd/ leading and trailing ", b"spaces".to_vec()),
        ("odd/percent%41&plus+", b"url".to_vec()),
    ];
    let mut tree: BTreeMap<String, (Vec<u8>, u64)> =
        files.into_iter().enumerate().map(|(n, (path, bytes))| (path.to_owned(), (bytes, 1_600_000_000 + n as u64))).collect();
    tree.insert(format!("odd/{}", "n".repeat(255)), (b"long".to_vec(), 1_650_000_000));
    tree
}

/// What a listing shows: rclone shows a control character as a look-alike.
fn as_shown(files: &BTreeMap<String, (Vec<u8>, u64)>) -> BTreeMap<String, (Vec<u8>, u64)> {
    files.iter().map(|(path, content)| (path.replace('\n', "␊"), content.clone())).collect()
}

#[tokio::test]
async fn what_is_restored_is_what_the_source_reads() {
    let mut expected = many_kinds();
    for place in Place::all("round-trip") {
        if !matches!(place, Place::Memory { .. }) {
            expected.insert("hollow/inside/".to_owned(), (vec![], 0));
        }
        let restored = restore_files(&open(&place, "to/here").await, &expected).await;
        restored.all_good();
        assert_same(&without_full_folders(read_back(&place, "to/here").await), &as_shown(&expected), place.name());
        if let Place::Drive(simulator) = &place {
            assert_eq!(simulator.duplicate_folders().ever, 0);
            assert_eq!(simulator.open_uploads().len(), 0);
        }
    }
    no_streams().await;
}

#[tokio::test]
async fn a_second_restore_uploads_nothing() {
    let files = many_kinds();
    for place in Place::all("twice") {
        restore_files(&open(&place, "base").await, &files).await.all_good();
        if let Place::Drive(simulator) = &place {
            simulator.reset_calls();
            restore_files(&open(&place, "base").await, &files).await.all_good();
            let calls = simulator.calls();
            assert_eq!((calls.bytes_up, calls.of("upload/create_file"), calls.of("folder/create")), (0, 0, 0), "{calls:?}");
            // Two large files are read along; the base twice (once to open), each other folder once.
            assert_eq!((calls.of("download/file"), calls.of("folder/list")), (2, 2 + 5), "{calls:?}");
        } else {
            restore_files(&open(&place, "base").await, &files).await.all_good();
        }
        assert_same(&without_full_folders(read_back(&place, "base").await), &as_shown(&files), place.name());
    }
}

#[tokio::test]
async fn what_differs_is_replaced_and_what_has_another_time_only_gets_the_time() {
    for place in Place::all("differs") {
        let mut large = noise(1, 12_000_000);
        place.put("base/small", b"old", 1_500_000_000).await;
        place.put("base/same", b"same", 1_500_000_000).await;
        place.put("base/large", &large, 1_500_000_000).await;
        place.put("base/large same", &large, 1_500_000_000).await;
        place.put("base/large longer", &large, 1_500_000_000).await;
        place.put("base/kept", b"not in the snapshot", 1_500_000_000).await;
        let same = large.clone();
        large[11_999_999] ^= 1;
        let longer = noise(1, 12_000_001);
        let mut files: BTreeMap<String, (Vec<u8>, u64)> = BTreeMap::from([
            ("small".into(), (b"new".to_vec(), 1_600_000_000)),
            ("same".into(), (b"same".to_vec(), 1_600_000_001)),
            ("large".into(), (large, 1_600_000_002)),
            ("large same".into(), (same, 1_600_000_003)),
            ("large longer".into(), (longer, 1_600_000_004)),
        ]);
        if let Place::Drive(simulator) = &place {
            simulator.reset_calls();
        }
        restore_files(&open(&place, "base").await, &files).await.all_good();
        if let Place::Drive(simulator) = &place {
            assert_eq!(simulator.calls().bytes_up, 3 + 12_000_000 + 12_000_001);
        }
        files.insert("kept".into(), (b"not in the snapshot".to_vec(), 1_500_000_000));
        assert_same(&read_back(&place, "base").await, &files, place.name());
    }
}

#[tokio::test]
async fn names_that_differ_in_case_only_are_not_merged() {
    let place = Place::drive();
    let destination = open(&place, "").await;
    let restored = restore(&destination, async |restore| {
        give(restore, folder("/"), b"").await;
        give(restore, folder("/Docs"), b"").await;
        give(restore, file("/Docs/Letter", 5, 1), b"first").await;
        give(restore, file("/Docs/letter", 6, 2), b"second").await;
        give(restore, file("/Docs/ÄRGER", 1, 2), b"1").await;
        give(restore, file("/Docs/ärger", 1, 2), b"2").await;
        give(restore, folder("/docs"), b"").await;
        give(restore, folder("/docs/sub"), b"").await;
        give(restore, file("/docs/sub/below", 5, 3), b"below").await;
        give(restore, file("/large", 2_000_000, 3), &noise(1, 2_000_000)).await;
        give(restore, file("/LARGE", 2_000_000, 3), &noise(2, 2_000_000)).await;
    })
    .await;
    assert_eq!(restored.failed("in case only"), ["/Docs/letter", "/Docs/ärger", "/LARGE", "/docs", "/docs/sub", "/docs/sub/below"]);
    let told = restored.outcomes["/Docs/letter"].as_ref().unwrap_err();
    assert!(told.contains("/Docs/letter") && told.contains("/Docs/Letter"), "{told}");
    let drive = place.simulator().drive();
    assert_eq!(drive.tree().into_keys().collect::<Vec<_>>(), ["Docs", "Docs/Letter", "Docs/ÄRGER", "large"]);
    assert_eq!(drive.read_file("Docs/Letter").unwrap(), b"first");
    assert!(drive.read_file("large").unwrap() == noise(1, 2_000_000));
    let line = restored.summary.failure().unwrap();
    assert!(line.starts_with("6 of 11 entries could not be restored: ") && line.ends_with("; and 1 more"), "{line}");

    // Where case counts there is nothing wrong with it.
    let place = Place::Local(tempfile::tempdir().unwrap());
    let files = BTreeMap::from([("A/x".into(), (vec![1], 1)), ("a/x".into(), (vec![2], 2)), ("a/X".into(), (vec![3], 3))]);
    restore_files(&open(&place, "").await, &files).await.all_good();
    assert_same(&without_full_folders(read_back(&place, "").await), &files, "local");
}

#[tokio::test]
async fn what_is_on_the_drive_already_is_not_overwritten_under_another_case_or_kind() {
    let place = Place::drive();
    place.put("base/Letter", b"old", 1).await;
    place.put("base/Folder/x", b"old", 1).await;
    place.put("base/a file", b"old", 1).await;
    place.put("base/a folder/x", b"old", 1).await;
    let before = place.simulator().drive().tree();
    let restored = restore(&open(&place, "base").await, async |restore| {
        give(restore, folder("/"), b"").await;
        give(restore, folder("/a file"), b"").await;
        give(restore, file("/a file/x", 1, 1), b"y").await;
        give(restore, file("/a folder", 1, 1), b"y").await;
        give(restore, folder("/folder"), b"").await;
        give(restore, file("/folder/y", 1, 1), b"y").await;
        give(restore, file("/letter", 3, 1), b"new").await;
    })
    .await;
    assert_eq!(restored.failed(""), ["/a file", "/a file/x", "/a folder", "/folder", "/folder/y", "/letter"]);
    let told = |path: &str| restored.outcomes[path].clone().unwrap_err();
    assert!(told("/a file").contains("a file of this name") && told("/a file/x").contains("its folder \"/a file\" is not there"));
    assert!(told("/a folder").contains("a folder of this name"));
    assert!(told("/folder").contains("\"/Folder\", which differs in case only") && told("/letter").contains("\"/Letter\""));
    assert_eq!(place.simulator().drive().tree(), before);
}

#[tokio::test]
async fn bad_paths_are_errors_and_the_rest_is_restored() {
    for place in Place::all("bad-paths") {
        let long = "é".repeat(128);
        let long_folder = format!("/{long}");
        let restored = restore(&open(&place, "base").await, async |restore| {
            give(restore, folder("/"), b"").await;
            for path in ["/../up", "/a/../../up", "no slash", "//double", "/nul\0", "/."] {
                give(restore, file(path, 1, 1), b"x").await;
            }
            give(restore, folder("/.."), b"").await;
            give(restore, file(&format!("/{long}.txt"), 1, 1), b"x").await;
            give(restore, folder(&long_folder), b"").await;
            give(restore, file(&format!("{long_folder}/in it"), 1, 1), b"x").await;
            // 86 bytes here, 258 as the drive stores it.
            give(restore, file(&format!("/{}", ":".repeat(86)), 1, 1), b"x").await;
            give(restore, Record { path: "/failed".into(), item: Item::Failed("no".into()), attributes: false }, b"").await;
            give(restore, file("/good", 1, 1), b"x").await;
        })
        .await;
        let failed = restored.failed("");
        for path in ["/../up", "/a/../../up", "no slash", "//double", "/nul\0", "/.", "/..", "/failed"] {
            assert!(failed.contains(&path), "{}: {path:?} is restored", place.name());
        }
        assert!(restored.outcomes["/good"].is_ok(), "{}", place.name());
        if let Place::Drive(simulator) = &place {
            assert_eq!(failed.len(), 8 + 4, "{failed:?}");
            assert!(restored.outcomes[&long_folder].as_ref().unwrap_err().contains("its name is too long"));
            assert_eq!(simulator.drive().tree().into_keys().collect::<Vec<_>>(), ["base", "base/good"]);
        }
    }
}

#[tokio::test]
async fn what_a_drive_has_no_notion_of_is_counted_and_named_and_no_failure() {
    let place = Place::Local(tempfile::tempdir().unwrap());
    let restored = restore(&open(&place, "").await, async |restore| {
        give(restore, folder("/"), b"").await;
        give(restore, other("/link", LeftOut::Link), b"").await;
        give(restore, other("/pipe", LeftOut::Pipe), b"").await;
        // Bytes of what is left out are not taken for anything.
        restore.chunk(Bytes::from_static(b"bytes")).await;
        restore.end_of_file().await;
        give(restore, Record { attributes: true, ..file("/file", 1, 1) }, b"x").await;
    })
    .await;
    restored.all_good();
    assert_eq!(restored.outcomes.keys().collect::<Vec<_>>(), ["/", "/file"]);
    let line = restored.summary.left_out().unwrap();
    assert!(line.ends_with("1 symbolic link (\"/link\"); 1 named pipe (\"/pipe\"); 1 entry's extended attributes (\"/file\")"), "{line}");
}

#[tokio::test]
async fn a_file_that_is_not_whole_leaves_nothing_and_replaces_nothing() {
    for place in Place::all("not-whole") {
        place.put("base/there", b"old and here", 1).await;
        place.put("base/there large", &noise(9, 3_000_000), 1).await;
        let restored = restore(&open(&place, "base").await, async |restore| {
            give(restore, folder("/"), b"").await;
            give(restore, file("/short", 10, 1), b"short").await;
            give(restore, file("/long", 10, 1), b"longer than it should be").await;
            give(restore, file("/there", 10, 1), b"short").await;
            give(restore, file("/short large", 3_000_000, 1), &noise(1, 2_999_999)).await;
            give(restore, file("/long large", 3_000_000, 1), &noise(1, 3_000_001)).await;
            // The same bytes as those that are there, but not all of them.
            give(restore, file("/there large", 3_000_000, 1), &noise(9, 2_999_999)).await;
            // The next entry comes before the end of this one.
            restore.entry(file("/interrupted", 10, 1), "/interrupted".into()).await;
            restore.chunk(Bytes::from_static(b"12345")).await;
            give(restore, file("/good", 4, 1), b"good").await;
            // And the stream ends within this one.
            restore.entry(file("/last", 3_000_000, 1), "/last".into()).await;
            restore.chunk(Bytes::from(noise(1, 1 << 20))).await;
        })
        .await;
        let expected = ["/interrupted", "/last", "/long", "/long large", "/short", "/short large", "/there", "/there large"];
        assert_eq!(restored.failed(""), expected, "{}", place.name());
        assert!(restored.outcomes["/last"].as_ref().unwrap_err().contains("the stream ended within the file"));
        no_streams().await;
        let found = read_back(&place, "base").await;
        assert_eq!(found.keys().collect::<Vec<_>>(), ["good", "there", "there large"], "{}", place.name());
        assert!(found["there"].0 == b"old and here" && found["there large"].0 == noise(9, 3_000_000), "{}", place.name());
    }
}

#[tokio::test]
async fn dropping_a_restore_leaves_nothing_half_written() {
    for place in Place::all("dropped") {
        let (sender, _receiver) = mpsc::channel(64);
        let mut restore = open(&place, "base").await.restore(sender);
        restore.entry(folder("/"), ()).await;
        for n in 0..5 {
            restore.entry(file(&format!("/small{n}"), 100_000, 1), ()).await;
            restore.chunk(Bytes::from(noise(n, 100_000))).await;
            restore.end_of_file().await;
        }
        restore.entry(file("/large", 30_000_000, 1), ()).await;
        for n in 0..12 {
            restore.chunk(Bytes::from(noise(n, 1 << 20))).await;
        }
        drop(restore);
        no_streams().await;
        // The memory backend has no base without an object in it.
        let Ok(source) = Source::open(place.settings(Role::Source, "base")).await else { continue };
        drop(source);
        for (path, (bytes, _)) in read_back(&place, "base").await {
            assert!(path.starts_with("small") && bytes.len() == 100_000, "{}: {path} has {} bytes", place.name(), bytes.len());
        }
    }
}

#[tokio::test]
async fn a_full_drive_is_said_once_and_the_rest_is_not_tried() {
    let simulator = Simulator::start(Options { quota: Some(1_000_000), ..Options::default() }).unwrap();
    let place = Place::Drive(Box::new(simulator));
    let files: BTreeMap<String, (Vec<u8>, u64)> = (0..100).map(|n| (format!("f{n:02}"), (noise(n, 100_000), 1))).collect();
    let restored = restore_files(&open(&place, "").await, &files).await;
    let failed = restored.failed("the destination is full").len();
    assert!((90..100).contains(&failed), "{failed}");
    let calls = place.simulator().calls();
    assert!(calls.of("upload/open_file_upload") < 40, "{calls:?}");
    no_streams().await;
    let tree = place.simulator().drive().tree();
    assert_eq!(tree.len(), 100 - failed);
    assert!(tree.values().all(|entry| entry.size == 100_000), "{tree:?}");
}

#[tokio::test]
async fn faults_on_the_way_are_survived_or_told() {
    let place = Place::drive();
    let simulator = place.simulator();
    let destination = open(&place, "").await;
    let status = |code| What::Status { code, message: "Busy".into(), retry_after: None };
    for fault in [
        Fault::new(status(503)).endpoint("upload/upload_file_chunk").times(3),
        Fault::new(status(500)).endpoint("upload/create_file").times(2),
        Fault::new(What::Reset).endpoint("upload/close_file_upload"),
        Fault::new(What::LoseAnswer).endpoint("upload/create_file").skip(5),
        // Made twice, these would be two folders of one name.
        Fault::new(What::LoseAnswer).endpoint("folder/create").times(3),
        Fault::new(status(429)).endpoint("folder/create").skip(4).times(2),
        Fault::new(What::CorruptUpload).skip(8),
    ] {
        simulator.add_fault(fault);
    }
    let files: BTreeMap<String, (Vec<u8>, u64)> =
        (0..60).map(|n| (format!("d{}/f{n}", n % 6), (noise(n, 20_000), 1_600_000_000 + n))).collect();
    restore_files(&destination, &files).await.all_good();
    assert_eq!(simulator.unused_faults(), []);
    assert_eq!(simulator.duplicate_folders().ever, 0);
    assert_same(&without_full_folders(read_back(&place, "").await), &files, "opendrive");

    // A large file comes only once: what went wrong with it is told, and nothing of it stays.
    simulator.set_faults(vec![
        Fault::new(What::CorruptUpload).item("corrupt"),
        Fault::new(What::LieSize).endpoint("file/info").item("lie"),
        Fault::new(What::Status { code: 403, message: "No".into(), retry_after: None }).endpoint("folder/create").item("denied"),
    ]);
    let restored = restore(&destination, async |restore| {
        give(restore, file("/corrupt", 2_000_000, 1), &noise(1, 2_000_000)).await;
        give(restore, folder("/denied"), b"").await;
        give(restore, file("/denied/below", 1, 1), b"x").await;
        give(restore, file("/lie", 2_000_000, 1), &noise(1, 2_000_000)).await;
    })
    .await;
    assert_eq!(restored.failed(""), ["/corrupt", "/denied", "/denied/below", "/lie"]);
    assert_eq!(simulator.unused_faults(), []);
    let tree = simulator.drive().tree();
    assert!(["corrupt", "lie", "denied"].iter().all(|name| !tree.contains_key(*name)), "{:?}", tree.keys());
}

#[tokio::test]
async fn ping_says_whether_the_base_can_be_made_and_makes_nothing() {
    for place in Place::all("ping") {
        place.put("there/file", b"x", 1).await;
        for base in ["", "there", "there/not", "not/there/either"] {
            open(&place, base).await.ping().await.unwrap_or_else(|error| panic!("{} {base}: {error}", place.name()));
        }
        if let Place::Drive(simulator) = &place {
            assert_eq!(simulator.drive().tree().len(), 2);
            for base in ["there/file/below", "there/FILE/be/low"] {
                let destination = open(&place, base).await;
                let error = destination.ping().await.unwrap_err().to_string();
                assert!(error.contains("there is a file at \"there/file\"") && !error.contains('\n'), "{error}");
                let restored = restore(&destination, async |restore| give(restore, folder("/"), b"").await).await;
                assert_eq!(restored.failed("there is a file at"), ["/"]);
            }
            assert_eq!(simulator.drive().tree().len(), 2);
            let error = Destination::open(place.settings(Role::Destination, "there/file")).await.unwrap_err().to_string();
            assert!(error.contains("is a file: give the folder"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_order_of_the_stream_does_not_matter_for_the_folders() {
    let place = Place::drive();
    let restored = restore(&open(&place, "base/below").await, async |restore| {
        // Files before their folders, breadth first, folders again.
        give(restore, file("/a/b/x", 1, 1), b"x").await;
        give(restore, file("/c/x", 1, 1), b"x").await;
        give(restore, folder("/a"), b"").await;
        give(restore, folder("/a/b"), b"").await;
        give(restore, file("/a/b/y", 1, 1), b"x").await;
        give(restore, folder("/c/d"), b"").await;
        give(restore, folder("/"), b"").await;
        give(restore, file("/a/b/z", 1, 1), b"x").await;
    })
    .await;
    restored.all_good();
    assert_eq!(place.simulator().duplicate_folders().ever, 0);
    let paths: Vec<String> = place.simulator().drive().tree().into_keys().collect();
    let expected = ["", "/a", "/a/b", "/a/b/x", "/a/b/y", "/a/b/z", "/c", "/c/d", "/c/x"].map(|path| format!("base/below{path}"));
    assert_eq!(paths[1..], expected);
}

#[tokio::test]
async fn a_size_that_is_not_known_is_found_out_where_the_backend_can() {
    for place in Place::all("no-size") {
        let unknown = |path: &str| Record { path: path.into(), item: Item::File { size: None, modified: at(1) }, attributes: false };
        let restored = restore(&open(&place, "base").await, async |restore| {
            give(restore, unknown("/small"), b"small").await;
            give(restore, unknown("/large"), &noise(1, 3_000_000)).await;
        })
        .await;
        let found = read_back(&place, "base").await;
        assert_eq!(found["small"], (b"small".to_vec(), 1));
        if matches!(place, Place::Drive(_)) {
            assert_eq!(restored.failed("needs to know the size"), ["/large"]);
            assert_eq!(found.len(), 1);
        } else {
            restored.all_good();
            assert!(found["large"].0 == noise(1, 3_000_000));
        }
    }
}

/// Waits until every upload of this process has ended and cleaned up. Other tests of this file run
/// beside, but each ends its own.
async fn no_streams() {
    for _ in 0..3000 {
        if Rclone::get().stats().streams == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("uploads do not end: {:?}", Rclone::get().stats());
}
