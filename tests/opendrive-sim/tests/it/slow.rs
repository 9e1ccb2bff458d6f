//! What takes the real drive long: closes, new files, downloads that stop.

use std::time::{Duration, Instant};

use opendrive_sim::{Fault, What, texts};
use serde_json::json;

use crate::client::{Client, md5, start, wait_until};

/// A file of which all has come, and its place.
async fn ready(client: &Client, name: &str) -> (String, String) {
    let created = client.create_sized("0", name, 4, "").await.ok();
    let (file, location) = (created.text("FileId"), created.text("TempLocation"));
    client.chunk(&file, &location, 0, b"data").await.ok();
    (file, location)
}

fn slow(seconds: f64, gives_up: Option<f64>) -> Fault {
    Fault::new(What::SlowClose { seconds, gives_up })
}

/// Waits until a file has all that `ready` has sent.
async fn wait_for_data(client: &Client, file: &str) {
    let begun = Instant::now();
    while client.info(file).await.ok().text("Size") != "4" {
        assert!(begun.elapsed() < Duration::from_secs(60), "the close does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_slow_close_works_on() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    simulator.add_fault(slow(2.0, None).times(1));
    let (file, location) = ready(&client, "f").await;
    let begun = Instant::now();
    let close = async || client.close_upload(&file, &location, 4).await;
    let (first, second) = tokio::join!(close(), async {
        // The first has come.
        wait_until(|| simulator.open_uploads().is_empty()).await;
        let info = client.info(&file).await.ok();
        (close().await, info.text("Size"), info.text("FileHash"))
    });
    assert_eq!(
        (second.0.refused(423), second.1, second.2),
        (texts::BEING_PROCESSED.into(), "0".into(), String::new())
    );
    assert_eq!(first.ok().text("FileHash"), md5(b"data"));
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let again = close().await.ok();
    assert_eq!((again.text("FileHash"), &again.json()["Size"]), (md5(b"data"), &json!(4)));
    assert!(simulator.open_uploads().is_empty());
}

/// The callers that don't hear how it went: who hangs up, who is told so by an edge server, who is
/// cut off.
#[tokio::test]
async fn nobody_needs_to_wait_for_a_slow_close() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    // Long enough that none is done when it is asked for once more.
    simulator.set_faults(vec![
        slow(3.0, None).item("hung up"),
        slow(3.0, Some(0.1)).item("told"),
        slow(3.0, None).item("cut"),
    ]);
    simulator
        .add_fault(Fault::new(What::LoseAnswer).item("cut").endpoint("upload/close_file_upload"));
    let hung_up = ready(&client, "hung up").await;
    let close = tokio::spawn({
        let (client, (file, location)) = (client.clone(), hung_up.clone());
        async move { client.close_upload(&file, &location, 4).await.status }
    });
    wait_until(|| simulator.open_uploads().is_empty()).await;
    close.abort();
    let told = ready(&client, "told").await;
    let reply = client.close_upload(&told.0, &told.1, 4).await;
    assert_eq!(
        (reply.status, &reply.headers["content-type"]),
        (504, &"text/html".parse().unwrap())
    );
    let cut = ready(&client, "cut").await;
    let body = json!({"file_id": cut.0, "file_size": 4, "temp_location": cut.1});
    assert!(client.try_post("upload/close_file_upload.json", body).await.is_err());
    for (file, location) in [&told, &cut] {
        client.close_upload(file, location, 4).await.refused(423);
    }
    for (file, location) in [hung_up, told, cut] {
        wait_for_data(&client, &file).await;
        assert_eq!(
            client.close_upload(&file, &location, 4).await.ok().text("FileHash"),
            md5(b"data")
        );
    }
    assert!(simulator.unused_faults().is_empty());
}

#[tokio::test]
async fn slow_closes_end_with_their_upload() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    // It fires once for each upload, however often that is closed.
    simulator.add_fault(slow(2.0, Some(0.0)).times(2));
    let (file, location) = ready(&client, "one").await;
    assert_eq!(client.close_upload(&file, &location, 4).await.status, 504);
    client.close_upload(&file, &location, 4).await.refused(423);
    let (other, its_location) = ready(&client, "two").await;
    assert_eq!(client.close_upload(&other, &its_location, 4).await.status, 504);
    wait_for_data(&client, &file).await;
    wait_for_data(&client, &other).await;
    client.close_upload(&file, &location, 4).await.ok();
    // A file that was removed meanwhile is not made again, and a new upload of it is a new one.
    let location = client.open_upload(&other, 3).await.ok().text("TempLocation");
    client.chunk(&other, &location, 0, b"new").await.ok();
    assert_eq!(client.close_upload(&other, &location, 3).await.ok().text("FileHash"), md5(b"new"));
    simulator.set_faults(vec![slow(2.0, Some(0.0))]);
    let (gone, location) = ready(&client, "gone").await;
    assert_eq!(client.close_upload(&gone, &location, 4).await.status, 504);
    client.delete_file(&gone).await.ok();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    client.info(&gone).await.refused(404);
    client.close_upload(&gone, &location, 4).await.refused(404);
}

#[tokio::test]
async fn new_files_are_missing_for_a_moment() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    simulator.add_fault(Fault::new(What::LagFiles { seconds: 3.0 }).item("f"));
    let (file, closed) = client.upload("0", "f", b"data", 10).await;
    assert_eq!(closed.ok().text("FileHash"), md5(b"data"));
    assert_eq!(client.info(&file).await.refused(404), texts::NO_FILE);
    assert_eq!(client.download(&file, None).await.refused(404), texts::NO_FILE);
    assert_eq!(client.list("0").await.ok().json()["Files"][0]["FileId"], file);
    tokio::time::sleep(Duration::from_secs(3)).await;
    client.info(&file).await.ok();
    assert_eq!(client.download(&file, None).await.ok().body, b"data");
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_stop_for_a_while_or_for_ever() {
    let simulator = start();
    let data: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    let file = simulator.drive().put_file("f", data.clone(), 1);
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        simulator.set_faults(vec![Fault::new(What::StallBody { after: 300_000, ms: Some(300) })]);
        let begun = Instant::now();
        assert_eq!(client.download(&file, None).await.ok().body, data);
        assert!(begun.elapsed() >= Duration::from_millis(300));
        simulator.set_faults(vec![Fault::new(What::StallBody { after: 699_999, ms: None })]);
        simulator.reset_calls();
        let mut stalled = client.begin_download(&file).await;
        let mut come = 0;
        while come < 699_999 {
            come += stalled.chunk().await.expect("more bytes").len();
        }
        let next = tokio::time::timeout(Duration::from_millis(300), stalled.chunk()).await;
        assert!(next.is_err(), "it went on");
        drop(stalled);
        assert_eq!(client.download(&file, Some("bytes=699999-")).await.ok().body.len(), 1);
        assert!(simulator.unused_faults().is_empty());
        // The broken download is counted too.
        wait_until(|| simulator.calls().downloads == 0).await;
        assert_eq!((come, simulator.calls().bytes_down), (699_999, 699_999 + 1));
    }
}
