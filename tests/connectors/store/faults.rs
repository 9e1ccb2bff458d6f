//! The store on a drive that fails, and at the end of a connection.

use bytes::Bytes;
use futures::future::FutureExt;
use opendrive_sim::{Fault, TempLocation, What};
use plakar_opendrive::connector::store::Kind;
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
    // The next run reads again.
    place.simulator().set_faults(Vec::new());
    assert!(
        get(&store(&place), Kind::Packfile, &mac(3), Some((0, 5000))).await.unwrap()
            == noise(3, 5000)
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
