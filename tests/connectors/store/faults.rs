//! The store on a drive that fails, and at the end of a connection.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::future::FutureExt;
use opendrive_sim::{Fault, TempLocation, What};
use plakar_opendrive::connector::store::{Kind, mac_to_hex};
use plakar_opendrive::rclone::ErrorKind;
use support::noise;
use support_plugin::place::Place;
use support_plugin::stores::{NONE, get, listed, mac, made, put, store};

#[tokio::test]
async fn uploads_that_go_wrong_are_tried_again_and_leave_nothing() {
    let busy = || What::Status { code: 503, message: "Busy".into(), retry_after: None };
    let passing = [
        Fault::new(What::CorruptUpload),
        Fault::new(What::LieHash).endpoint("upload/close_file_upload"),
        Fault::new(busy()).endpoint("upload/close_file_upload"),
        Fault::new(What::LoseAnswer).endpoint("upload/close_file_upload"),
        Fault::new(What::Reset).endpoint("upload/upload_file_chunk"),
        Fault::new(What::LoseAnswer).endpoint("upload/create_file"),
    ];
    for fault in passing {
        let place = Place::drive();
        let store = made(&place).await;
        place.simulator().add_fault(fault.clone());
        let outcome = put(&store, Kind::State, mac(1), b"a state").await;
        assert_eq!(outcome.as_ref().ok(), Some(&7), "{fault:?}: {outcome:?}");
        assert!(
            place.simulator().unused_faults().len()
                <= usize::from(matches!(fault.what, What::LieHash)),
            "{fault:?}"
        );
        let other = self::store(&place);
        assert_eq!(listed(&other, Kind::State).await, [mac(1)], "{fault:?}");
        assert_eq!(get(&other, Kind::State, &mac(1), None).await.unwrap(), b"a state", "{fault:?}");
    }
    for endpoint in [
        "upload/create_file",
        "upload/open_file_upload",
        "upload/upload_file_chunk",
        "upload/close_file_upload",
        "file/rename",
    ] {
        for kind in [Kind::State, Kind::Packfile] {
            if kind == Kind::Packfile && endpoint == "file/rename" {
                continue;
            }
            let place = Place::drive();
            if endpoint == "upload/open_file_upload" {
                place
                    .simulator()
                    .change_behaviour(|behaviour| behaviour.temp_location = TempLocation::AtOpen);
            }
            let store = made(&place).await;
            let refusal = What::Status { code: 403, message: "Denied".into(), retry_after: None };
            place.simulator().add_fault(Fault::new(refusal).endpoint(endpoint).always());
            let error = put(&store, kind, mac(1), b"a state").await.unwrap_err();
            assert!(error.to_string().contains("Denied"), "{endpoint}: {error}");
            assert_eq!(
                listed(&support_plugin::stores::store(&place), kind).await,
                NONE,
                "{endpoint}"
            );
            assert_eq!(place.simulator().unused_faults(), [], "{endpoint}");
        }
    }
}

#[tokio::test]
async fn what_was_begun_is_finished_and_own_locks_go() {
    for place in Place::all("store-finish") {
        let (store, other) = (made(&place).await, store(&place));
        put(&other, Kind::Lock, mac(9), b"another's").await.unwrap();
        put(&store, Kind::Lock, mac(1), b"ours").await.unwrap();
        put(&store, Kind::Packfile, mac(2), b"old").await.unwrap();
        // Dropped when they have only begun, as requests are when the connection ends.
        let mut begun = store.put(Kind::State, mac(3)).await.unwrap();
        begun.write(Bytes::from_static(b"state")).await.unwrap();
        assert!(begun.commit().now_or_never().is_none());
        assert!(store.delete(Kind::Packfile, &mac(2)).now_or_never().is_none());
        store.finish().await;
        let after = self::store(&place);
        assert_eq!(listed(&after, Kind::State).await, [mac(3)], "{}", place.name());
        assert_eq!(listed(&after, Kind::Packfile).await, NONE, "{}", place.name());
        assert_eq!(listed(&after, Kind::Lock).await, [mac(9)], "{}", place.name());
    }
}

