//! Downloads: ranges, generated files, speed.

use std::time::Instant;

use opendrive_sim::generated_bytes;

use crate::client::{Client, md5, start};

#[tokio::test]
async fn ranges() {
    let simulator = start();
    let file = simulator.drive().put_file("f", "0123456789", 1);
    let empty = simulator.drive().put_file("empty", "", 1);
    let client = Client::login(&simulator).await;
    for (range, body, header) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let reply = client.download(&file, Some(range)).await;
        assert_eq!((reply.status, reply.body.as_slice()), (206, body.as_bytes()), "{range}");
        assert_eq!(reply.headers["content-range"], header);
        assert_eq!(reply.headers["content-length"], body.len().to_string());
    }
    client.download(&file, Some("bytes=10-")).await.refused(416);
    client.download(&empty, Some("bytes=0-0")).await.refused(416);
    let reply = client.download(&empty, None).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(simulator.calls().bytes_down, 3 + 3 + 2 + 2);
    let log = simulator.call_log();
    let ranged = log.iter().find(|record| record.offset == Some(7)).expect("a record");
    assert_eq!(
        (ranged.endpoint, ranged.item.as_str(), ranged.length, ranged.status),
        ("download/file", "f", 3, 206)
    );
}

#[tokio::test]
async fn generated_files_are_what_their_hash_says() {
    let simulator = start();
    let size = 3_000_001;
    let file = simulator.drive().put_generated("big/generated", size, 42, 1);
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        let body = client.download(&file, None).await.ok().body;
        assert_eq!(body.len() as u64, size);
        assert_eq!(client.info(&file).await.ok().text("FileHash"), md5(&body));
        let part = client.download(&file, Some("bytes=1234567-1234999")).await.ok().body;
        let mut expected = vec![0; 433];
        generated_bytes(42, 1_234_567, &mut expected);
        assert_eq!(part, expected);
    }
    assert_eq!(
        simulator.drive().tree()["big/generated"].md5,
        Some(md5(&simulator.drive().read_file("big/generated").expect("bytes")))
    );
}

/// No assertion on time: machines differ. Run with `--nocapture` and `--release` to see the
/// figures.
#[tokio::test(flavor = "multi_thread")]
async fn speed() {
    let simulator = start();
    let size: u64 = if cfg!(debug_assertions) { 100_000_000 } else { 1_000_000_000 };
    let generated = simulator.drive().put_generated("generated", size, 1, 1);
    let memory = simulator.drive().put_file("memory", vec![7; size as usize], 1);
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        for (name, file) in [("generated", &generated), ("memory", &memory)] {
            let begun = Instant::now();
            let body = client.download(file, None).await.ok().body;
            let seconds = begun.elapsed().as_secs_f64();
            assert_eq!(body.len() as u64, size);
            eprintln!("{name}, http2 {http2}: {:.0} MB/s", size as f64 / 1e6 / seconds);
        }
    }
}
