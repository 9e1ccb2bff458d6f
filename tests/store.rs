//! The store over memory, a local folder and the simulated OpenDrive: one suite for all three.

mod common;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use common::place::{Place, noise};
use common::stores::{NONE, get, listed, mac, made, put, store};
use opendrive_sim::{Fault, What};
use plakar_opendrive::connector::Role;
use plakar_opendrive::connector::store::{Kind, Mac};
use plakar_opendrive::rclone::ErrorKind;

/// OpenDrive's uploads go in chunks of this many bytes.
const CHUNK: usize = 10 << 20;

fn hex(mac: &Mac) -> String {
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_is_put_is_listed_read_and_deleted() {
    for place in Place::all("store-suite") {
        let first = made(&place).await;
        for kind in Kind::ALL {
            assert_eq!(listed(&first, kind).await, NONE, "{}", place.name());
        }
        for (number, size) in [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20].into_iter().enumerate() {
            for kind in if size < 1 << 20 { &Kind::ALL[..] } else { &[Kind::Packfile, Kind::State] } {
                let (mac, bytes) = (mac(number as u8), noise(number as u64, size));
                assert_eq!(put(&first, *kind, mac, &bytes).await.unwrap(), size as u64);
                // A second connection knows nothing of the first.
                let second = store(&place);
                assert_eq!(second.open().await.unwrap(), "description");
                let whole = get(&second, *kind, &mac, None).await.unwrap();
                assert!(whole == bytes, "{} {kind:?} {size}", place.name());
                assert_eq!(listed(&second, *kind).await.len(), number + 1);
                for (offset, length) in [(0, 1), (0, size), (size - 1, 1), (size / 3, size / 3), (size, 0), (0, 0)] {
                    for store in [&first, &second] {
                        let part = get(store, *kind, &mac, Some((offset as u64, length as u64))).await.unwrap();
                        assert!(part == bytes[offset..offset + length], "{} {kind:?} {size} {offset} {length}", place.name());
                    }
                }
                for (offset, length) in [(0, size as u64 + 1), (size as u64, 1), (u64::MAX, 1), (1, u64::MAX)] {
                    let error = get(&second, *kind, &mac, Some((offset, length))).await.unwrap_err();
                    assert!(error.to_string().contains(&format!("only {size} bytes")), "{error}");
                }
            }
        }
        let sizes: u64 = [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20].iter().map(|size| *size as u64).sum();
        assert_eq!(store(&place).size().await.unwrap(), sizes * 2 + 3);

        for kind in Kind::ALL {
            first.delete(kind, &mac(0)).await.unwrap();
            for store in [&first, &store(&place)] {
                let error = get(store, kind, &mac(0), Some((0, 1))).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound, "{} {kind:?}: {error}", place.name());
                assert!(error.to_string().contains(&hex(&mac(0))), "{error}");
                // What is gone already is deleted.
                store.delete(kind, &mac(0)).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_store_is_made_once_and_only_where_there_is_none() {
    for place in Place::all("store-make") {
        let error = store(&place).open().await.unwrap_err().to_string();
        assert!(error.contains("there is no store") && error.contains("/stores/one"), "{error}");
        store(&place).ping().await.unwrap();
        made(&place).await;
        let error = store(&place).create(Bytes::from_static(b"other")).await.unwrap_err().to_string();
        assert!(error.contains("there is a store already") && !error.contains('\n'), "{error}");
        assert_eq!(store(&place).open().await.unwrap(), "description");
    }
}

#[tokio::test]
async fn a_base_that_is_a_file_and_a_store_that_vanished_are_told() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        place.put("stores/one", b"a file", 1_700_000_000).await;
        for error in [store(&place).open().await.unwrap_err(), store(&place).create(Bytes::new()).await.unwrap_err()] {
            assert!(error.to_string().contains("is a file: give the folder that it is in"), "{error}");
        }
    }
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let open = made(&place).await;
        put(&open, Kind::Packfile, mac(1), b"gone soon").await.unwrap();
        match &place {
            Place::Local(folder) => std::fs::remove_dir_all(folder.path().join("stores")).unwrap(),
            _ => assert!(place.simulator().drive().remove("stores")),
        }
        let error = open.list(Kind::State).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}: {error}", place.name());
        assert!(get(&open, Kind::Packfile, &mac(1), None).await.is_err());
        assert!(open.size().await.is_err());
    }
}

