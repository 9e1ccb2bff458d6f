//! The destination: one table of behaviours over memory, a local folder and the simulated
//! OpenDrive.

mod faults;
mod giving_up;
mod meanwhile;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use plakar_opendrive::connector::destination::{LeftOut, RestoreItem, RestoreRecord};
use plakar_opendrive::connector::{Destination, Role};
use plakar_opendrive::rclone::Remote;
use support::alone::ran_alone;
use support::noise;
use support_plugin::place::{Place, kinds_of_files};
use support_plugin::restoring::*;

fn many_kinds() -> BTreeMap<String, (Vec<u8>, u64)> {
    let files = kinds_of_files(25_000_000);
    let mut tree: BTreeMap<String, (Vec<u8>, u64)> = files
        .into_iter()
        .enumerate()
        .map(|(n, (path, bytes))| (path.to_owned(), (bytes, 1_600_000_000 + n as u64)))
        .collect();
    tree.insert(format!("odd/{}", "n".repeat(255)), (b"long".to_vec(), 1_650_000_000));
    tree
}

/// What a listing shows: rclone shows a control character as a look-alike.
fn as_shown(files: &BTreeMap<String, (Vec<u8>, u64)>) -> BTreeMap<String, (Vec<u8>, u64)> {
    files.iter().map(|(path, content)| (path.replace('\n', "␊"), content.clone())).collect()
}

#[tokio::test]
async fn what_is_restored_is_what_the_source_reads() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let mut expected = many_kinds();
    for place in Place::all("round-trip") {
        if !matches!(place, Place::Memory { .. }) {
            expected.insert("hollow/inside/".to_owned(), (vec![], 0));
        }
        let restored = restore_files(&open(&place, "to/here").await, &expected).await;
        restored.all_good();
        assert_same(
            &without_full_folders(read_back(&place, "to/here").await),
            &as_shown(&expected),
            place.name(),
        );
        if let Place::Drive(simulator) = &place {
            assert_eq!(simulator.duplicate_folders().ever, 0);
            assert_eq!(simulator.open_uploads().len(), 0);
        }
    }
    no_streams().await;
}

#[tokio::test]
async fn what_an_upload_of_a_file_has_left_is_removed_a_day_later() {
    const OLD: u64 = 1_700_000_000;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let files = BTreeMap::from([
        ("new".to_owned(), (b"new".to_vec(), OLD)),
        ("there".to_owned(), (b"there".to_vec(), OLD)),
    ]);
    for place in Place::all("left behind") {
        place.put("base/there", b"there", OLD).await;
        for (path, seconds) in [
            ("base/new.plakar-opendrive-bababab1.partial", OLD),
            ("base/there.plakar-opendrive-bababab1.partial", OLD),
            ("base/new.plakar-opendrive-zuzuzuz9.partial", now),
            ("base/other.plakar-opendrive-bababab1.partial", OLD),
            ("base/new.1a2b3c4d.partial", OLD),
            ("base/new.plakar-opendrive-notes.partial", OLD),
        ] {
            place.put(path, b"x", seconds).await;
        }
        restore_files(&open(&place, "base").await, &files).await.all_good();
        let remote = Remote::open(&place.settings(Role::Source, "base").remote).await.unwrap();
        let names: Vec<String> =
            remote.list("").await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(
            names,
            [
                "new",
                "new.1a2b3c4d.partial",
                "new.plakar-opendrive-notes.partial",
                "new.plakar-opendrive-zuzuzuz9.partial",
                "other.plakar-opendrive-bababab1.partial",
                "there",
            ],
            "{}",
            place.name()
        );
    }
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
            assert_eq!(
                (calls.bytes_up, calls.of("upload/create_file"), calls.of("folder/create")),
                (0, 0, 0),
                "{calls:?}"
            );
            // The two large files are read along, in parts, each byte once; each folder is listed
            // once, and the one above, in which the base might be there twice.
            let large: Vec<u64> = files
                .values()
                .map(|(bytes, _)| bytes.len() as u64)
                .filter(|size| *size > 1 << 20)
                .collect();
            assert_eq!(
                (large.len(), calls.bytes_down, calls.of("folder/list")),
                (2, large.iter().sum(), 1 + 1 + 5),
                "{calls:?}"
            );
            assert_eq!((calls.refused, calls.refused_downloads), (0, 0), "{calls:?}");
        } else {
            restore_files(&open(&place, "base").await, &files).await.all_good();
        }
        assert_same(
            &without_full_folders(read_back(&place, "base").await),
            &as_shown(&files),
            place.name(),
        );
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
async fn what_a_drive_has_no_notion_of_is_counted_and_named_and_no_failure() {
    let place = Place::Local(tempfile::tempdir().unwrap());
    let restored = restore(&open(&place, "").await, async |restore| {
        give(restore, folder("/"), b"").await;
        give(restore, other("/link", LeftOut::Link), b"").await;
        give(restore, other("/pipe", LeftOut::Pipe), b"").await;
        // Bytes of what is left out are not taken for anything.
        restore.chunk(Bytes::from_static(b"bytes")).await;
        restore.end_of_file().await;
        give(restore, RestoreRecord { attributes: true, ..file("/file", 1, 1) }, b"x").await;
    })
    .await;
    restored.all_good();
    assert_eq!(restored.outcomes.keys().collect::<Vec<_>>(), ["/", "/file"]);
    let line = restored.summary.left_out().unwrap();
    assert!(line.ends_with("1 symbolic link (\"/link\"); 1 named pipe (\"/pipe\"); 1 entry's extended attributes (\"/file\")"), "{line}");
}

