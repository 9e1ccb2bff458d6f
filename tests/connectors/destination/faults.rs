//! The destination when something is wrong: colliding and bad names, cut streams, faults, a full
//! drive.

use std::collections::BTreeMap;

use bytes::Bytes;
use opendrive_sim::{Fault, Options, Simulator, What};
use plakar_opendrive::connector::destination::{RestoreItem, RestoreRecord};
use plakar_opendrive::connector::{Role, Source};
use support::alone::ran_alone;
use support::noise;
use support_plugin::place::Place;
use support_plugin::restoring::*;
use tokio::sync::mpsc;

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
    assert_eq!(
        restored.failed("in case only"),
        ["/Docs/letter", "/Docs/ärger", "/LARGE", "/docs", "/docs/sub", "/docs/sub/below"]
    );
    let told = restored.outcomes["/Docs/letter"].as_ref().unwrap_err();
    assert!(told.contains("/Docs/letter") && told.contains("/Docs/Letter"), "{told}");
    let drive = place.simulator().drive();
    assert_eq!(
        drive.tree().into_keys().collect::<Vec<_>>(),
        ["Docs", "Docs/Letter", "Docs/ÄRGER", "large"]
    );
    assert_eq!(drive.read_file("Docs/Letter").unwrap(), b"first");
    assert!(drive.read_file("large").unwrap() == noise(1, 2_000_000));
    let line = restored.summary.failure().unwrap();
    assert!(
        line.starts_with("6 of 11 entries could not be restored: ")
            && line.ends_with("; and 1 more"),
        "{line}"
    );

    // Where case counts there is nothing wrong with it.
    let place = Place::Local(tempfile::tempdir().unwrap());
    let files = BTreeMap::from([
        ("A/x".into(), (vec![1], 1)),
        ("a/x".into(), (vec![2], 2)),
        ("a/X".into(), (vec![3], 3)),
    ]);
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
    assert_eq!(
        restored.failed(""),
        ["/a file", "/a file/x", "/a folder", "/folder", "/folder/y", "/letter"]
    );
    let told = |path: &str| restored.outcomes[path].clone().unwrap_err();
    assert!(
        told("/a file").contains("a file of this name")
            && told("/a file/x").contains("its folder \"/a file\" is not there")
    );
    assert!(told("/a folder").contains("a folder of this name"));
    assert!(
        told("/folder").contains("\"/Folder\", which differs in case only")
            && told("/letter").contains("\"/Letter\"")
    );
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
            give(
                restore,
                RestoreRecord {
                    path: "/failed".into(),
                    item: RestoreItem::Failed("no".into()),
                    attributes: false,
                },
                b"",
            )
            .await;
            give(restore, file("/good", 1, 1), b"x").await;
        })
        .await;
        let failed = restored.failed("");
        for path in
            ["/../up", "/a/../../up", "no slash", "//double", "/nul\0", "/.", "/..", "/failed"]
        {
            assert!(failed.contains(&path), "{}: {path:?} is restored", place.name());
        }
        assert!(restored.outcomes["/good"].is_ok(), "{}", place.name());
        if let Place::Drive(simulator) = &place {
            assert_eq!(failed.len(), 8 + 4, "{failed:?}");
            assert!(
                restored.outcomes[&long_folder]
                    .as_ref()
                    .unwrap_err()
                    .contains("its name is too long")
            );
            assert_eq!(
                simulator.drive().tree().into_keys().collect::<Vec<_>>(),
                ["base", "base/good"]
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_is_not_whole_leaves_nothing_and_replaces_nothing() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
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
        let expected = [
            "/interrupted",
            "/last",
            "/long",
            "/long large",
            "/short",
            "/short large",
            "/there",
            "/there large",
        ];
        assert_eq!(restored.failed(""), expected, "{}", place.name());
        assert!(
            restored.outcomes["/last"]
                .as_ref()
                .unwrap_err()
                .contains("the stream ended within the file")
        );
        no_streams().await;
        let found = read_back(&place, "base").await;
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["good", "there", "there large"],
            "{}",
            place.name()
        );
        assert!(
            found["there"].0 == b"old and here" && found["there large"].0 == noise(9, 3_000_000),
            "{}",
            place.name()
        );
    }
}

#[tokio::test]
async fn an_empty_file_stays_when_its_replacement_fails() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let place = Place::drive();
    place.put("empty", b"", 1).await;
    let before = place.simulator().drive().tree();
    let refusal = What::Status { code: 403, message: "No".into(), retry_after: None };
    place.simulator().add_fault(Fault::new(refusal).endpoint("upload/upload_file_chunk").always());
    let files = ["empty", "new"].map(|name| (name.to_owned(), (noise(1, 1000), 1))).into();
    let restored = restore_files(&open(&place, "").await, &files).await;
    assert_eq!(restored.failed("No"), ["/empty", "/new"]);
    no_streams().await;
    assert_eq!(place.simulator().drive().tree(), before);
}

