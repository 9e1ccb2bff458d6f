//! How the real drive says no: at random, for a while, in HTML, with a session that is over; and
//! lost answers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use opendrive_sim::{Fault, What, texts};
use serde_json::{Value, json};

use crate::client::{Client, Reply, md5, start, start_with};

/// Every call that writes but the chunks, each with a body that can be done once.
fn writes(
    file: &str,
    folder: &str,
    location: &str,
) -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let transfer = json!({"folder_id": folder, "dst_folder_id": "0", "move": "false", "new_folder_name": "copied"});
    let copy = json!({"src_file_id": file, "dst_folder_id": "0", "move": "false", "overwrite_if_exists": "false", "new_file_name": "copy"});
    vec![
        (
            "POST",
            "folder",
            "folder/create",
            json!({"folder_name": "made", "folder_sub_parent": "0"}),
        ),
        (
            "POST",
            "folder/rename",
            "folder/rename",
            json!({"folder_id": folder, "folder_name": "renamed folder"}),
        ),
        ("POST", "folder/move_copy", "folder/move_copy", transfer),
        (
            "PUT",
            "file/filesettings",
            "file/filesettings",
            json!({"file_id": file, "file_modification_time": "5"}),
        ),
        ("POST", "file/access", "file/access", json!({"file_id": file, "file_ispublic": 1})),
        (
            "POST",
            "file/rename",
            "file/rename",
            json!({"file_id": file, "new_file_name": "renamed file"}),
        ),
        ("POST", "file/move_copy", "file/move_copy", copy),
        (
            "POST",
            "upload/create_file",
            "upload/create_file",
            json!({"folder_id": "0", "file_name": "created"}),
        ),
        (
            "POST",
            "upload/open_file_upload",
            "upload/open_file_upload",
            json!({"file_id": file, "file_size": 9}),
        ),
        (
            "POST",
            "upload/close_file_upload",
            "upload/close_file_upload",
            json!({"file_id": file, "file_size": 3, "temp_location": location}),
        ),
        ("POST", "file/trash", "file/trash", json!({"file_id": file})),
        ("POST", "folder/trash", "folder/trash", json!({"folder_id": folder})),
        ("POST", "folder/remove", "folder/remove", json!({"folder_id": folder})),
    ]
}

async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: Value,
) -> Result<Reply, hyper::Error> {
    let path = format!("{path}.json");
    if method == "PUT" {
        client.try_put(&path, body).await
    } else {
        client.try_post(&path, body).await
    }
}

#[tokio::test]
async fn writes_are_refused_at_random_and_reads_are_not() {
    let simulator = start();
    let (file, folder) =
        (simulator.drive().put_file("f", "x", 1), simulator.drive().make_folder("d"));
    let client = Client::login(&simulator).await;
    let location = client.open_upload(&file, 3).await.ok().text("TempLocation");
    let before = simulator.drive().tree();
    simulator.add_fault(Fault::new(What::RefuseWrite).always());
    for (method, path, _, body) in writes(&file, &folder, &location) {
        let reply = send(&client, method, path, body).await.expect("an answer");
        assert_eq!(reply.refused(403), texts::VIEW_ONLY, "{path}");
    }
    client.delete_file(&file).await.refused(403);
    client.chunk(&file, &location, 0, b"abc").await.refused(403);
    client.chunk2(&file, &location, 0, b"abc").await.refused(403);
    assert_eq!(simulator.drive().tree(), before);
    let fired = simulator.faults()[0].1;
    client.list("0").await.ok();
    client.info(&file).await.ok();
    client.download(&file, None).await.ok();
    client.by_name("0", "f").await;
    client.post("folder/idbypath.json", json!({"path": "d"})).await.ok();
    client
        .post("upload/has_ddref.json", json!({"file_size": 1, "file_hash": md5(b"x")}))
        .await
        .ok();
    Client::login(&simulator).await;
    assert_eq!(simulator.faults()[0].1, fired);

    // By chance, each time with a burst in which no write passes.
    const BURST: Duration = Duration::from_millis(300);
    simulator.set_faults(vec![
        Fault::new(What::RefuseWrite).chance(0.2, 3).lasting(BURST.as_secs_f64()),
    ]);
    let access = async || {
        client.post("file/access.json", json!({"file_id": file, "file_ispublic": 1})).await.status
    };
    let mut passed = 0;
    let begun = loop {
        let before = Instant::now();
        if access().await == 403 {
            break before;
        }
        passed += 1;
        assert!(passed < 100);
    };
    while begun.elapsed() < BURST {
        let status = access().await;
        // What was answered later may have come when the burst was over.
        assert!(status == 403 || begun.elapsed() >= BURST, "{status}");
    }
    let mut statuses = BTreeSet::new();
    let begun = Instant::now();
    while statuses.len() < 2 {
        statuses.insert(access().await);
        assert!(begun.elapsed() < Duration::from_secs(60), "{statuses:?}");
    }
    assert_eq!(statuses, BTreeSet::from([200, 403]));
}

