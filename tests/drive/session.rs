//! Sessions that end in the middle, on the simulated drive.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use opendrive_sim::{Fault, What, texts};
use plakar_opendrive::connector::Role;
use plakar_opendrive::rclone::{ErrorKind, PrefetchJob, Rclone, Remote};
use support::alone::ran_alone;
use support::{noise, until, within};
use support_plugin::place::Place;

/// Nothing here takes longer, unless it hangs; the drive asks for a minute where nobody is to wait.
const HANG: Duration = Duration::from_secs(45);

async fn open(place: &Place) -> Remote {
    Remote::open(&place.settings(Role::Source, "").remote).await.unwrap()
}

async fn get(remote: &Remote, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    remote.cat(path, 0, None, &mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn one_new_login_for_all_and_everything_goes_on() {
    let place = Place::drive();
    for n in 0..40 {
        place.put(&format!("folder/file{n}"), &noise(n, 50_000), 1).await;
    }
    let remote = open(&place).await;
    let entries = remote.list("folder").await.unwrap();
    place.simulator().expire_sessions();
    // Kept objects, listings and uploads, all at once on the dead session.
    let reads = futures::future::join_all(entries.iter().map(async |entry| {
        let mut reader = entry.object.as_ref().unwrap().read(0, None).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.chunk().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        let n = entry.name.strip_prefix("file").unwrap().parse().unwrap();
        assert!(bytes == noise(n, 50_000), "{}", entry.name);
    }));
    let upload = async {
        let mut writer = remote.create("folder/new", Some(3), UNIX_EPOCH).await.unwrap();
        writer.write(b"new".as_slice()).await.unwrap();
        writer.commit().await.unwrap();
    };
    // A backend that backs off from each of the 42 failures takes minutes.
    within(HANG, async { tokio::join!(reads, upload, async { remote.list("").await.unwrap() }) })
        .await;
    let calls = place.simulator().calls();
    assert_eq!(calls.of("session/login"), 2, "{calls:?}");
    assert_eq!(place.simulator().drive().read_file("folder/new").unwrap(), b"new");
}

#[tokio::test]
async fn an_upload_of_many_chunks_survives() {
    let place = Place::drive();
    let remote = open(&place).await;
    let bytes = noise(5, 25 << 20);
    place
        .simulator()
        .add_fault(Fault::new(What::ExpireSessions).endpoint("upload/upload_file_chunk").skip(1));
    let mut writer = remote.create("large", Some(bytes.len() as u64), UNIX_EPOCH).await.unwrap();
    for chunk in bytes.chunks(1 << 20) {
        writer.write(chunk.to_vec()).await.unwrap();
    }
    writer.commit().await.unwrap();
    assert!(place.simulator().drive().read_file("large").unwrap() == bytes);
    assert!(place.simulator().unused_faults().is_empty());
    assert_eq!(place.simulator().calls().of("session/login"), 2);
}

#[tokio::test]
async fn sessions_that_end_again_and_again_are_renewed_each_time() {
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let remote = open(&place).await;
    for _ in 0..5 {
        place.simulator().expire_sessions();
        assert_eq!(get(&remote, "file").await, b"content");
    }
    assert_eq!(place.simulator().calls().of("session/login"), 6);
}

#[tokio::test]
async fn a_session_that_ends_while_a_remote_is_opened_is_begun_again() {
    let place = Place::drive();
    place.put("a/b/file", b"content", 1).await;
    // The look whether the base, which is not there, is a file.
    place.simulator().add_fault(Fault::new(What::ExpireSessions).endpoint("folder/list"));
    let remote = Remote::open(&place.settings(Role::Destination, "a/new").remote).await.unwrap();
    assert!(place.simulator().unused_faults().is_empty());
    remote.make_folder("").await.unwrap();
    assert_eq!(place.simulator().calls().of("session/login"), 2);
}

#[tokio::test]
async fn a_login_that_fails_for_a_while_is_tried_again() {
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let remote = open(&place).await;
    place.simulator().expire_sessions();
    let busy = What::Status { code: 503, message: "Busy".into(), retry_after: None };
    place.simulator().add_fault(Fault::new(busy).endpoint("session/login").times(3));
    assert_eq!(get(&remote, "file").await, b"content");
    assert!(place.simulator().unused_faults().is_empty());
}

#[tokio::test]
async fn a_login_that_is_refused_is_not_tried_again() {
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let remote = open(&place).await;
    // The password was changed meanwhile.
    let refusal = What::Status {
        code: 401,
        message: "Invalid username or password".into(),
        retry_after: None,
    };
    place.simulator().add_fault(Fault::new(refusal).endpoint("session/login").always());
    place.simulator().expire_sessions();
    for _ in 0..3 {
        let error = remote.stat("file").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
        assert!(
            error.message().contains("a new login was refused: Invalid username or password"),
            "{error}"
        );
    }
    assert_eq!(
        place.simulator().calls().of("session/login"),
        2,
        "the first, and one that was refused"
    );
}

/// A server in front of the drive, and a drive that is asked too often, say nothing of the login.
#[tokio::test]
async fn a_remote_is_opened_although_its_login_is_refused_for_a_while() {
    let rate_limit =
        What::Status { code: 403, message: texts::RATE_LIMIT.into(), retry_after: None };
    for what in [What::Edge { code: 403 }, What::Edge { code: 401 }, rate_limit] {
        let place = Place::drive();
        place.put("file", b"content", 1).await;
        place.simulator().add_fault(Fault::new(what).endpoint("session/login").times(5));
        assert_eq!(get(&open(&place).await, "file").await, b"content");
        assert!(place.simulator().unused_faults().is_empty());
        assert_eq!(place.simulator().calls().of("session/login"), 6);
    }
}

#[tokio::test]
async fn a_login_is_given_the_time_that_the_server_asks_for() {
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let busy = What::Status { code: 429, message: "Rate exceeded".into(), retry_after: Some(1) };
    // The login, and the call that asks how long to wait.
    place.simulator().add_fault(Fault::new(busy).times(2));
    let start = Instant::now();
    assert_eq!(get(&open(&place).await, "file").await, b"content");
    // At the least: a machine that is slow does not fail it.
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    let calls = place.simulator().calls();
    assert_eq!((calls.of("session/login"), calls.of("session/exists")), (2, 1), "{calls:?}");
}

#[tokio::test]
async fn the_server_is_given_the_time_that_it_asks_for() {
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let remote = open(&place).await;
    let busy = What::Status { code: 429, message: "Rate exceeded".into(), retry_after: Some(1) };
    place.simulator().add_fault(Fault::new(busy).endpoint("file/info"));
    let start = Instant::now();
    assert_eq!(get(&remote, "file").await, b"content");
    // At the least: a machine that is slow does not fail it.
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn whoever_gives_up_does_not_wait_for_it() {
    // It waits until no call of the process goes on.
    if ran_alone() {
        return;
    }
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let remote = open(&place).await;
    let busy = What::Status { code: 429, message: "Rate exceeded".into(), retry_after: Some(60) };
    place.simulator().add_fault(Fault::new(busy).endpoint("folder/itembyname"));
    let told_to_wait = async {
        until(HANG, "it is asked", || place.simulator().unused_faults().is_empty()).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    tokio::select! {
        answer = remote.stat("file") => panic!("{answer:?}"),
        () = told_to_wait => {}
    }
    until(HANG, "the call ends", || Rclone::get().stats().calls == 0).await;
}

#[tokio::test]
async fn a_beginning_that_nobody_waits_for_is_given_up() {
    // It waits until no call of the process goes on.
    if ran_alone() {
        return;
    }
    let place = Place::drive();
    place.put("file", b"content", 1).await;
    let object = Arc::new(open(&place).await.list("").await.unwrap().remove(0).object.unwrap());
    let busy = What::Status { code: 429, message: "Rate exceeded".into(), retry_after: Some(60) };
    place.simulator().add_fault(Fault::new(busy).endpoint("download/file"));
    let (beginning, job) = object.prefetch(100);
    PrefetchJob::start(vec![job]);
    until(HANG, "it is fetched", || place.simulator().unused_faults().is_empty()).await;
    drop(beginning);
    until(HANG, "the call ends", || Rclone::get().stats().calls == 0).await;
}