#[tokio::test]
async fn what_is_no_resource_is_passed_over() {
    for place in Place::all("store-foreign") {
        let name = hex(&mac(7));
        made(&place).await;
        for (path, bytes) in [
            ("README".to_owned(), "x"),
            (format!("packfiles/{name}.1a2b3c4d.partial"), "x"),
            (format!("states/{name}.0011223344556677.incomplete"), "x"),
            ("states/.DS_Store".to_owned(), "x"),
            // Of a `create` that was killed, and something of the user's.
            ("CONFIG.0011223344556677.incomplete".to_owned(), "x"),
            ("CONFIG.1a2b3c4d.partial".to_owned(), ""),
            ("CONFIG.old.partial".to_owned(), "x"),
            (format!("packfiles/{}", hex(&mac(8))), ""),
            (format!("states/{name}"), ""),
            (format!("locks/{name}"), ""),
            (format!("locks/{name}x"), "x"),
            (format!("packfiles/folder/{name}"), "x"),
            (format!("packfiles/{name}"), "a packfile"),
        ] {
            place.put(&format!("stores/one/{path}"), bytes.as_bytes(), 1_700_000_000).await;
        }
        // Another machine may be at these at this moment.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let young = [format!("states/{}.0011223344556677.incomplete", hex(&mac(6))), "CONFIG.7766554433221100.incomplete".to_owned()];
        for path in &young {
            place.put(&format!("stores/one/{path}"), b"x", now - 23 * 3600).await;
        }
        let store = store(&place);
        store.open().await.unwrap();
        assert_eq!(listed(&store, Kind::Packfile).await, [mac(7)], "{}", place.name());
        for (kind, number) in [(Kind::State, 7), (Kind::Lock, 7), (Kind::Packfile, 8)] {
            if kind != Kind::Packfile {
                assert_eq!(listed(&store, kind).await, NONE, "{}", place.name());
            }
            assert_eq!(get(&store, kind, &mac(number), None).await.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(store.size().await.unwrap(), 10);
        // Only a connection that writes removes what was left behind, and nothing else.
        store.tidy().await;
        assert_eq!(left_behind(&place).await, 9, "{}", place.name());
        put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
        store.tidy().await;
        assert_eq!(left_behind(&place).await, young.len(), "{}", place.name());
        assert_eq!(listed(&store, Kind::State).await, NONE);
        assert_eq!(listed(&store, Kind::Packfile).await, [mac(7)]);
        store.finish().await;
    }
}

/// Another machine's upload of an hour ago stays, and one of the day before goes, however wrong this machine's clock is.
#[tokio::test]
async fn what_is_abandoned_is_judged_by_the_drives_clock() {
    for days in [-2, 2] {
        let ahead = days * 24 * 3600;
        let place = Place::drive();
        place.simulator().change_behaviour(|behaviour| behaviour.clock_ahead = ahead);
        made(&place).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + ahead;
        let upload = |number, hours: i64| (format!("states/{}.0011223344556677.incomplete", hex(&mac(number))), now - hours * 3600);
        for (path, begun) in [upload(6, 1), upload(7, 25)] {
            place.put(&format!("stores/one/{path}"), b"x", begun as u64).await;
        }
        let store = store(&place);
        store.open().await.unwrap();
        assert_eq!(listed(&store, Kind::State).await, NONE);
        put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
        store.tidy().await;
        store.finish().await;
        let left: Vec<String> = place.simulator().drive().tree().into_keys().filter(|path| path.ends_with(".incomplete")).collect();
        assert_eq!(left, [format!("stores/one/{}", upload(6, 1).0)], "{days} days");
    }
}

/// How many of the unfinished uploads of the test above are there.
async fn left_behind(place: &Place) -> usize {
    let settings = place.settings(Role::Store, "stores/one");
    let remote = plakar_opendrive::rclone::Remote::open(&settings.remote).await.unwrap();
    let mut count = 0;
    for folder in ["", "packfiles", "states", "locks"] {
        let entries = remote.list(folder).await.unwrap_or_default();
        let unfinished = |name: &str| (name.ends_with(".incomplete") || name.ends_with(".partial")) && !name.contains(".old.");
        count += entries.iter().filter(|entry| unfinished(&entry.name) || (entry.size == Some(0) && entry.name.len() == 64)).count();
    }
    count
}

#[tokio::test]
async fn stores_of_plakars_own_integration_open_here_and_the_other_way_round() {
    for place in Place::all("store-layout") {
        let (flat, old) = (hex(&mac(1)), hex(&mac(2)));
        // As it makes them: flat today, by the first two digits in its older generation.
        place.put("stores/one/CONFIG", b"description", 1_700_000_000).await;
        for folder in ["packfiles", "states", "locks"] {
            place.put(&format!("stores/one/{folder}/{flat}"), format!("flat {folder}").as_bytes(), 1_700_000_000).await;
            place.put(&format!("stores/one/{folder}/{}/{old}", &old[..2]), format!("old {folder}").as_bytes(), 1_700_000_000).await;
        }
        let store = store(&place);
        assert_eq!(store.open().await.unwrap(), "description");
        for (kind, folder) in [(Kind::Packfile, "packfiles"), (Kind::State, "states"), (Kind::Lock, "locks")] {
            assert_eq!(listed(&store, kind).await, [mac(1), mac(2)]);
            assert_eq!(get(&store, kind, &mac(1), None).await.unwrap(), format!("flat {folder}").as_bytes());
            assert_eq!(get(&store, kind, &mac(2), Some((0, 3))).await.unwrap(), b"old");
            // And ours are where it looks for them: the kind's folder, 64 hex digits, nothing else.
            put(&store, kind, mac(3), b"ours").await.unwrap();
            let remote = plakar_opendrive::rclone::Remote::open(&place.settings(Role::Store, "stores/one").remote).await.unwrap();
            let mut names: Vec<String> = remote.list(folder).await.unwrap().into_iter().map(|entry| entry.name).collect();
            names.sort();
            let mut expected = vec![flat.clone(), old[..2].to_owned(), hex(&mac(3))];
            expected.sort();
            assert_eq!(names, expected, "{}", place.name());
            store.delete(kind, &mac(2)).await.unwrap();
            assert_eq!(listed(&store, kind).await, [mac(1), mac(3)]);
        }
    }
}

#[tokio::test]
async fn puts_cost_the_calls_that_they_must() {
    let place = Place::drive();
    let store = made(&place).await;
    let simulator = place.simulator();
    let calls = |simulator: &opendrive_sim::Simulator| {
        let total = simulator.calls().total;
        simulator.reset_calls();
        total
    };
    // One folder is looked up once in a process.
    put(&store, Kind::Packfile, mac(0), b"first").await.unwrap();
    put(&store, Kind::Lock, mac(0), b"first").await.unwrap();
    put(&store, Kind::State, mac(0), b"first").await.unwrap();
    calls(simulator);
    // With other uploads of this process beside it, which share the memory, its chunks are smaller.
    put(&store, Kind::Packfile, mac(1), &noise(1, CHUNK)).await.unwrap();
    assert!((3..=12).contains(&calls(simulator)));
    put(&store, Kind::Packfile, mac(2), &noise(2, 1 << 20)).await.unwrap();
    assert_eq!(calls(simulator), 3);
    put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
    assert_eq!(calls(simulator), 3);
    put(&store, Kind::State, mac(1), b"state").await.unwrap();
    assert_eq!(calls(simulator), 6);
    // What was put is read without a look-up.
    get(&store, Kind::Packfile, &mac(1), Some((5, 10))).await.unwrap();
    get(&store, Kind::State, &mac(1), None).await.unwrap();
    assert_eq!(calls(simulator), 2);
    let again = self::store(&place);
    again.open().await.unwrap();
    calls(simulator);
    get(&again, Kind::Packfile, &mac(1), Some((0, 1))).await.unwrap();
    assert_eq!(calls(simulator), 2);
    again.delete(Kind::Packfile, &mac(1)).await.unwrap();
    assert_eq!(calls(simulator), 1);
}

#[tokio::test]
async fn an_upload_that_is_under_way_is_not_seen() {
    for kind in [Kind::Packfile, Kind::State, Kind::Lock] {
        let place = Place::drive();
        let store = made(&place).await;
        place.simulator().add_fault(Fault::new(What::Delay { ms: 1_500 }).endpoint("upload/upload_file_chunk"));
        let upload = tokio::spawn({
            let store = store.clone();
            async move { put(&store, kind, mac(1), b"in good time").await }
        });
        let mut seen_empty = false;
        let other = self::store(&place);
        while !upload.is_finished() {
            let macs = listed(&other, kind).await;
            seen_empty |= place.simulator().drive().tree().iter().any(|(path, entry)| path.contains(&hex(&mac(1))) && entry.size == 0);
            if macs == [mac(1)] {
                assert_eq!(get(&other, kind, &mac(1), None).await.unwrap(), b"in good time");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        upload.await.unwrap().unwrap();
        // Without that the test would show nothing.
        assert!(seen_empty, "{kind:?}");
        assert_eq!(listed(&other, kind).await, [mac(1)]);
    }
}

#[tokio::test]
async fn a_lock_is_replaced_without_a_gap() {
    for place in Place::all("store-lock") {
        let (writer, reader) = (made(&place).await, store(&place));
        put(&writer, Kind::Lock, mac(1), b"lock number 0000").await.unwrap();
        let rounds = tokio::spawn({
            let writer = writer.clone();
            async move {
                for round in 1..20 {
                    put(&writer, Kind::Lock, mac(1), format!("lock number {round:04}").as_bytes()).await.unwrap();
                }
            }
        });
        while !rounds.is_finished() {
            assert_eq!(listed(&reader, Kind::Lock).await, [mac(1)], "{}", place.name());
            // It may be replaced between the listing and this.
            let bytes = get(&reader, Kind::Lock, &mac(1), None).await.unwrap();
            assert!(bytes.starts_with(b"lock number ") && bytes.len() == 16, "{bytes:?}");
        }
        rounds.await.unwrap();
        assert_eq!(get(&store(&place), Kind::Lock, &mac(1), None).await.unwrap(), b"lock number 0019");
    }
}

#[tokio::test]
async fn many_puts_go_side_by_side_and_spill_to_a_file() {
    let place = Place::drive();
    let store = made(&place).await;
    place.simulator().set_latency(Duration::from_millis(20));
    let (count, size) = (12, 5 << 20);
    let puts = (0..count).map(|number| {
        let store = store.clone();
        async move { put(&store, Kind::Packfile, mac(number), &noise(number.into(), size)).await.unwrap() }
    });
    let written = futures::future::join_all(puts).await;
    assert_eq!(written, vec![size as u64; count.into()]);
    let peak = place.simulator().calls().peak_in_flight;
    assert!((2..=8).contains(&peak), "{peak}");
    let store = self::store(&place);
    for number in 0..count {
        assert!(get(&store, Kind::Packfile, &mac(number), None).await.unwrap() == noise(number.into(), size));
    }
}

#[tokio::test]
async fn a_packfile_that_is_replaced_or_deleted_leaves_the_cache() {
    for place in Place::all("store-stale") {
        let store = made(&place).await;
        put(&store, Kind::Packfile, mac(1), b"the first content").await.unwrap();
        assert_eq!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap(), b"first");
        put(&store, Kind::Packfile, mac(1), b"the other content").await.unwrap();
        assert_eq!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap(), b"other", "{}", place.name());
        store.delete(Kind::Packfile, &mac(1)).await.unwrap();
        assert!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.is_err());
        // By somebody else: a listing tells.
        put(&store, Kind::Packfile, mac(1), b"the first content").await.unwrap();
        get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap();
        self::store(&place).delete(Kind::Packfile, &mac(1)).await.unwrap();
        listed(&store, Kind::Packfile).await;
        assert!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.is_err());
    }
}
