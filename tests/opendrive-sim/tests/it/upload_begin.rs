//! How uploads begin: what is there already, where the bytes go, what needs none.

use opendrive_sim::{FolderNamesakes, TempLocation, texts};
use serde_json::json;

use crate::client::{Client, md5, start, start_with};

#[tokio::test]
async fn a_sized_file_needs_no_opening() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    let created = client.create_sized("0", "f", 6, &md5(b"abcdef")).await.ok();
    assert_eq!(created.json()["RequireHashOnly"], 0, "{}", created.json());
    assert_eq!((created.text("Size"), created.text("FileHash")), ("0".into(), String::new()));
    let (file, location) = (created.text("FileId"), created.text("TempLocation"));
    client.chunk(&file, &location, 0, b"abc").await.ok();
    assert_eq!(client.chunk2(&file, &location, 3, b"def").await.ok().json()["TotalWritten"], 3);
    assert_eq!(
        client.chunk2(&file, &location, 3, b"def").await.refused(400),
        "Incorrect chunk offset: uploaded=6, chunk_offset=3"
    );
    assert_eq!(
        client.close_upload(&file, &location, 6).await.ok().text("FileHash"),
        md5(b"abcdef")
    );
    assert_eq!(simulator.drive().read_file("f"), Some(b"abcdef".to_vec()));
    assert!(simulator.open_uploads().is_empty());
    // Without a size there is nothing to send to.
    assert_eq!(client.create_file("0", "g").await.ok().text("TempLocation"), "");
}

#[tokio::test]
async fn places_that_only_opening_gives() {
    let simulator = start_with(|behaviour| behaviour.temp_location = TempLocation::AtOpen);
    let client = Client::login(&simulator).await;
    let created = client.create_sized("0", "a", 3, "").await.ok();
    assert_eq!(created.text("TempLocation"), "");
    let file = created.text("FileId");
    let location = client.open_upload(&file, 3).await.ok().text("TempLocation");
    client.chunk(&file, &location, 0, b"abc").await.ok();
    client.close_upload(&file, &location, 3).await.ok();

    simulator
        .change_behaviour(|behaviour| behaviour.temp_location = TempLocation::RefusedUntilOpen);
    let created = client.create_sized("0", "b", 3, "").await.ok();
    let (file, location) = (created.text("FileId"), created.text("TempLocation"));
    assert_ne!(location, "");
    client.chunk(&file, &location, 0, b"abc").await.refused(404);
    client.close_upload(&file, &location, 3).await.refused(404);
    let opened = client.open_upload(&file, 3).await.ok();
    assert_eq!(opened.json()["RequireHashOnly"], false);
    client.chunk(&file, &opened.text("TempLocation"), 0, b"abc").await.ok();
    client.close_upload(&file, &opened.text("TempLocation"), 3).await.ok();
    assert!(simulator.open_uploads().is_empty());
}

#[tokio::test]
async fn unfinished_uploads_show_as_files_without_hash() {
    let simulator = start();
    let foreign = simulator.drive().put_unfinished("folder/foreign");
    let client = Client::login(&simulator).await;
    let folder = client.list("0").await.ok().json()["Folders"][0]["FolderID"]
        .as_str()
        .expect("an id")
        .to_owned();
    let own = client.create_sized(&folder, "own", 3, "").await.ok();
    let (own, location) = (own.text("FileId"), own.text("TempLocation"));
    client.chunk(&own, &location, 0, b"abc").await.ok();
    let listed = client.list(&folder).await.ok().json();
    for (at, file) in [&foreign, &own].into_iter().enumerate() {
        let record = &listed["Files"][at];
        assert_eq!(
            (&record["FileId"], &record["Size"], &record["FileHash"]),
            (&json!(file), &json!("0"), &json!(""))
        );
        assert_eq!(client.info(file).await.ok().text("FileHash"), "");
    }
    assert_eq!(client.by_name(&folder, "own").await["Files"][0]["Size"], "0");
    assert_eq!(simulator.drive().tree()["folder/foreign"].md5, None);
    client.close_upload(&own, &location, 3).await.ok();
    assert_eq!(client.info(&own).await.ok().text("FileHash"), md5(b"abc"));
    // An empty file that is finished has a hash.
    let (empty, closed) = client.upload(&folder, "empty", b"", 1).await;
    closed.ok();
    assert_eq!(client.info(&empty).await.ok().text("FileHash"), md5(b""));
}