#[tokio::test]
async fn ping_says_whether_the_base_can_be_made_and_makes_nothing() {
    for place in Place::all("ping") {
        place.put("there/file", b"x", 1).await;
        for base in ["", "there", "there/not", "not/there/either"] {
            open(&place, base)
                .await
                .ping()
                .await
                .unwrap_or_else(|error| panic!("{} {base}: {error}", place.name()));
        }
        if let Place::Drive(simulator) = &place {
            assert_eq!(simulator.drive().tree().len(), 2);
            for base in ["there/file/below", "there/FILE/be/low"] {
                let destination = open(&place, base).await;
                let error = destination.ping().await.unwrap_err().to_string();
                assert!(
                    error.contains("there is a file at \"there/file\"") && !error.contains('\n'),
                    "{error}"
                );
                let restored =
                    restore(&destination, async |restore| give(restore, folder("/"), b"").await)
                        .await;
                assert_eq!(restored.failed("there is a file at"), ["/"]);
            }
            assert_eq!(simulator.drive().tree().len(), 2);
            let error = Destination::open(place.settings(Role::Destination, "there/file"))
                .await
                .unwrap_err()
                .to_string();
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
    let expected = ["", "/a", "/a/b", "/a/b/x", "/a/b/y", "/a/b/z", "/c", "/c/d", "/c/x"]
        .map(|path| format!("base/below{path}"));
    assert_eq!(paths[1..], expected);
}

#[tokio::test]
async fn a_size_that_is_not_known_is_found_out_where_the_backend_can() {
    for place in Place::all("no-size") {
        let unknown = |path: &str| RestoreRecord {
            path: path.into(),
            item: RestoreItem::File { size: None, modified: at(1) },
            attributes: false,
        };
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

#[tokio::test]
async fn an_empty_folder_is_there_or_said_to_be_missing() {
    for place in Place::all("hollow") {
        let destination = open(&place, "base").await;
        let restored = restore(&destination, async |restore| {
            for path in ["/", "/full", "/hollow", "/hollow/inside"] {
                give(restore, folder(path), b"").await;
            }
            give(restore, file("/full/file", 3, 1_600_000_000), b"abc").await;
        })
        .await;
        restored.all_good();
        let line = "not restored, because the destination has no notion of them: 1 empty folder (\"/hollow/inside\")";
        let lacks = matches!(place, Place::Memory { .. });
        assert_eq!(
            restored.summary.left_out().as_deref(),
            lacks.then_some(line),
            "{}",
            place.name()
        );
    }
}
