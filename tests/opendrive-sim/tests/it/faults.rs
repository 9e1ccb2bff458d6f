//! Each kind of fault, and which calls it finds.

use std::time::{Duration, Instant};

use opendrive_sim::{Answer, Fault, What, texts};

use crate::client::{Client, md5, start, wait_until};

fn status(code: u16) -> What {
    What::Status { code, message: "Injected".into(), retry_after: None }
}

#[tokio::test]
async fn status_with_skip_and_times() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    let what = What::Status { code: 429, message: "Rate exceeded".into(), retry_after: Some(3) };
    simulator.add_fault(Fault::new(what).endpoint("folder/list").skip(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let reply = client.list("0").await;
        if reply.status == 429 {
            assert_eq!(reply.refused(429), "Rate exceeded");
            assert_eq!(reply.headers["retry-after"], "3");
        }
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [200, 429, 429, 200, 200]);
    assert!(simulator.unused_faults().is_empty());
}

#[tokio::test]
async fn items_are_found_by_path_or_name() {
    let simulator = start();
    let (a, b) = (
        simulator.drive().put_file("x/Name", "1", 1),
        simulator.drive().put_file("y/Name", "2", 1),
    );
    let client = Client::login(&simulator).await;
    simulator.set_faults(vec![Fault::new(status(500)).item("X/name").always()]);
    client.info(&a).await.refused(500);
    client.info(&b).await.ok();
    simulator.set_faults(vec![Fault::new(status(500)).item("name").always()]);
    client.info(&a).await.refused(500);
    client.info(&b).await.refused(500);
    simulator.set_faults(vec![Fault::new(status(500)).item("/name").endpoint("file/info")]);
    client.info(&a).await.ok();
    assert_eq!(simulator.unused_faults().len(), 1);
}

#[tokio::test]
async fn what_another_client_removes_is_gone_when_the_call_is_done() {
    let simulator = start();
    simulator.drive().put_file("in/file", "1", 1);
    let folder = simulator.drive().make_folder("in");
    let client = Client::login(&simulator).await;
    let removes = What::Remove { path: "in/file".into() };
    simulator.add_fault(Fault::new(removes).endpoint("folder/list").item("/in").skip(1));
    for expected in [1, 0, 0] {
        let listed = client.list(&folder).await.ok().json();
        assert_eq!(listed["Files"].as_array().map(Vec::len), Some(expected));
    }
    assert!(simulator.unused_faults().is_empty());
}

#[tokio::test]
async fn unlistable_folders() {
    let simulator = start();
    let folder = simulator.drive().make_folder("a/b");
    simulator.make_unlistable("a/b/");
    let client = Client::login(&simulator).await;
    client.list("0").await.ok();
    client.list(&folder).await.refused(403);
    client.list(&folder).await.refused(403);
    simulator.set_faults(vec![Fault::unlistable("")]);
    client.list("0").await.refused(403);
    client.list(&folder).await.ok();
}

#[tokio::test]
async fn chance_is_repeatable() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let simulator = start();
        let client = Client::login(&simulator).await;
        simulator.add_fault(Fault::new(status(503)).chance(0.5, 9).endpoint("folder/list"));
        let mut run = Vec::new();
        for _ in 0..20 {
            run.push(client.list("0").await.status);
        }
        let failed = run.iter().filter(|status| **status == 503).count();
        assert!((4..=16).contains(&failed), "{failed} of 20");
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn delay() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    simulator.add_fault(Fault::new(What::Delay { ms: 150 }).endpoint("folder/list"));
    let begun = Instant::now();
    client.list("0").await.ok();
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn downloads_cut_short() {
    let simulator = start();
    let size = 1_000_000;
    let file = simulator.drive().put_generated("f", size, 1, 1);
    let small = simulator.drive().put_file("small", "0123456789", 1);
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        for after in [0, 1, 300_000] {
            simulator.set_faults(vec![Fault::new(What::CutBody { after }).item("f")]);
            let reply = client.download(&file, None).await;
            assert!(reply.broken);
            assert_eq!(reply.headers["content-length"], size.to_string());
            assert_eq!(reply.body.len() as u64, after, "http2 {http2}");
            assert!(!client.download(&file, None).await.broken);
        }
        simulator.set_faults(vec![Fault::new(What::CutBody { after: 10 })]);
        assert!(!client.download(&small, None).await.broken);
        assert_eq!(simulator.unused_faults().len(), 1);
        assert_eq!(client.download(&file, Some("bytes=500-999")).await.body.len(), 10);
    }
}

#[tokio::test]
async fn corrupt_downloads_differ_in_one_byte() {
    let simulator = start();
    let file = simulator.drive().put_generated("f", 1_000_000, 1, 1);
    let client = Client::login(&simulator).await;
    simulator.add_fault(Fault::new(What::CorruptBody));
    let corrupt = client.download(&file, None).await.ok().body;
    let whole = client.download(&file, None).await.ok().body;
    assert_eq!(corrupt.iter().zip(&whole).filter(|(a, b)| a != b).count(), 1);
    assert_eq!(corrupt.len(), whole.len());
}

