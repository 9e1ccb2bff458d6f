//! The process: it goes when Plakar goes or a signal comes, soon and leaving nothing half-written, and
//! limits of the machine are errors of the item that met them.

mod common;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::executable;
use common::export::{Exporter, begin_file, send_chunk, send_file};
use common::place::noise;
use common::plugin::Plugin;
use opendrive_sim::{Fault, Options, Simulator, What};
use plakar_opendrive::plugin::v1_1::proto::connectors::Record;
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{ImportRequest, ImportResponse, InitRequest, OpenRequest};
use plakar_opendrive::plugin::v1_1::proto::store;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::proto::store::{CreateRequest, ListRequest, PutRequest};
use tonic::Status;
use tonic::transport::Channel;

/// How soon the process must be gone, whatever the drive does.
const SOON: Duration = Duration::from_secs(4);

/// Far longer than a test takes: what it delays is not answered.
const NEVER: What = What::Delay { ms: 600_000 };

const PACKFILE: i32 = 1;
const LOCK: i32 = 3;

type Ended = (ExitStatus, Duration, String);

fn simulator() -> Simulator {
    Simulator::start(Options::default()).unwrap()
}

fn config(simulator: &Simulator) -> HashMap<String, String> {
    let pairs = [("location", "opendrive://base"), ("username", simulator.username()), ("password", simulator.password())];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// How a process is made to leave.
#[derive(Debug, Clone, Copy)]
enum Leave {
    HangUp,
    Signal(&'static str, i32),
}

const WAYS: [Leave; 3] = [Leave::HangUp, Leave::Signal("TERM", 143), Leave::Signal("INT", 130)];

impl Leave {
    async fn apply(self, plugin: Plugin) -> Ended {
        match self {
            Self::HangUp => plugin.hang_up().await,
            Self::Signal(name, _) => plugin.signal(name).await,
        }
    }

    fn check(self, (status, took, stderr): &Ended) {
        assert!(*took < SOON, "{self:?}: {took:?} {stderr}");
        match self {
            Self::HangUp => assert!(status.success() && stderr.is_empty(), "{status} {stderr}"),
            Self::Signal(name, code) => {
                assert_eq!(status.code(), Some(code), "{name}: {stderr}");
                let line = format!("plakar-opendrive: ended by SIG{name}; what was under way is not complete\n");
                assert_eq!(*stderr, line);
            }
        }
    }
}

type Import = (tonic::Streaming<ImportResponse>, tokio::sync::mpsc::Sender<ImportRequest>);

/// An importer that has listed everything, and its import under way.
async fn importer(simulator: &Simulator, environment: &[(String, String)]) -> (Plugin, ImporterClient<Channel>, Import) {
    let plugin = Plugin::start("importer", &[simulator.env(), environment.to_vec()].concat()).await;
    let mut client = ImporterClient::new(plugin.channel.clone());
    client.init(InitRequest { options: None, proto: "opendrive".into(), config: config(simulator) }).await.unwrap();
    let (results, requests) = tokio::sync::mpsc::channel(1);
    let mut records = client.import(tokio_stream::wrappers::ReceiverStream::new(requests)).await.unwrap().into_inner();
    while !records.message().await.unwrap().unwrap().finished {}
    (plugin, client, (records, results))
}

/// Lets a process have so many descriptors more than it has.
async fn few_descriptors(plugin: &Plugin, more: usize) {
    let process = plugin.child.id().unwrap().to_string();
    let taken = |number: &usize| Path::new(&format!("/proc/{process}/fd/{number}")).is_symlink();
    // The lowest free number is taken next.
    let limit = (0..).filter(|number| !taken(number)).nth(more).unwrap();
    let limit = format!("--nofile={limit}");
    let status = tokio::process::Command::new("prlimit").args(["--pid", &process, &limit]).status().await.unwrap();
    assert!(status.success());
}

async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn an_import_with_downloads_in_flight_is_left_at_once() {
    for way in WAYS {
        let simulator = simulator();
        for n in 0..8 {
            simulator.drive().put_file(&format!("base/file{n}"), noise(n, 300_000), 1_700_000_000);
        }
        simulator.add_fault(Fault::new(NEVER).endpoint("download/file").always());
        let (plugin, client, import) = importer(&simulator, &[]).await;
        let reads: Vec<_> = (0..4)
            .map(|n| {
                let mut client = client.clone();
                let record = Record { pathname: format!("/base/file{n}"), ..Default::default() };
                tokio::spawn(async move { client.open(OpenRequest { record: Some(record) }).await.map(drop) })
            })
            .collect();
        wait_for("a download", || simulator.calls().of("download/file") >= 4).await;
        if let Leave::HangUp = way {
            reads.iter().for_each(|read| read.abort());
        }
        drop((client, import));
        way.check(&way.apply(plugin).await);
        for read in reads {
            // Nobody is told of success.
            assert!(!matches!(read.await, Ok(Ok(()))), "{way:?}");
        }
    }
}

#[tokio::test]
async fn an_export_with_uploads_in_flight_is_taken_back() {
    for way in WAYS {
        let simulator = simulator();
        simulator.add_fault(Fault::new(NEVER).endpoint("upload/upload_file_chunk").always());
        let mut exporter = Exporter::start(&simulator, "base", &[]).await;
        let export = exporter.export(async |sender| {
            // One that is whole, one of which more has come than its upload has taken, and a stream that stays open. A client of which even
            // more is waited for would keep the connection until the rest has gone, which it never does.
            send_file(sender, "/small", 50_000, 1).await;
            begin_file(sender, "/large", 30_000_000).await;
            for n in 0..18 {
                send_chunk(sender, noise(n, 1 << 20)).await;
            }
            std::future::pending().await
        });
        let in_flight = wait_for("an upload", || simulator.calls().of("upload/upload_file_chunk") >= 2);
        tokio::select! {
            _ = export => panic!("the export ended"),
            () = in_flight => {}
        }
        way.check(&way.apply(exporter.into_plugin()).await);
        let tree = simulator.drive().tree();
        assert_eq!(tree.into_keys().collect::<Vec<_>>(), ["base"], "{way:?}");
    }
}

async fn storage(simulator: &Simulator, limits: &str, environment: &[(String, String)]) -> (Plugin, StoreClient<Channel>) {
    let environment = [simulator.env(), environment.to_vec()].concat();
    let plugin = Plugin::start_within(limits, "storage", &environment).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    client.init(store::InitRequest { proto: "opendrive".into(), config: config(simulator) }).await.unwrap();
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    (plugin, client)
}

async fn put(mut client: StoreClient<Channel>, number: u8, kind: i32, bytes: Vec<u8>) -> Result<i64, Status> {
    let first = PutRequest { mac: vec![number; 32].into(), r#type: kind, chunk: Bytes::new() };
    let chunks = bytes.chunks(1 << 20).map(|chunk| PutRequest { chunk: Bytes::copy_from_slice(chunk), ..Default::default() });
    let messages: Vec<_> = std::iter::once(first).chain(chunks).collect();
    Ok(client.put(tokio_stream::iter(messages)).await?.into_inner().bytes_written)
}

/// What is on the drive beside the store itself.
fn resources(simulator: &Simulator) -> Vec<String> {
    let own = ["base", "base/CONFIG", "base/packfiles", "base/states", "base/locks"];
    simulator.drive().tree().into_keys().filter(|path| !own.contains(&path.as_str())).collect()
}

#[tokio::test]
async fn puts_that_take_too_long_are_taken_back_and_locks_go() {
    for way in WAYS {
        let simulator = simulator();
        let (plugin, client) = storage(&simulator, "true", &[]).await;
        put(client.clone(), 1, LOCK, b"a lock".to_vec()).await.unwrap();
        simulator.add_fault(Fault::new(NEVER).endpoint("upload/upload_file_chunk").always());
        let puts: Vec<_> = (2..5).map(|n| tokio::spawn(put(client.clone(), n, i32::from(n) - 1, noise(n.into(), 100_000)))).collect();
        let before = simulator.calls().of("upload/upload_file_chunk");
        wait_for("the uploads", || simulator.calls().of("upload/upload_file_chunk") == before + 3).await;
        if let Leave::HangUp = way {
            puts.iter().for_each(|put| put.abort());
        }
        drop(client);
        way.check(&way.apply(plugin).await);
        for put in puts {
            assert!(!matches!(put.await, Ok(Ok(_))), "{way:?}");
        }
        assert_eq!(resources(&simulator), [""; 0], "{way:?}");
    }
}

#[tokio::test]
async fn a_drive_that_answers_nothing_holds_nobody() {
    for way in WAYS {
        let simulator = simulator();
        let (plugin, client) = storage(&simulator, "true", &[]).await;
        put(client.clone(), 1, LOCK, b"a lock".to_vec()).await.unwrap();
        simulator.add_fault(Fault::new(NEVER).always());
        let before = simulator.calls().total;
        let put = tokio::spawn(put(client.clone(), 2, PACKFILE, noise(2, 100_000)));
        wait_for("the upload", || simulator.calls().total > before).await;
        if let Leave::HangUp = way {
            put.abort();
        }
        drop(client);
        way.check(&way.apply(plugin).await);
        drop(put);
    }
}

#[tokio::test]
async fn a_plakar_that_reads_no_more_ends_it_without_a_crash() {
    for connector in ["importer", "exporter", "storage"] {
        let mut child = std::process::Command::new(executable())
            .arg(connector)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        // The client's first words in HTTP/2: connection preface and empty settings. They must be answered.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        let mut ended = None;
        wait_for("the end", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        let stderr = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(ended.unwrap().code().is_some() && !stderr.contains("panic"), "{connector}: {ended:?} {stderr}");
        drop(stdin);
    }
}

#[tokio::test]
async fn logs_that_nobody_reads_end_nothing() {
    let simulator = simulator();
    let logs = ["RCLONE_LOG_LEVEL", "PLAKAR_OPENDRIVE_LOG"].map(|name| (name.to_owned(), "DEBUG".to_owned()));
    let environment = [simulator.env(), logs.to_vec()].concat();
    let plugin = Plugin::start_deaf("storage", &environment).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    client.init(store::InitRequest { proto: "opendrive".into(), config: config(&simulator) }).await.unwrap();
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    assert_eq!(put(client.clone(), 1, PACKFILE, noise(1, 100_000)).await.unwrap(), 100_000);
    drop(client);
    let (status, took, _) = plugin.hang_up().await;
    assert!(status.success() && took < SOON, "{status} {took:?}");
}

#[tokio::test]
async fn a_full_disk_is_told_with_the_folder_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (full, gone) = (folder.path().to_str().unwrap().to_owned(), folder.path().join("gone").to_str().unwrap().to_owned());
    // No file may grow beyond a megabyte; the signal that would come with it is ignored.
    for (limits, tmpdir) in [("trap '' XFSZ; ulimit -f 2048", &full), ("true", &gone)] {
        let simulator = simulator();
        let (plugin, client) = storage(&simulator, limits, &[("TMPDIR".to_owned(), tmpdir.clone())]).await;
        // More than may wait in memory.
        let status = put(client.clone(), 1, PACKFILE, noise(1, 40 << 20)).await.unwrap_err();
        let message = status.message();
        assert!(message.contains(&format!("the temporary file for it in {tmpdir} failed: ")), "{message}");
        assert!(message.ends_with("set TMPDIR to a folder with room") && !message.contains('\n'), "{message}");
        assert_eq!(resources(&simulator), [""; 0]);
        assert_eq!(std::fs::read_dir(&full).unwrap().count(), 0);
        // What fits goes on.
        put(client.clone(), 2, PACKFILE, noise(2, 100_000)).await.unwrap();
        drop(client);
        let (status, ..) = plugin.hang_up().await;
        assert!(status.success());
    }
}

#[tokio::test]
async fn out_of_descriptors_is_an_error_of_the_put() {
    let simulator = simulator();
    let (plugin, mut client) = storage(&simulator, "true", &[]).await;
    few_descriptors(&plugin, 8).await;
    // All of them spill to a file each, at the same time: none is finished before all have begun.
    let (begun, mut puts) = (std::sync::Arc::new(tokio::sync::Barrier::new(30)), Vec::new());
    for n in 0..30u8 {
        let (mut client, begun) = (client.clone(), begun.clone());
        puts.push(tokio::spawn(async move {
            let (sender, messages) = tokio::sync::mpsc::channel(1);
            let feed = async move {
                let first = PutRequest { mac: vec![n; 32].into(), r#type: PACKFILE, chunk: Bytes::new() };
                let block = Bytes::from(noise(n.into(), 1 << 20));
                let chunk = PutRequest { chunk: block, ..Default::default() };
                for message in [first, chunk.clone(), chunk.clone()] {
                    let _ = sender.send(message).await;
                }
                begun.wait().await;
                let _ = sender.send(chunk).await;
            };
            let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
            tokio::join!(feed, client.put(messages)).1.map(|_| n)
        }));
    }
    let (mut stored, mut failed) = (Vec::new(), 0);
    for put in puts {
        match tokio::time::timeout(Duration::from_secs(60), put).await.expect("a put hangs").unwrap() {
            Ok(n) => stored.push(n),
            Err(status) => {
                let message = status.message();
                assert!(message.to_lowercase().contains("too many open files") && message.contains("ulimit -n"), "{message}");
                failed += 1;
            }
        }
    }
    assert!(failed > 0 && !stored.is_empty(), "{failed} failed, {} were stored", stored.len());
    // It is over with them.
    put(client.clone(), 99, PACKFILE, noise(99, 100_000)).await.unwrap();
    stored.push(99);
    let mut listed: Vec<u8> =
        client.list(ListRequest { r#type: PACKFILE }).await.unwrap().into_inner().macs.iter().map(|mac| mac[0]).collect();
    listed.sort_unstable();
    assert_eq!(listed, stored);
    assert_eq!(resources(&simulator).len(), stored.len());
    drop(client);
    let (status, took, _) = plugin.hang_up().await;
    assert!(status.success() && took < SOON);
}

#[tokio::test]
async fn out_of_descriptors_is_waited_for_or_an_error_of_the_file() {
    let debug = [("RCLONE_LOG_LEVEL".to_owned(), "DEBUG".to_owned())];
    // A connection for each call.
    let simulator = Simulator::start(Options { http2: false, latency: Duration::from_millis(100), ..Options::default() }).unwrap();
    for n in 0..24 {
        simulator.drive().put_file(&format!("base/file{n}"), noise(n, 300_000), 1_700_000_000);
    }
    let (plugin, client, import) = importer(&simulator, &debug).await;
    few_descriptors(&plugin, 3).await;
    let reads = (0..24).map(|n| {
        let mut client = client.clone();
        let record = Record { pathname: format!("/base/file{n}"), ..Default::default() };
        async move {
            let mut answers = client.open(OpenRequest { record: Some(record) }).await?.into_inner();
            let mut bytes = Vec::new();
            while let Some(answer) = answers.message().await? {
                bytes.extend_from_slice(&answer.chunk);
            }
            Ok::<_, Status>(bytes)
        }
    });
    let reads = tokio::time::timeout(Duration::from_secs(60), futures::future::join_all(reads)).await.expect("a read hangs");
    let failed = reads.into_iter().enumerate().filter_map(|(n, outcome)| match outcome {
        Ok(bytes) => {
            assert!(bytes == noise(n as u64, 300_000), "file{n}");
            None
        }
        Err(status) => Some(status),
    });
    for status in failed {
        assert!(status.message().contains("too many open files"), "{status}");
    }
    drop((client, import));
    let (status, took, stderr) = plugin.hang_up().await;
    assert!(status.success() && took < SOON);
    assert!(stderr.contains("too many open files"), "there were enough");
}