#[tokio::test]
async fn files_that_exist_are_refused_or_taken() {
    let simulator = start();
    let drive = simulator.drive();
    let file = drive.put_file("Name", "before", 77);
    let client = Client::login(&simulator).await;
    assert_eq!(client.create_sized("0", "name", 5, "").await.refused(409), texts::FILE_EXISTS);
    for taken in [json!(1), json!("1")] {
        let body = json!({"folder_id": "0", "file_name": "nAME ", "file_size": 5, "open_if_exists": taken});
        let created = client.post("upload/create_file.json", body).await.ok();
        assert_eq!((created.text("FileId"), created.text("Name")), (file.clone(), "Name".into()));
        assert_eq!(
            (created.text("Size"), created.text("FileHash"), created.text("DateModified")),
            ("6".into(), md5(b"before"), "77".into())
        );
        let location = created.text("TempLocation");
        client.chunk(&file, &location, 0, b"after").await.ok();
        assert_eq!(drive.read_file("Name"), Some(b"before".to_vec()), "until its end");
        client.close_upload(&file, &location, 5).await.ok();
        assert_eq!(drive.read_file("Name"), Some(b"after".to_vec()));
        drive.set_file("Name", "before", 77);
    }
    let body = json!({"folder_id": "0", "file_name": "other", "open_if_exists": 1});
    client.post("upload/create_file.json", body).await.ok();
    assert_eq!(drive.tree().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_content_is_uploaded_by_hash() {
    let simulator = start();
    let drive = simulator.drive();
    drive.put_file("old", "known content", 1);
    drive.put_generated("generated", 300_000, 5, 1);
    drive.know("elsewhere");
    let client = Client::login(&simulator).await;
    let generated = {
        let mut bytes = vec![0; 300_000];
        opendrive_sim::generated_bytes(5, 0, &mut bytes);
        bytes
    };
    simulator.reset_calls();
    let close = async |file: &str, size: usize, hash: &str| {
        let body = json!({"file_id": file, "file_size": size, "file_hash": hash, "file_time": 1_234_567_890});
        client.post("upload/close_file_upload.json", body).await
    };
    for (at, content) in [&b"known content"[..], b"elsewhere", &generated].into_iter().enumerate() {
        let (name, hash) = (format!("new {at}"), md5(content));
        let known = client
            .post("upload/has_ddref.json", json!({"file_size": content.len(), "file_hash": hash}))
            .await
            .ok();
        assert_eq!(known.json(), json!({"exists": true}));
        let created =
            client.create_sized("0", &name, content.len(), &hash.to_uppercase()).await.ok();
        assert_eq!(created.json()["RequireHashOnly"], 1);
        let file = created.text("FileId");
        // The real drive counts the bytes that came for a place, and refuses.
        let refused = client
            .close_upload(&file, &created.text("TempLocation"), content.len())
            .await
            .refused(400);
        assert_eq!(
            refused,
            format!("Invalid upload file size. Total uploaded=0. File size={}", content.len())
        );
        let closed = close(&file, content.len(), &hash).await.ok();
        assert_eq!(
            (closed.text("FileHash"), closed.text("DateModified")),
            (hash, "1234567890".into())
        );
        assert_eq!(drive.read_file(&name).as_deref(), Some(content));
    }
    assert!(simulator.open_uploads().is_empty());
    assert_eq!(simulator.calls().bytes_up, 0);

    // What it does not know, or no longer, or with another size.
    let unknown = client.create_sized("0", "unknown", 3, &md5(b"abc")).await.ok();
    assert_eq!(unknown.json()["RequireHashOnly"], 0);
    close(&unknown.text("FileId"), 3, &md5(b"abc")).await.refused(400);
    assert_eq!(
        client.create_sized("0", "size", 14, &md5(b"known content")).await.ok().json()["RequireHashOnly"],
        0
    );
    drive.remove("old");
    drive.remove("new 0");
    let probe = json!({"file_size": 13, "file_hash": md5(b"known content")});
    assert_eq!(
        client.post("upload/has_ddref.json", probe).await.ok().json(),
        json!({"exists": false})
    );
    simulator.change_behaviour(|behaviour| behaviour.upload_by_hash = false);
    assert_eq!(
        client.create_sized("0", "off", 9, &md5(b"elsewhere")).await.ok().json()["RequireHashOnly"],
        0
    );
}

#[tokio::test]
async fn times_of_files() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    let created = async |name: &str, time: i64| {
        let body = json!({"folder_id": "0", "file_name": name, "file_size": 1, "file_time": time});
        client.post("upload/create_file.json", body).await
    };
    let close = async |file: &str, location: &str, time: serde_json::Value| {
        let body =
            json!({"file_id": file, "file_size": 1, "temp_location": location, "file_time": time});
        client.post("upload/close_file_upload.json", body).await
    };
    let begun = created("a", 1_000).await.ok();
    let (file, location) = (begun.text("FileId"), begun.text("TempLocation"));
    assert_eq!(begun.text("DateModified"), "1000");
    client.chunk(&file, &location, 0, b"a").await.ok();
    for time in [json!(-1), json!("-86400"), json!("yesterday")] {
        close(&file, &location, time).await.refused(400);
    }
    assert_eq!(close(&file, &location, json!("2000")).await.ok().text("DateModified"), "2000");
    assert_eq!(client.info(&file).await.ok().text("DateModified"), "2000");
    // The time of the beginning counts when the end gives none.
    let begun = created("b", 3_000).await.ok();
    let (file, location) = (begun.text("FileId"), begun.text("TempLocation"));
    client.chunk(&file, &location, 0, b"b").await.ok();
    assert_eq!(client.close_upload(&file, &location, 1).await.ok().text("DateModified"), "3000");
    created("c", -1).await.refused(400);

    let settings = |time: serde_json::Value| json!({"file_id": file, "file_modification_time": time, "file_ispublic": 2});
    client.put("file/filesettings.json", settings(json!("-1"))).await.refused(400);
    assert_eq!(client.info(&file).await.ok().text("Access"), "0", "nothing of it was done");
    let set = client.put("file/filesettings.json", settings(json!("0"))).await.ok();
    assert_eq!((set.text("DateModified"), set.text("Access")), ("0".into(), "2".into()));
}

#[tokio::test]
async fn folders_and_files_of_one_name_in_one_call() {
    let simulator = start_with(|behaviour| behaviour.folder_namesakes = FolderNamesakes::Made);
    let client = Client::login(&simulator).await;
    client.make_folder("0", "both").await.ok();
    client.make_folder("0", "BOTH").await.ok();
    client.create_file("0", "Both").await.ok();
    let found = client.by_name("0", "both").await;
    assert_eq!(
        (found["Folders"].as_array().map(Vec::len), found["Files"].as_array().map(Vec::len)),
        (Some(2), Some(1))
    );
}