#[tokio::test]
async fn connections_dropped_without_an_answer() {
    let simulator = start();
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        let body = |name: &str| serde_json::json!({"folder_name": name, "folder_sub_parent": "0"});
        simulator.set_faults(vec![Fault::new(What::Reset).endpoint("folder/create")]);
        assert!(client.try_post("folder.json", body(&format!("reset {http2}"))).await.is_err());
        simulator.set_faults(vec![Fault::new(What::LoseAnswer).endpoint("folder/create")]);
        assert!(client.try_post("folder.json", body(&format!("lost {http2}"))).await.is_err());
        assert!(simulator.unused_faults().is_empty());
        client.list("0").await.ok();
    }
    let names: Vec<String> = simulator.drive().tree().into_keys().collect();
    assert_eq!(names, ["lost false", "lost true"]);
    assert_eq!(simulator.calls().by_status[&0], 4);
}

#[tokio::test]
async fn sessions_expire_in_the_middle() {
    let simulator = start();
    let mut client = Client::login(&simulator).await;
    simulator.add_fault(Fault::new(What::ExpireSessions).endpoint("folder/list").skip(1));
    client.list("0").await.ok();
    assert_eq!(client.list("0").await.refused(401), texts::SESSION_OVER);
    client.info("F1").await.refused(401);
    client.login_again(&simulator).await;
    client.list("0").await.ok();
}

#[tokio::test]
async fn one_session_expires_and_others_do_not() {
    let simulator = start();
    let (one, other) = (Client::login(&simulator).await, Client::login(&simulator).await);
    simulator.add_fault(Fault::new(What::ExpireSession).endpoint("folder/list").skip(1));
    other.list("0").await.ok();
    assert_eq!(one.list("0").await.refused(401), texts::SESSION_OVER);
    one.list("0").await.refused(401);
    other.list("0").await.ok();
    assert_eq!(simulator.unused_faults(), []);
}

#[tokio::test]
async fn lies_about_uploads() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    simulator.add_fault(Fault::new(What::LieHash));
    let (file, closed) = client.upload("0", "hash", b"data", 10).await;
    assert_ne!(closed.ok().text("FileHash"), md5(b"data"));
    assert_eq!(client.info(&file).await.ok().text("FileHash"), md5(b"data"));
    simulator.add_fault(Fault::new(What::LieSize));
    let (file, closed) = client.upload("0", "size", b"data", 10).await;
    assert_eq!(closed.ok().json()["Size"], 5);
    simulator.add_fault(Fault::new(What::LieHash).endpoint("file/info"));
    simulator.add_fault(Fault::new(What::LieSize).endpoint("file/info"));
    let info = client.info(&file).await.ok();
    assert_ne!(info.text("FileHash"), md5(b"data"));
    assert_eq!(info.text("Size"), "5");
    assert!(simulator.unused_faults().is_empty());
}

#[tokio::test]
async fn corrupt_uploads_have_another_hash() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    simulator.add_fault(Fault::new(What::CorruptUpload).skip(1));
    let (_, closed) = client.upload("0", "f", b"abcdef", 3).await;
    let stored = simulator.drive().read_file("f").expect("bytes");
    assert_eq!(stored, [b'a', b'b', b'c', b'd' ^ 0xff, b'e', b'f']);
    assert_eq!(closed.ok().text("FileHash"), md5(&stored));
}

#[tokio::test]
async fn names_lag() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    // Long enough for what is asked meanwhile.
    simulator.add_fault(Fault::new(What::LagNames { seconds: 3.0 }));
    let file = client.create_file("0", "late").await.ok().text("FileId");
    let visible =
        async || client.by_name("0", "late").await["Files"].as_array().map(Vec::len) == Some(1);
    assert!(!visible().await);
    client.create_file("0", "late").await.refused(409);
    client.info(&file).await.ok();
    assert_eq!(client.list("0").await.json()["Files"].as_array().map(Vec::len), Some(1));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(visible().await);
}

#[tokio::test]
async fn planted_answers() {
    let simulator = start();
    let folder = simulator.drive().make_folder("a");
    for http2 in [false, true] {
        let client = Client::login_with(&simulator, http2).await;
        let planted = Answer { code: 203, ..Answer::new(b"<html>\xff") };
        simulator
            .set_faults(vec![Fault::new(What::Answer(planted)).endpoint("folder/list").item("/a")]);
        client.list("0").await.ok();
        let reply = client.list(&folder).await;
        assert_eq!((reply.status, reply.body), (203, b"<html>\xff".to_vec()));
        client.list(&folder).await.ok();

        let planted = Answer { gzip: true, ..Answer::new("[]") };
        simulator.set_faults(vec![Fault::new(What::Answer(planted))]);
        let reply = client.list(&folder).await;
        assert_eq!(
            (&reply.headers["content-encoding"], &reply.body[..2]),
            (&"gzip".parse().unwrap(), &[0x1f, 0x8b][..])
        );

        let planted = Answer { endless: "x".into(), ..Answer::new("{") };
        simulator.set_faults(vec![Fault::new(What::Answer(planted))]);
        let endless = tokio::time::timeout(Duration::from_millis(200), client.list(&folder)).await;
        assert!(endless.is_err(), "it ended");
    }
    // Nothing of it was done, and whoever hangs up ends it.
    simulator
        .set_faults(vec![Fault::new(What::Answer(Answer::new("{}"))).endpoint("folder/create")]);
    let client = Client::login(&simulator).await;
    client.make_folder("0", "b").await.ok();
    assert_eq!(simulator.drive().tree().into_keys().collect::<Vec<_>>(), ["a"]);
    // Endless answers go on no longer than there is a client.
    wait_until(|| simulator.calls().in_flight == 0).await;
}
