//! Uploads in chunks, settings, the quota.

use opendrive_sim::{Options, Simulator};
use serde_json::json;

use crate::client::{Client, md5, start};

fn pattern(size: usize) -> Vec<u8> {
    let mut data = vec![0; size];
    opendrive_sim::generated_bytes(1, 0, &mut data);
    data
}

#[tokio::test]
async fn uploads_of_no_one_and_several_chunks() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    for size in [0, 1, 999, 1000, 1001, 3500] {
        let data = pattern(size);
        let name = size.to_string();
        let (file, closed) = client.upload("0", &name, &data, 1000).await;
        let mut closed = closed.ok().json();
        assert!(closed["DirUpdateTime"].is_i64());
        closed.as_object_mut().expect("a record").remove("DirUpdateTime");
        // The whole record, in which the size alone is a number.
        let mut info = client.info(&file).await.ok().json();
        assert_eq!(
            (&info["FileId"], &info["FileHash"], &info["Access"]),
            (&json!(file), &json!(md5(&data)), &json!("0"))
        );
        assert_eq!(info["Size"], size.to_string());
        info["Size"] = json!(size);
        assert_eq!(closed, info);
        assert_eq!(simulator.drive().read_file(&name), Some(data.clone()));
        assert_eq!(client.download(&file, None).await.ok().body, data);
        assert_eq!(client.info(&file).await.ok().text("FileHash"), md5(&data));
    }
    assert!(simulator.open_uploads().is_empty());
    assert_eq!(simulator.calls().bytes_up, 1 + 999 + 1000 + 1001 + 3500);
}

#[tokio::test]
async fn content_changes_only_at_the_end() {
    let simulator = start();
    let file = simulator.drive().put_file("f", "before", 7);
    let client = Client::login(&simulator).await;
    let location = client.open_upload(&file, 5).await.ok().text("TempLocation");
    client.chunk(&file, &location, 0, b"after").await.ok();
    let open = simulator.open_uploads();
    assert_eq!((open.len(), open[0].path.as_str(), open[0].size, open[0].written), (1, "f", 5, 5));
    assert_eq!(client.download(&file, None).await.body, b"before");
    client.close_upload(&file, &location, 5).await.ok();
    assert_eq!(client.download(&file, None).await.body, b"after");
    client.close_upload(&file, &location, 5).await.refused(404);
}

#[tokio::test]
async fn chunks_come_in_order_and_once() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    let file = client.create_file("0", "f").await.ok().text("FileId");
    let location = client.open_upload(&file, 6).await.ok().text("TempLocation");
    let refused =
        async |offset, data: &[u8]| client.chunk(&file, &location, offset, data).await.refused(400);
    assert_eq!(refused(3, b"def").await, "Incorrect chunk offset: uploaded=0, chunk_offset=3");
    client.chunk(&file, &location, 0, b"abc").await.ok();
    assert_eq!(refused(0, b"ABC").await, "Incorrect chunk offset: uploaded=3, chunk_offset=0");
    client.chunk_of_size(&file, &location, 3, 3, b"de").await.refused(400);
    let short = client.close_upload(&file, &location, 6).await.refused(400);
    assert_eq!(short, "Invalid upload file size. Total uploaded=3. File size=6");
    client.chunk(&file, &location, 3, b"def").await.ok();
    assert_eq!(refused(0, b"abc").await, "Incorrect chunk offset: uploaded=6, chunk_offset=0");
    client.close_upload(&file, &location, 5).await.refused(400);
    let closed = client.close_upload(&file, &location, 6).await.ok();
    assert_eq!(closed.text("FileHash"), md5(b"abcdef"));
    client.chunk(&file, "/tmp/other", 0, b"abc").await.refused(404);
}

#[tokio::test]
async fn large_uploads_go_to_a_temporary_file() {
    let simulator = Simulator::start(Options { spool_threshold: 2500, ..Options::default() })
        .expect("a simulator");
    let client = Client::login(&simulator).await;
    let data = pattern(7777);
    let (file, closed) = client.upload("0", "large", &data, 1000).await;
    assert_eq!(closed.ok().text("FileHash"), md5(&data));
    assert_eq!(client.download(&file, None).await.ok().body, data);
    assert_eq!(client.download(&file, Some("bytes=2400-2600")).await.ok().body, data[2400..=2600]);
}

#[tokio::test]
async fn discarded_uploads_keep_size_and_hash() {
    let simulator = Simulator::start(Options { discard_uploads: true, ..Options::default() })
        .expect("a simulator");
    let client = Client::login(&simulator).await;
    let data = pattern(5000);
    let (file, closed) = client.upload("0", "gone", &data, 1000).await;
    assert_eq!(closed.ok().text("FileHash"), md5(&data));
    assert_eq!(client.info(&file).await.ok().text("Size"), "5000");
    client.download(&file, None).await.refused(422);
    assert_eq!(simulator.drive().read_file("gone"), None);
}

#[tokio::test]
async fn settings_and_access() {
    let simulator = start();
    let file = simulator.drive().put_file("f", "x", 7);
    let client = Client::login(&simulator).await;
    let settings = |time| json!({"file_id": file, "file_modification_time": time});
    client.put("file/filesettings.json", settings("1234567890")).await.ok();
    assert_eq!(client.info(&file).await.text("DateModified"), "1234567890");
    client.put("file/filesettings.json", settings("yesterday")).await.refused(400);
    client.post("file/access.json", json!({"file_id": file, "file_ispublic": 1})).await.ok();
    assert_eq!(client.info(&file).await.text("Access"), "1");
    client
        .post("file/access.json", json!({"file_id": file, "file_ispublic": 3}))
        .await
        .refused(400);
}

#[tokio::test]
async fn quota_refuses_what_does_not_fit() {
    let simulator = start();
    simulator.drive().put_file("old", vec![0; 600], 1);
    simulator.drive().set_quota(Some(1000));
    let client = Client::login(&simulator).await;
    let file = client.create_file("0", "new").await.ok().text("FileId");
    assert_eq!(
        client.open_upload(&file, 401).await.refused(507),
        "Not enough space in the storage"
    );
    // Two that fit alone but not together: the second is refused when its bytes come.
    let location = client.open_upload(&file, 400).await.ok().text("TempLocation");
    simulator.drive().put_file("meanwhile", vec![0; 100], 1);
    client.chunk(&file, &location, 0, &[0; 400]).await.refused(507);
    assert_eq!(simulator.drive().usage(), (700, Some(1000)));
}
