//! The store over memory, a local folder and the simulated OpenDrive: one suite for all three.

mod block_cache;
mod cold_states;
mod faults;
mod foreign;
mod kept_states;
mod states;

use std::time::Duration;

use bytes::Bytes;
use opendrive_sim::{Fault, What};
use plakar_opendrive::connector::store::{Kind, Mac};
use plakar_opendrive::rclone::ErrorKind;
use support::noise;
use support_plugin::place::Place;
use support_plugin::stores::{NONE, get, listed, mac, made, put, store};

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
            for kind in if size < 1 << 20 { &Kind::ALL[..] } else { &[Kind::Packfile, Kind::State] }
            {
                let (mac, bytes) = (mac(number as u8), noise(number as u64, size));
                assert_eq!(put(&first, *kind, mac, &bytes).await.unwrap(), size as u64);
                // A second connection knows nothing of the first.
                let second = store(&place);
                assert_eq!(second.open().await.unwrap(), "description");
                let whole = get(&second, *kind, &mac, None).await.unwrap();
                assert!(whole == bytes, "{} {kind:?} {size}", place.name());
                assert_eq!(listed(&second, *kind).await.len(), number + 1);
                for (offset, length) in
                    [(0, 1), (0, size), (size - 1, 1), (size / 3, size / 3), (size, 0), (0, 0)]
                {
                    for store in [&first, &second] {
                        let part = get(store, *kind, &mac, Some((offset as u64, length as u64)))
                            .await
                            .unwrap();
                        assert!(
                            part == bytes[offset..offset + length],
                            "{} {kind:?} {size} {offset} {length}",
                            place.name()
                        );
                    }
                }
                for (offset, length) in
                    [(0, size as u64 + 1), (size as u64, 1), (u64::MAX, 1), (1, u64::MAX)]
                {
                    let error =
                        get(&second, *kind, &mac, Some((offset, length))).await.unwrap_err();
                    assert!(error.to_string().contains(&format!("only {size} bytes")), "{error}");
                }
            }
        }
        let sizes: u64 =
            [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20].iter().map(|size| *size as u64).sum();
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
        let error =
            store(&place).create(Bytes::from_static(b"other")).await.unwrap_err().to_string();
        assert!(error.contains("there is a store already") && !error.contains('\n'), "{error}");
        assert_eq!(store(&place).open().await.unwrap(), "description");
    }
}

#[tokio::test]
async fn a_base_that_is_a_file_and_a_store_that_vanished_are_told() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        place.put("stores/one", b"a file", 1_700_000_000).await;
        for error in [
            store(&place).open().await.unwrap_err(),
            store(&place).create(Bytes::new()).await.unwrap_err(),
        ] {
            assert!(
                error.to_string().contains("is a file: give the folder that it is in"),
                "{error}"
            );
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
        // It has logged in when the upload begins, so that it looks many times meanwhile.
        let other = self::store(&place);
        assert_eq!(listed(&other, kind).await, NONE);
        place
            .simulator()
            .add_fault(Fault::new(What::Delay { ms: 1_500 }).endpoint("upload/upload_file_chunk"));
        let upload = tokio::spawn({
            let store = store.clone();
            async move { put(&store, kind, mac(1), b"in good time").await }
        });
        let mut seen_empty = false;
        while !upload.is_finished() {
            let macs = listed(&other, kind).await;
            seen_empty |= place
                .simulator()
                .drive()
                .tree()
                .iter()
                .any(|(path, entry)| path.contains(&hex(&mac(1))) && entry.size == 0);
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
                    put(&writer, Kind::Lock, mac(1), format!("lock number {round:04}").as_bytes())
                        .await
                        .unwrap();
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
        assert_eq!(
            get(&store(&place), Kind::Lock, &mac(1), None).await.unwrap(),
            b"lock number 0019"
        );
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
        async move {
            put(&store, Kind::Packfile, mac(number), &noise(number.into(), size)).await.unwrap()
        }
    });
    let written = futures::future::join_all(puts).await;
    assert_eq!(written, vec![size as u64; count.into()]);
    let peak = place.simulator().calls().peak_in_flight;
    assert!((2..=8).contains(&peak), "{peak}");
    let store = self::store(&place);
    for number in 0..count {
        assert!(
            get(&store, Kind::Packfile, &mac(number), None).await.unwrap()
                == noise(number.into(), size)
        );
    }
}

#[tokio::test]
async fn a_packfile_that_is_replaced_or_deleted_leaves_the_cache() {
    for place in Place::all("store-stale") {
        let store = made(&place).await;
        put(&store, Kind::Packfile, mac(1), b"the first content").await.unwrap();
        assert_eq!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap(), b"first");
        put(&store, Kind::Packfile, mac(1), b"the other content").await.unwrap();
        assert_eq!(
            get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap(),
            b"other",
            "{}",
            place.name()
        );
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
