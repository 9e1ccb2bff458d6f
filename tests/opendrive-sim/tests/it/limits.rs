//! Downloads at once, speed, volume, size, captcha.

use std::time::{Duration, Instant};

use opendrive_sim::{Fault, Options, Simulator, VolumeAnswer, What, texts};
use serde_json::json;

use crate::client::{Begun, Client, start, start_with, wait_until};

/// More bytes than are on their way while nobody reads: such a download is open until it is read.
const LARGE: u64 = 12 << 20;

/// Begins to download seven files at once, and gives what has come when each was answered. None of
/// them is over then, however long that takes.
async fn seven_at_once(simulator: &Simulator, client: &Client) -> Vec<Begun> {
    let files: Vec<String> =
        (0..7).map(|at| simulator.drive().put_generated(&format!("{at}"), LARGE, at, 1)).collect();
    let downloads: Vec<_> = files
        .into_iter()
        .map(|file| {
            let client = client.clone();
            tokio::spawn(async move { client.begin_download(&file).await })
        })
        .collect();
    let mut begun = Vec::new();
    for download in downloads {
        begun.push(download.await.expect("a download"));
    }
    begun
}

fn statuses(begun: &[Begun]) -> Vec<u16> {
    let mut statuses: Vec<u16> = begun.iter().map(Begun::status).collect();
    statuses.sort();
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn six_downloads_at_once_from_one_address() {
    let simulator = start();
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        simulator.reset_calls();
        let begun = seven_at_once(&simulator, &client).await;
        assert_eq!(statuses(&begun), [200, 200, 200, 200, 200, 200, 429], "http2 {http2}");
        for download in begun {
            let reply = download.read().await;
            if reply.status == 429 {
                assert_eq!(reply.refused(429), texts::TOO_MANY_DOWNLOADS);
                assert!(reply.headers.get("retry-after").is_none());
            } else {
                assert_eq!(reply.body.len() as u64, LARGE);
            }
        }
        let calls = simulator.calls();
        assert_eq!(
            (calls.refused_downloads, calls.refused, calls.peak_downloads, calls.downloads),
            (1, 0, 6, 0)
        );
        assert_eq!((calls.bytes_down, calls.by_status[&429]), (6 * LARGE, 1));
    }

    // Another account or session makes no difference, another address does.
    let mut elsewhere = Client::login(&simulator).await;
    elsewhere.from = [127, 0, 0, 2].into();
    let here = Client::login(&simulator).await;
    simulator.reset_calls();
    let (one, other) =
        tokio::join!(seven_at_once(&simulator, &here), seven_at_once(&simulator, &elsewhere));
    assert_eq!((statuses(&one).last(), statuses(&other).last()), (Some(&429), Some(&429)));
    assert_eq!((simulator.calls().refused_downloads, simulator.calls().peak_downloads), (2, 12));
    drop((one, other));

    for (most, expected) in [(Some(3), [200, 200, 200, 429, 429, 429, 429]), (None, [200; 7])] {
        // What nobody reads on was given up, which shows a little later.
        wait_until(|| simulator.calls().downloads == 0).await;
        simulator.change_behaviour(|behaviour| behaviour.max_downloads = most);
        assert_eq!(statuses(&seven_at_once(&simulator, &here).await), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_counts_from_its_request_to_its_last_byte() {
    let simulator = start_with(|behaviour| behaviour.max_downloads = Some(1));
    let (one, two) =
        (simulator.drive().put_file("one", "1", 1), simulator.drive().put_file("two", "2", 1));
    let client = Client::login(&simulator).await;
    // While the first waits for its answer the second is refused.
    simulator.add_fault(Fault::new(What::Delay { ms: 600_000 }).item("one"));
    let first = tokio::spawn({
        let (client, one) = (client.clone(), one.clone());
        async move { client.download(&one, None).await.status }
    });
    wait_until(|| simulator.calls().downloads == 1).await;
    client.download(&two, None).await.refused(429);
    first.abort();
    wait_until(|| simulator.calls().downloads == 0).await;
    assert_eq!(client.download(&one, None).await.ok().body, b"1");
    client.download(&two, None).await.ok();
    // One that is refused for another reason ends too, and so does one that the client breaks off.
    client.download("nonsense", None).await.refused(404);
    simulator.add_fault(Fault::new(What::StallBody { after: 0, ms: None }).item("two"));
    let stalled = tokio::spawn({
        let (client, two) = (client.clone(), two.clone());
        async move { client.download(&two, None).await.status }
    });
    wait_until(|| simulator.calls().downloads == 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stalled.is_finished(), "it came");
    stalled.abort();
    wait_until(|| simulator.calls().downloads == 0).await;
    client.download(&two, None).await.ok();
    assert!(simulator.unused_faults().is_empty());
}

/// Times are asserted from below only: machines differ, but nothing may come faster than it is
/// allowed to.
#[tokio::test(flavor = "multi_thread")]
async fn downloads_and_chunks_have_a_speed_of_their_own() {
    let simulator = start();
    let data = vec![7; 60_000];
    let file = simulator.drive().put_file("f", data.clone(), 1);
    let client = Client::login(&simulator).await;
    client.download(&file, None).await.ok();
    simulator.change_behaviour(|behaviour| {
        behaviour.download_speed = Some(100_000);
        behaviour.upload_speed = Some(100_000);
    });
    let least = Duration::from_millis(590);
    let begun = Instant::now();
    let (one, two) =
        tokio::join!(client.download(&file, None), client.download(&file, Some("bytes=0-59999")));
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    assert_eq!((one.body, two.body.len()), (data.clone(), data.len()));

    let created = client.create_sized("0", "up", 120_000, "").await.ok();
    let (up, location) = (created.text("FileId"), created.text("TempLocation"));
    assert_eq!(created.json()["SpeedLimit"], 100_000);
    // The bytes are swallowed at once and the answer is late: whoever hangs up finds them there.
    let hung_up = tokio::spawn({
        let (client, up) = (client.clone(), up.clone());
        let (location, data) = (location.clone(), data.clone());
        async move { client.chunk(&up, &location, 0, &data).await.status }
    });
    wait_until(|| simulator.open_uploads().iter().any(|upload| upload.written == 60_000)).await;
    hung_up.abort();
    let again = client.chunk(&up, &location, 0, &data).await.refused(400);
    assert_eq!(again, "Incorrect chunk offset: uploaded=60000, chunk_offset=0");
    let begun = Instant::now();
    client.chunk2(&up, &location, 60_000, &data).await.ok();
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    client.close_upload(&up, &location, 120_000).await.ok();
}

#[tokio::test]
async fn daily_volume_used_up() {
    let simulator = start_with(|behaviour| behaviour.daily_volume = Some(2 << 20));
    let file = simulator.drive().put_generated("f", 1 << 20, 1, 1);
    let client = Client::login(&simulator).await;
    let info = async || client.get(&format!("users/info.json/{}", client.session)).await.ok();
    client.download(&file, None).await.ok();
    client.download(&file, Some("bytes=0-524287")).await.ok();
    assert_eq!(
        (info().await.text("BwUsed"), info().await.text("BwMax")),
        ((3 << 19).to_string(), "2".into())
    );
    // What has begun is ended, and then nothing comes.
    assert_eq!(client.download(&file, None).await.ok().body.len(), 1 << 20);
    simulator.reset_calls();
    for range in [None, Some("bytes=5-9")] {
        let reply = client.download(&file, range).await;
        assert_eq!(
            (reply.status, &reply.headers["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
        assert_eq!(
            (&reply.json()["BWExceeded"], &reply.json()["FileId"]),
            (&json!(1), &json!(file))
        );
    }
    simulator.change_behaviour(|behaviour| behaviour.volume_answer = VolumeAnswer::Text);
    let reply = client.download(&file, None).await;
    assert_eq!((reply.status, reply.body), (200, texts::VOLUME_USED_UP.into()));
    assert_eq!((simulator.calls().bytes_down, simulator.calls().refused), (0, 0));
    client.list("0").await.ok();
    simulator.reset_volume();
    assert_eq!(client.download(&file, None).await.ok().body.len(), 1 << 20);

    // The same as a fault, at any moment.
    simulator.change_behaviour(|behaviour| behaviour.daily_volume = None);
    for (answer, body) in
        [(VolumeAnswer::Record, "\"BWExceeded\":1"), (VolumeAnswer::Text, texts::VOLUME_USED_UP)]
    {
        simulator.set_faults(vec![Fault::new(What::VolumeUsedUp { answer })]);
        let reply = client.download(&file, None).await.ok();
        assert!(String::from_utf8_lossy(&reply.body).contains(body), "{reply:?}");
        assert_eq!(client.download(&file, None).await.ok().body.len(), 1 << 20);
    }
}

#[tokio::test]
async fn ranges_ignored() {
    let simulator = start_with(|behaviour| behaviour.ranges = false);
    let file = simulator.drive().put_file("f", "0123456789", 1);
    let client = Client::login(&simulator).await;
    let reply = client.download(&file, Some("bytes=2-4")).await;
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"0123456789"[..]));
    assert!(reply.headers.get("content-range").is_none());
}

#[tokio::test]
async fn files_that_are_too_large() {
    let simulator = start_with(|behaviour| behaviour.max_file_size = Some(2 << 20));
    let mut client = Client::new(&simulator, false);
    let account = json!({"username": simulator.username(), "passwd": simulator.password()});
    let login = client.post("session/login.json", account).await.ok();
    client.session = login.text("SessionID");
    // In MB, as the other limits.
    assert_eq!(login.text("MaxFileSize"), "2");
    let info = async || client.get(&format!("users/info.json/{}", client.session)).await.ok();
    assert_eq!(info().await.text("MaxFileSize"), "2");
    client.create_sized("0", "large", (2 << 20) + 1, "").await.refused(400);
    assert!(simulator.drive().tree().is_empty());
    let file = client.create_sized("0", "fits", 2 << 20, "").await.ok().text("FileId");
    client.open_upload(&file, (2 << 20) + 1).await.refused(400);
    simulator.change_behaviour(|behaviour| behaviour.max_file_size = None);
    assert_eq!(info().await.text("MaxFileSize"), "102400");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zip_of_a_folder_is_a_download() {
    let simulator = start_with(|behaviour| behaviour.max_downloads = Some(1));
    let drive = simulator.drive();
    let (file, folder) = (drive.put_file("in/file", vec![7; 60_000], 1), drive.make_folder("in"));
    let client = Client::login(&simulator).await;
    let zip = async || client.post("download/all.json", json!({"folders": folder.as_str()})).await;
    // One that stalls has the only place.
    simulator.add_fault(Fault::new(What::StallBody { after: 0, ms: None }));
    let stalled = tokio::spawn({
        let (client, file) = (client.clone(), file.clone());
        async move { client.download(&file, None).await.status }
    });
    wait_until(|| simulator.calls().downloads == 1).await;
    assert_eq!(zip().await.refused(429), texts::TOO_MANY_DOWNLOADS);
    assert_eq!((simulator.calls().refused_downloads, simulator.calls().refused), (1, 0));
    stalled.abort();
    wait_until(|| simulator.calls().downloads == 0).await;

    // It comes no faster than it is allowed to, and counts for the volume.
    simulator.change_behaviour(|behaviour| {
        behaviour.download_speed = Some(100_000);
        behaviour.daily_volume = Some(60_000);
    });
    simulator.reset_calls();
    let begun = Instant::now();
    let whole = zip().await.ok();
    assert!(begun.elapsed() >= Duration::from_millis(590), "{:?}", begun.elapsed());
    assert_eq!(whole.headers["content-type"], "application/zip");
    assert_eq!(simulator.calls().bytes_down, whole.body.len() as u64);
    assert_eq!((simulator.calls().peak_downloads, simulator.calls().downloads), (1, 0));
    assert_eq!(zip().await.ok().json()["BWExceeded"], 1);
    simulator.reset_volume();
    assert_eq!(zip().await.ok().body, whole.body);
}

#[tokio::test]
async fn captcha_after_failed_logins() {
    let simulator = start_with(|behaviour| behaviour.captcha_after = Some(3));
    let client = Client::new(&simulator, false);
    let login = async |password: &str| {
        client
            .post(
                "session/login.json",
                json!({"username": simulator.username(), "passwd": password}),
            )
            .await
    };
    login("wrong").await.refused(401);
    login("wrong").await.refused(401);
    login(simulator.password()).await.ok();
    for _ in 0..3 {
        login("wrong").await.refused(401);
    }
    assert_eq!(login(simulator.password()).await.refused(403), texts::CAPTCHA);
    assert_eq!(login("wrong").await.refused(403), texts::CAPTCHA);
    simulator.solve_captcha();
    login(simulator.password()).await.ok();
}

#[tokio::test]
async fn counters_tell_traffic_and_refusals_apart() {
    let simulator = Simulator::start(Options::default()).expect("a simulator");
    let file = simulator.drive().put_file("f", vec![1; 5000], 1);
    let client = Client::login(&simulator).await;
    simulator.reset_calls();
    client.download(&file, Some("bytes=0-999")).await.ok();
    let listed = client.list("0").await.ok().body.len() as u64;
    let refusal = client.list("nonsense").await;
    let location = client.open_upload(&file, 10).await.ok();
    let answers = listed + refusal.body.len() as u64 + location.body.len() as u64;
    client.chunk(&file, "/tmp/other", 0, &[0; 300]).await.refused(404);
    simulator.add_fault(Fault::refused(503, "Busy").endpoint("upload/upload_file_chunk"));
    client.chunk(&file, &location.text("TempLocation"), 0, &[0; 10]).await.refused(503);
    let calls = simulator.calls();
    assert_eq!(
        (calls.total, calls.bytes_down, calls.bytes_up, calls.refused, calls.refused_downloads),
        (6, 1000, 310, 3, 0)
    );
    let by_endpoint: Vec<_> = calls
        .refused_by_endpoint
        .iter()
        .map(|(endpoint, count)| (endpoint.as_str(), *count))
        .collect();
    assert_eq!(by_endpoint, [("folder/list", 1), ("upload/upload_file_chunk", 2)]);
    assert!(calls.bytes_answers > answers, "{} of {answers}", calls.bytes_answers);
}
