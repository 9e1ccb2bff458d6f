//! The importer.

use std::collections::{BTreeMap, HashMap};

use opendrive_sim::{Fault, What};
use plakar_opendrive::plugin::v1_0::proto::importer;
use plakar_opendrive::plugin::v1_0::proto::importer::scan_response::Result as Found;
use support::noise;
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;
use tonic::{Code, Status};

use super::{FOLDER, Importer};

async fn start_importer(config: HashMap<String, String>) -> (Plugin, Importer) {
    let plugin = Plugin::start_v1_0("importer", &[]).await;
    let mut client = Importer::new(plugin.channel.clone());
    let options =
        importer::Options { hostname: "here".into(), max_concurrency: 8, ..Default::default() };
    // 1.0.3 knows no cookie: none comes back, and none is sent in any call of these tests.
    let answer = client
        .init(importer::InitRequest { options: Some(options), proto: "rclone".into(), config })
        .await
        .unwrap();
    assert_eq!(answer.into_inner(), importer::InitResponse::default());
    (plugin, client)
}

/// Scans to the end: paths and what is there. Plakar never comes back from a stream that ends with
/// a status.
async fn scan(client: &mut Importer) -> BTreeMap<String, Found> {
    let mut records = client.scan(importer::ScanRequest::default()).await.unwrap().into_inner();
    let mut found = BTreeMap::new();
    while let Some(record) = records.message().await.expect("Plakar 1.0 loops for ever on this") {
        assert!(found.insert(record.pathname, record.result.unwrap()).is_none());
    }
    found
}