/// Each write is done once, its caller never hears of it, and making it again is judged by what is
/// there.
#[tokio::test]
async fn every_write_may_lose_its_answer() {
    for at in 0..writes("", "", "").len() {
        let simulator = start();
        let (file, folder) =
            (simulator.drive().put_file("f", "x", 1), simulator.drive().make_folder("d"));
        let client = Client::login(&simulator).await;
        let location = client.open_upload(&file, 3).await.ok().text("TempLocation");
        client.chunk(&file, &location, 0, b"abc").await.ok();
        let (method, path, endpoint, body) = writes(&file, &folder, &location).swap_remove(at);
        let before = (
            simulator.drive().tree(),
            client.info(&file).await.ok().body,
            simulator.open_uploads(),
        );
        simulator.add_fault(Fault::new(What::LoseAnswer).endpoint(endpoint));
        assert!(send(&client, method, path, body.clone()).await.is_err(), "{path}");
        let after =
            (simulator.drive().tree(), client.info(&file).await.body, simulator.open_uploads());
        assert!(before != after, "{path} was not done");
        assert_eq!(simulator.calls().by_status[&0], 1);
        let again = send(&client, method, path, body).await.expect("an answer").status;
        let expected = match endpoint {
            "folder/create" | "folder/move_copy" | "file/move_copy" | "upload/create_file" => 409,
            "upload/close_file_upload" | "file/trash" | "folder/trash" => 404,
            _ => 200,
        };
        assert_eq!(again, expected, "{path}");
        assert!(simulator.unused_faults().is_empty());
    }
}

#[tokio::test]
async fn a_chunk_whose_answer_is_lost_is_there() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    let created = client.create_sized("0", "f", 9, "").await.ok();
    let (file, location) = (created.text("FileId"), created.text("TempLocation"));
    simulator.add_fault(Fault::new(What::LoseAnswer).endpoint("upload/upload_file_chunk"));
    assert!(client.try_chunk(&file, &location, 0, b"abc").await.is_err());
    assert_eq!(
        client.chunk(&file, &location, 0, b"abc").await.refused(400),
        "Incorrect chunk offset: uploaded=3, chunk_offset=0"
    );
    // The connection breaks within a chunk, of which a part has come.
    simulator.add_fault(Fault::new(What::CutUpload { after: 2 }));
    assert!(client.try_chunk(&file, &location, 3, b"def").await.is_err());
    assert_eq!(
        client.chunk(&file, &location, 3, b"def").await.refused(400),
        "Incorrect chunk offset: uploaded=5, chunk_offset=3"
    );
    client.chunk(&file, &location, 5, b"fghi").await.ok();
    assert_eq!(
        client.close_upload(&file, &location, 9).await.ok().text("FileHash"),
        md5(b"abcdefghi")
    );
    // Too small for it to fire on.
    simulator.add_fault(Fault::new(What::CutUpload { after: 3 }));
    let (_, closed) = client.upload("0", "g", b"abc", 3).await;
    closed.ok();
    assert_eq!(simulator.unused_faults().len(), 1);
}