/// After half a minute without an answer a drive is taken for away, and no further read of the
/// connection waits for it.
#[tokio::test]
async fn once_the_drive_is_away_all_reads_fail_at_once() {
    let place = Place::drive();
    let writer = made(&place).await;
    for number in 0..4 {
        put(&writer, Kind::Packfile, mac(number), &noise(number.into(), 5000)).await.unwrap();
    }
    let reader = store(&place);
    reader.list(Kind::Packfile).await.unwrap();
    let status = What::Status { code: 503, message: "Busy".into(), retry_after: None };
    place.simulator().add_fault(Fault::new(status).always());
    // As Plakar does, which takes the next one when one has failed.
    let mut failed = 0;
    let away = loop {
        let error =
            get(&reader, Kind::Packfile, &mac(failed % 3), Some((0, 100))).await.unwrap_err();
        failed += 1;
        assert!(failed < 20, "{error}");
        if error.kind() == ErrorKind::Unreachable {
            break error;
        }
    };
    assert!(away.message().contains("the drive has not answered for "), "{away}");
    place.simulator().reset_calls();
    for number in 0..4 {
        for kind in [Kind::Packfile, Kind::State] {
            let error = get(&reader, kind, &mac(number), None).await.unwrap_err();
            assert!(
                error
                    .message()
                    .contains("an earlier read was given up: the drive has not answered"),
                "{error}"
            );
        }
    }
    assert_eq!(place.simulator().calls().total, 0);
    // A run that asks without a pause does not read on.
    place.simulator().set_faults(Vec::new());
    for _ in 0..3 {
        let_pass(Duration::from_secs(5)).await;
        let error = get(&reader, Kind::Packfile, &mac(3), Some((0, 5000))).await.unwrap_err();
        assert!(error.message().contains("an earlier read was given up"), "{error}");
    }
    assert_eq!(place.simulator().calls().total, 0);
    // The next run reads again.
    assert!(
        get(&store(&place), Kind::Packfile, &mac(3), Some((0, 5000))).await.unwrap()
            == noise(3, 5000)
    );
    // So does who has asked for nothing for a while: `plakar ui` goes on for days.
    let_pass(Duration::from_secs(10)).await;
    assert!(
        get(&reader, Kind::Packfile, &mac(3), Some((0, 5000))).await.unwrap() == noise(3, 5000)
    );
}

/// Has the clock go on that the pauses of a store's reads are measured by.
async fn let_pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// One packfile that the drive never gives is no drive that is away: the others are read.
#[tokio::test]
async fn a_packfile_that_cannot_be_read_is_in_nobodys_way() {
    let place = Place::drive();
    let writer = made(&place).await;
    for number in 0..2 {
        put(&writer, Kind::Packfile, mac(number), &noise(number.into(), 5000)).await.unwrap();
    }
    let reader = store(&place);
    reader.list(Kind::Packfile).await.unwrap();
    let status = What::Status { code: 503, message: "Busy".into(), retry_after: None };
    place.simulator().add_fault(
        Fault::new(status).endpoint("download/file").item(&mac_to_hex(&mac(0))).always(),
    );
    // For longer than nothing has to come from a drive that is away.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(35) {
        let error = get(&reader, Kind::Packfile, &mac(0), Some((0, 100))).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Unreachable, "{error}");
    }
    assert_eq!(place.simulator().unused_faults(), []);
    assert!(
        get(&reader, Kind::Packfile, &mac(1), Some((0, 5000))).await.unwrap() == noise(1, 5000)
    );
}

/// A drive may not find for up to half a minute what another machine has just put: passed over, the
/// lock of a maintenance would let a backup run beside it.
#[tokio::test]
async fn a_lock_that_another_machine_has_just_put_is_waited_for() {
    let place = Place::drive();
    let writer = made(&place).await;
    place.simulator().add_fault(
        Fault::new(What::LagFiles { seconds: 3.0 }).endpoint("upload/close_file_upload"),
    );
    put(&writer, Kind::Lock, mac(1), b"a lock").await.unwrap();
    let reader = store(&place);
    assert_eq!(listed(&reader, Kind::Lock).await, [mac(1)]);
    assert_eq!(get(&reader, Kind::Lock, &mac(1), None).await.unwrap(), b"a lock");
    assert_eq!(place.simulator().unused_faults(), []);
}

/// A lock that is not found after that either counts as held. One that was left behind, or that its
/// owner has deleted meanwhile, is passed over.
#[tokio::test]
async fn a_lock_that_stays_unreadable_is_listed_as_long_as_it_may_be_held() {
    let place = Place::drive();
    drop(made(&place).await);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let path = |number| {
        let name: String = mac(number).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("stores/one/locks/{name}")
    };
    for (number, put) in [(1, now), (2, now - 3600), (3, now)] {
        place.put(&path(number), b"a lock", put).await;
    }
    let missing =
        What::Status { code: 404, message: "File does not exist".into(), retry_after: None };
    place.simulator().add_fault(Fault::new(missing).endpoint("download/file").always());
    let (reader, gone) = (store(&place), path(3));
    let deleted = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(place.simulator().drive().remove(&gone));
    };
    let (locks, ()) = tokio::join!(listed(&reader, Kind::Lock), deleted);
    assert_eq!(locks, [mac(1)]);
    let error = get(&reader, Kind::Lock, &mac(1), None).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the store counts as already locked: the lock ")
            && error.ends_with(" cannot be read yet; try again in a minute"),
        "{error}"
    );
}

/// A drive may have two folders of one name. What is in the second is neither ignored nor guessed
/// at.
#[tokio::test]
async fn a_folder_of_a_store_that_is_there_twice_is_told() {
    for name in ["packfiles", "states", "locks"] {
        let place = Place::drive();
        put(&made(&place).await, Kind::Packfile, mac(1), b"content").await.unwrap();
        let name_of_a_resource = "ab".repeat(32);
        place.simulator().drive().put_in_twin(
            &format!("stores/one/{name}"),
            &name_of_a_resource,
            b"more".to_vec(),
            1_600_000_000,
        );
        let error = store(&place).open().await.unwrap_err().to_string();
        assert!(
            error
                .contains(&format!("there are two folders named {name}: put all into one of them")),
            "{error}"
        );
    }
}
