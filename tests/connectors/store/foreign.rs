//! What is in the folder of a store that is not ours: passed over, or understood.

use std::time::{SystemTime, UNIX_EPOCH};

use plakar_opendrive::connector::Role;
use plakar_opendrive::connector::store::Kind;
use plakar_opendrive::rclone::ErrorKind;
use support_plugin::place::Place;
use support_plugin::stores::{NONE, get, listed, mac, made, put, store};

use super::hex;

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
        let young = [
            format!("states/{}.0011223344556677.incomplete", hex(&mac(6))),
            "CONFIG.7766554433221100.incomplete".to_owned(),
        ];
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
            assert_eq!(
                get(&store, kind, &mac(number), None).await.unwrap_err().kind(),
                ErrorKind::NotFound
            );
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

/// Another machine's upload of an hour ago stays, and one of the day before goes, however wrong
/// this machine's clock is.
#[tokio::test]
async fn what_is_abandoned_is_judged_by_the_drives_clock() {
    for days in [-2, 2] {
        let ahead = days * 24 * 3600;
        let place = Place::drive();
        place.simulator().change_behaviour(|behaviour| behaviour.clock_ahead = ahead);
        made(&place).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + ahead;
        let upload = |number, hours: i64| {
            (
                format!("states/{}.0011223344556677.incomplete", hex(&mac(number))),
                now - hours * 3600,
            )
        };
        for (path, begun) in [upload(6, 1), upload(7, 25)] {
            place.put(&format!("stores/one/{path}"), b"x", begun as u64).await;
        }
        let store = store(&place);
        store.open().await.unwrap();
        assert_eq!(listed(&store, Kind::State).await, NONE);
        put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
        store.tidy().await;
        store.finish().await;
        let left: Vec<String> = place
            .simulator()
            .drive()
            .tree()
            .into_keys()
            .filter(|path| path.ends_with(".incomplete"))
            .collect();
        assert_eq!(left, [format!("stores/one/{}", upload(6, 1).0)], "{days} days");
    }
}

/// Another machine with a slow clock may finish what looks abandoned, between the listing that has
/// shown it and its removal. On OpenDrive the file stays the same.
#[tokio::test]
async fn what_has_got_its_name_meanwhile_is_not_removed() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        made(&place).await;
        let late = format!("states/{}.0011223344556677.incomplete", hex(&mac(1)));
        let dead = format!("states/{}.7766554433221100.incomplete", hex(&mac(2)));
        for path in [&late, &dead] {
            place.put(&format!("stores/one/{path}"), b"a state", 1_700_000_000).await;
        }
        let store = store(&place);
        store.open().await.unwrap();
        assert_eq!(listed(&store, Kind::State).await, NONE);
        put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
        let settings = place.settings(Role::Store, "stores/one");
        let remote = plakar_opendrive::rclone::Remote::open(&settings.remote).await.unwrap();
        let finished = remote.stat(&late).await.unwrap().object.unwrap();
        finished.rename(&format!("states/{}", hex(&mac(1)))).await.unwrap();
        store.tidy().await;
        store.finish().await;
        let left: Vec<String> =
            remote.list("states").await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(left, [hex(&mac(1))], "{}", place.name());
    }
}

/// How many of the unfinished uploads of the test above are there.
async fn left_behind(place: &Place) -> usize {
    let settings = place.settings(Role::Store, "stores/one");
    let remote = plakar_opendrive::rclone::Remote::open(&settings.remote).await.unwrap();
    let mut count = 0;
    for folder in ["", "packfiles", "states", "locks"] {
        let entries = remote.list(folder).await.unwrap_or_default();
        let unfinished = |name: &str| {
            (name.ends_with(".incomplete") || name.ends_with(".partial")) && !name.contains(".old.")
        };
        count += entries
            .iter()
            .filter(|entry| {
                unfinished(&entry.name) || (entry.size == Some(0) && entry.name.len() == 64)
            })
            .count();
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
            place
                .put(
                    &format!("stores/one/{folder}/{flat}"),
                    format!("flat {folder}").as_bytes(),
                    1_700_000_000,
                )
                .await;
            place
                .put(
                    &format!("stores/one/{folder}/{}/{old}", &old[..2]),
                    format!("old {folder}").as_bytes(),
                    1_700_000_000,
                )
                .await;
        }
        let store = store(&place);
        assert_eq!(store.open().await.unwrap(), "description");
        for (kind, folder) in
            [(Kind::Packfile, "packfiles"), (Kind::State, "states"), (Kind::Lock, "locks")]
        {
            assert_eq!(listed(&store, kind).await, [mac(1), mac(2)]);
            assert_eq!(
                get(&store, kind, &mac(1), None).await.unwrap(),
                format!("flat {folder}").as_bytes()
            );
            assert_eq!(get(&store, kind, &mac(2), Some((0, 3))).await.unwrap(), b"old");
            // And ours are where it looks for them: the kind's folder, 64 hex digits, nothing else.
            put(&store, kind, mac(3), b"ours").await.unwrap();
            let remote = plakar_opendrive::rclone::Remote::open(
                &place.settings(Role::Store, "stores/one").remote,
            )
            .await
            .unwrap();
            let mut names: Vec<String> =
                remote.list(folder).await.unwrap().into_iter().map(|entry| entry.name).collect();
            names.sort();
            let mut expected = vec![flat.clone(), old[..2].to_owned(), hex(&mac(3))];
            expected.sort();
            assert_eq!(names, expected, "{}", place.name());
            store.delete(kind, &mac(2)).await.unwrap();
            assert_eq!(listed(&store, kind).await, [mac(1), mac(3)]);
        }
    }
}