#[tokio::test]
async fn pages_of_edge_servers() {
    let simulator = start();
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        for code in [401, 403, 500, 502, 503, 504] {
            simulator.set_faults(vec![Fault::new(What::Edge { code }).endpoint("folder/list")]);
            let reply = client.list("0").await;
            assert_eq!(
                (reply.status, &reply.headers["content-type"]),
                (code, &"text/html".parse().unwrap())
            );
            assert!(reply.body.starts_with(b"<html>"), "{reply:?}");
            client.list("0").await.ok();
        }
        simulator.set_faults(vec![
            Fault::new(What::Edge { code: 401 }).endpoint("upload/upload_file_chunk2"),
        ]);
        let created = client.create_sized("0", &format!("{http2}"), 3, "").await.ok();
        let (file, location) = (created.text("FileId"), created.text("TempLocation"));
        assert_eq!(client.chunk2(&file, &location, 0, b"abc").await.status, 401);
        client.chunk2(&file, &location, 0, b"abc").await.ok();
    }
}

#[tokio::test]
async fn throttled_for_a_while() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    let file = simulator.drive().put_file("f", "x", 1);
    // Long enough for what is asked meanwhile.
    for (fault, code, text) in [
        (Fault::throttled(3.0), 429, texts::TOO_MANY_REQUESTS),
        (Fault::throttled_403(3.0), 403, texts::RATE_LIMIT),
    ] {
        simulator.set_faults(vec![fault]);
        simulator.reset_calls();
        for _ in 0..2 {
            let reply = client.list("0").await;
            assert_eq!(
                (reply.refused(code), reply.headers.get("retry-after")),
                (text.into(), None)
            );
            client.download(&file, None).await.refused(code);
            client.make_folder("0", "a").await.refused(code);
        }
        let login = json!({"username": simulator.username(), "passwd": simulator.password()});
        client.post("session/login.json", login).await.refused(code);
        // Of the limit of downloads at once these are not.
        assert_eq!((simulator.calls().refused, simulator.calls().refused_downloads), (7, 0));
        tokio::time::sleep(Duration::from_secs(3)).await;
        client.list("0").await.ok();
        assert_eq!(simulator.faults()[0].1, 7);
    }
    // A fault of some time is one, however often it fires.
    simulator.set_faults(vec![
        Fault::refused(503, "Busy").endpoint("folder/list").lasting(2.0).times(2),
    ]);
    for _ in 0..2 {
        client.list("0").await.refused(503);
        client.list("0").await.refused(503);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    client.list("0").await.ok();
}

#[tokio::test]
async fn refusals_that_are_meant() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    simulator.set_faults(vec![
        Fault::refused(403, texts::PERMISSION_DENIED).item("/private").always(),
        Fault::refused(409, texts::FILE_EXISTS).endpoint("upload/create_file"),
    ]);
    assert_eq!(client.make_folder("0", "private").await.refused(403), texts::PERMISSION_DENIED);
    assert_eq!(client.create_file("0", "f").await.refused(409), texts::FILE_EXISTS);
    client.create_file("0", "f").await.ok();
}

#[tokio::test]
async fn sessions_that_are_over_say_so_with_any_status() {
    let simulator = start_with(|behaviour| behaviour.session_over_status = 403);
    let mut client = Client::login(&simulator).await;
    simulator.expire_sessions();
    for status in [403, 200, 401] {
        simulator.change_behaviour(|behaviour| behaviour.session_over_status = status);
        let reply = client.list("0").await;
        assert_eq!(
            (reply.status, reply.json()),
            (status, json!({"error": {"code": 401, "message": texts::SESSION_OVER}}))
        );
    }
    client.login_again(&simulator).await;
    client.list("0").await.ok();
}