#[tokio::test]
async fn dropping_a_restore_leaves_nothing_half_written() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
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
            assert!(
                path.starts_with("small") && bytes.len() == 100_000,
                "{}: {path} has {} bytes",
                place.name(),
                bytes.len()
            );
        }
    }
}

#[tokio::test]
async fn a_full_drive_is_said_once_and_the_rest_is_not_tried() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let simulator =
        Simulator::start(Options { quota: Some(1_000_000), ..Options::default() }).unwrap();
    let place = Place::Drive(Box::new(simulator));
    let files: BTreeMap<String, (Vec<u8>, u64)> =
        (0..100).map(|n| (format!("f{n:02}"), (noise(n, 100_000), 1))).collect();
    let restored = restore_files(&open(&place, "").await, &files).await;
    let failed = restored.failed("the destination is full").len();
    assert!((90..100).contains(&failed), "{failed}");
    let calls = place.simulator().calls();
    assert!(calls.of("upload/create_file") < 40, "{calls:?}");
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
        Fault::new(What::ExpireSessions).endpoint("upload/upload_file_chunk").skip(20),
        Fault::new(What::ExpireSessions).endpoint("folder/create").skip(3),
    ] {
        simulator.add_fault(fault);
    }
    let files: BTreeMap<String, (Vec<u8>, u64)> = (0..60)
        .map(|n| (format!("d{}/f{n}", n % 6), (noise(n, 20_000), 1_600_000_000 + n)))
        .collect();
    restore_files(&destination, &files).await.all_good();
    assert_eq!(simulator.unused_faults(), []);
    assert_eq!(simulator.duplicate_folders().ever, 0);
    assert_same(&without_full_folders(read_back(&place, "").await), &files, "opendrive");

    // The end of an upload is told by the file itself when the answer is lost, of a large file too,
    // which comes only once.
    let lost = |name| Fault::new(What::LoseAnswer).endpoint("upload/close_file_upload").item(name);
    simulator.set_faults(vec![lost("small"), lost("large")]);
    let ended = BTreeMap::from([
        ("small".to_owned(), (noise(1, 5), 2)),
        ("large".to_owned(), (noise(2, 2_000_000), 2)),
    ]);
    restore_files(&destination, &ended).await.all_good();
    assert_eq!(simulator.unused_faults(), []);
    for (path, (bytes, seconds)) in &ended {
        assert!(simulator.drive().read_file(path).unwrap() == *bytes, "{path}");
        assert_eq!(simulator.drive().tree()[path].mtime, *seconds as i64, "{path}");
    }

    // Neither is a file lost whose creation is not known of: its answer is lost, and its name not
    // found yet.
    let created = |name, what| Fault::new(what).endpoint("upload/create_file").item(name);
    simulator.set_faults(
        ["new", "new and large"]
            .iter()
            .flat_map(|name| {
                [created(name, What::LagNames { seconds: 600.0 }), created(name, What::LoseAnswer)]
            })
            .collect(),
    );
    let new = BTreeMap::from([
        ("new".to_owned(), (noise(3, 5), 2)),
        ("new and large".to_owned(), (noise(4, 2_000_000), 2)),
    ]);
    restore_files(&destination, &new).await.all_good();
    assert_eq!(simulator.unused_faults(), []);
    assert!(
        new.iter().all(|(path, (bytes, _))| simulator.drive().read_file(path).unwrap() == *bytes)
    );

    // A large file comes only once: what went wrong with it is told, and nothing of it stays.
    simulator.set_faults(vec![
        Fault::new(What::CorruptUpload).item("corrupt"),
        Fault::new(What::LieSize).endpoint("upload/close_file_upload").item("lie"),
        Fault::new(What::LieSize).endpoint("file/info").item("lie"),
        Fault::new(What::Status { code: 403, message: "No".into(), retry_after: None })
            .endpoint("folder/create")
            .item("denied"),
    ]);
    let restored = restore(&destination, async |restore| {
        give(restore, file("/corrupt", 2_000_000, 1), &noise(1, 2_000_000)).await;
        give(restore, folder("/denied"), b"").await;
        give(restore, file("/denied/below", 1, 1), b"x").await;
        give(restore, file("/lie", 2_000_000, 1), &noise(1, 2_000_000)).await;
    })
    .await;
    assert_eq!(restored.failed(""), ["/corrupt", "/denied", "/denied/below", "/lie"]);
    let told = restored.outcomes["/corrupt"].as_ref().unwrap_err();
    assert!(told.contains("md5") && told.ends_with("restore it again"), "{told}");
    assert_eq!(simulator.unused_faults(), []);
    let tree = simulator.drive().tree();
    assert!(
        ["corrupt", "lie", "denied"].iter().all(|name| !tree.contains_key(*name)),
        "{:?}",
        tree.keys()
    );
}