pub async fn read(client: &mut Importer, path: &str) -> Result<Vec<u8>, Status> {
    let request = importer::OpenReaderRequest { pathname: path.to_owned(), ..Default::default() };
    let mut chunks = client.open_reader(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(answer) = chunks.message().await? {
        assert!(
            !answer.chunk.is_empty() && answer.chunk.len() <= 1 << 20,
            "{}",
            answer.chunk.len()
        );
        bytes.extend_from_slice(&answer.chunk);
    }
    Ok(bytes)
}

async fn close(client: &mut Importer, path: &str) {
    client
        .close_reader(importer::CloseReaderRequest {
            pathname: path.to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_scan_and_its_files_side_by_side() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let mut files = BTreeMap::from([
            ("a/empty".to_owned(), vec![]),
            ("b/large".to_owned(), noise(1, 3_500_000)),
        ]);
        files.extend((0..60).map(|n| (format!("c/{n:02}"), noise(n, 10_000))));
        for (path, bytes) in &files {
            place.put(path, bytes, 1_700_000_000).await;
        }
        let (plugin, mut client) = start_importer(place.config("")).await;
        let info = client.info(importer::InfoRequest::default()).await.unwrap().into_inner();
        assert_eq!(
            (info.r#type.as_str(), info.root.as_str()),
            (place.name(), place.root().as_str())
        );
        let found = scan(&mut client).await;
        let mut reads = tokio::task::JoinSet::new();
        for (path, found) in &found {
            let Found::Record(record) = found else { panic!("{path}: {found:?}") };
            let info = record.file_info.clone().unwrap();
            assert_eq!(info.name, if path == "/" { "/" } else { path.rsplit('/').next().unwrap() });
            if info.mode & FOLDER == 0 {
                assert_eq!((info.mode, info.mod_time.unwrap().seconds), (0o600, 1_700_000_000));
                let (mut client, path) = (client.clone(), path.clone());
                reads.spawn(async move {
                    let bytes = read(&mut client, &path).await.unwrap();
                    close(&mut client, &path).await;
                    (path, bytes)
                });
            }
        }
        let read: BTreeMap<_, _> = reads.join_all().await.into_iter().collect();
        let expected: BTreeMap<_, _> = files
            .into_iter()
            .map(|(path, bytes)| (format!("{}/{path}", place.root().trim_end_matches('/')), bytes))
            .collect();
        assert!(read == expected, "{}: {:?}", place.name(), read.keys());
        client.close(importer::CloseRequest::default()).await.unwrap();
        drop(client);
        let (status, stderr) = plugin.hang_up().await;
        assert!(status.success() && stderr.is_empty(), "{status} {stderr}");
    }
}

#[tokio::test]
async fn errors_of_folders_and_files_are_told_and_end_nothing() {
    let place = Place::drive();
    for path in ["good/file", "bad/file", "good/cut"] {
        place.put(path, &noise(1, 3_000_000), 1_700_000_000).await;
    }
    let simulator = place.simulator();
    simulator.add_fault(
        Fault::new(What::Status { code: 403, message: "no".into(), retry_after: None })
            .endpoint("folder/list")
            .item("/bad")
            .always(),
    );
    let (_plugin, mut client) = start_importer(place.config("")).await;
    let found = scan(&mut client).await;
    assert!(
        matches!(&found["/bad"], Found::Error(error) if error.message.contains("cannot list the folder")),
        "{found:?}"
    );
    assert!(matches!(found["/good/file"], Found::Record(_)) && !found.contains_key("/bad/file"));
    simulator.drive().remove("good/cut");
    assert_eq!(read(&mut client, "/good/cut").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(read(&mut client, "/never/told").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(read(&mut client, "/good").await.unwrap_err().code(), Code::NotFound);
    assert!(read(&mut client, "/good/file").await.unwrap() == noise(1, 3_000_000));
    // The base is gone at the second scan: an error record, which Plakar counts, and no status.
    simulator.add_fault(
        Fault::new(What::Status { code: 403, message: "no".into(), retry_after: None })
            .endpoint("folder/list")
            .always(),
    );
    let found = scan(&mut client).await;
    assert!(
        matches!(&found["/"], Found::Error(error) if error.message.contains("cannot open /")),
        "{found:?}"
    );
}

#[tokio::test]
async fn files_that_are_closed_early_or_never_read_hold_up_nobody() {
    let place = Place::drive();
    for n in 0..10 {
        place
            .put(
                &format!("{n:02}"),
                &noise(n, if n == 0 { 12_000_000 } else { 4_000_000 }),
                1_700_000_000,
            )
            .await;
    }
    let mut config = place.config("");
    config.insert("transfers".into(), "2".into());
    let (plugin, mut client) = start_importer(config).await;
    scan(&mut client).await;
    let mut streams = Vec::new();
    for n in 0..10 {
        let path = format!("/{n:02}");
        let mut stream = client
            .open_reader(importer::OpenReaderRequest {
                pathname: path.clone(),
                ..Default::default()
            })
            .await
            .unwrap()
            .into_inner();
        assert!(!stream.message().await.unwrap().unwrap().chunk.is_empty());
        // Plakar closes a file without cancelling its stream.
        streams.push(stream);
        close(&mut client, &path).await;
    }
    // What was closed before its end does not look like a whole file to who reads on.
    let mut first = streams.remove(0);
    let end = loop {
        match first.message().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert_eq!(end.unwrap_err().code(), Code::Aborted);
    #[cfg(target_os = "linux")]
    assert!(plugin.peak_memory() < 300 << 20, "{}", plugin.peak_memory());
    drop(plugin);
}

/// Nothing is acknowledged that is not opened: what Plakar must have passed is let go, and found
/// again if it comes all the same.
#[tokio::test]
async fn files_that_plakar_has_passed_are_let_go_and_can_be_read_all_the_same() {
    let place = Place::drive();
    for n in 0..100 {
        place.put(&format!("{n:03}"), &noise(n, 1000), 1_700_000_000).await;
    }
    let (_plugin, mut client) = start_importer(place.config("")).await;
    scan(&mut client).await;
    let simulator = place.simulator();
    let mut cost = Vec::new();
    for n in [99, 98, 0, 99] {
        simulator.reset_calls();
        assert!(read(&mut client, &format!("/{n:03}")).await.unwrap() == noise(n, 1000));
        close(&mut client, &format!("/{n:03}")).await;
        cost.push(simulator.calls().of("folder/itembyname"));
    }
    // One of 64 workers may have the 98th in its hands when the 99th is opened; the first one
    // nobody has. One that was closed is looked up as well.
    assert!(cost[..2] == [0, 0] && cost[2] > 0 && cost[3] > 0, "{cost:?}");
}

/// Plakar has the attributes that were listed: what is read again must be what they are of.
#[tokio::test]
async fn a_file_that_was_let_go_and_has_changed_since_is_an_error() {
    let place = Place::drive();
    for n in 0..100 {
        place.put(&format!("{n:03}"), &noise(n, 1000), 1_700_000_000).await;
    }
    let (_plugin, mut client) = start_importer(place.config("")).await;
    scan(&mut client).await;
    assert!(read(&mut client, "/099").await.unwrap() == noise(99, 1000));
    close(&mut client, "/099").await;
    let changed = [
        ("000", noise(7, 1000), 1_700_000_000),
        ("001", noise(1, 1001), 1_700_000_000),
        ("002", noise(2, 1000), 1_700_000_001),
        ("099", noise(8, 1000), 1_700_000_000),
    ];
    for (name, bytes, seconds) in changed {
        assert!(place.simulator().drive().set_file(name, bytes, seconds));
        let refused = read(&mut client, &format!("/{name}")).await.unwrap_err();
        assert_eq!(refused.code(), Code::DataLoss, "{name}: {refused}");
        assert!(refused.message().contains("changed since it was listed"), "{name}: {refused}");
    }
    assert!(place.simulator().drive().remove("003"));
    assert_eq!(read(&mut client, "/003").await.unwrap_err().code(), Code::NotFound);
    assert!(read(&mut client, "/004").await.unwrap() == noise(4, 1000));
}
