//! Nobody who reads, no room, no descriptors: an error of the item that met it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::v1_1::proto::connectors::Record;
use plakar_opendrive::plugin::v1_1::proto::importer::OpenRequest;
use plakar_opendrive::plugin::v1_1::proto::store;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::proto::store::{CreateRequest, ListRequest, PutRequest};
use support::{noise, within};
use support_plugin::plugin::Plugin;
use tonic::Status;

use super::{HANG, PACKFILE, config, importer, put, resources, simulator, storage};

/// Lets a process have so many descriptors more than it has.
async fn few_descriptors(plugin: &Plugin, more: usize) {
    let process = plugin.child.id().unwrap().to_string();
    let taken = |number: &usize| Path::new(&format!("/proc/{process}/fd/{number}")).is_symlink();
    // The lowest free number is taken next.
    let limit = (0..).filter(|number| !taken(number)).nth(more).unwrap();
    let limit = format!("--nofile={limit}");
    let status = tokio::process::Command::new("prlimit")
        .args(["--pid", &process, &limit])
        .status()
        .await
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn logs_that_nobody_reads_end_nothing() {
    let simulator = simulator();
    let logs = ["RCLONE_LOG_LEVEL", "PLAKAR_OPENDRIVE_LOG"]
        .map(|name| (name.to_owned(), "DEBUG".to_owned()));
    let environment = [simulator.env(), logs.to_vec()].concat();
    let plugin = Plugin::start_deaf("storage", &environment).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    client
        .init(store::InitRequest { proto: "opendrive".into(), config: config(&simulator) })
        .await
        .unwrap();
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    assert_eq!(put(client.clone(), 1, PACKFILE, noise(1, 100_000)).await.unwrap(), 100_000);
    drop(client);
    let (status, _) = plugin.hang_up().await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_full_disk_is_told_with_the_folder_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (full, gone) = (
        folder.path().to_str().unwrap().to_owned(),
        folder.path().join("gone").to_str().unwrap().to_owned(),
    );
    // No file may grow beyond a megabyte; the signal that would come with it is ignored.
    for (limits, tmpdir) in [("trap '' XFSZ; ulimit -f 2048", &full), ("true", &gone)] {
        let simulator = simulator();
        let (plugin, client) =
            storage(&simulator, limits, &[("TMPDIR".to_owned(), tmpdir.clone())]).await;
        // More than may wait in memory.
        let status = put(client.clone(), 1, PACKFILE, noise(1, 40 << 20)).await.unwrap_err();
        let message = status.message();
        assert!(
            message.contains(&format!("the temporary file for it in {tmpdir} failed: ")),
            "{message}"
        );
        assert!(
            message.ends_with("set TMPDIR to a folder with room") && !message.contains('\n'),
            "{message}"
        );
        assert_eq!(resources(&simulator), [""; 0]);
        assert_eq!(std::fs::read_dir(&full).unwrap().count(), 0);
        // What fits goes on.
        put(client.clone(), 2, PACKFILE, noise(2, 100_000)).await.unwrap();
        drop(client);
        let (status, _) = plugin.hang_up().await;
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
                let first =
                    PutRequest { mac: vec![n; 32].into(), r#type: PACKFILE, chunk: Bytes::new() };
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
        match within(HANG, put).await.unwrap() {
            Ok(n) => stored.push(n),
            Err(status) => {
                let message = status.message();
                assert!(
                    message.to_lowercase().contains("too many open files")
                        && message.contains("ulimit -n"),
                    "{message}"
                );
                failed += 1;
            }
        }
    }
    assert!(failed > 0 && !stored.is_empty(), "{failed} failed, {} were stored", stored.len());
    // It is over with them.
    put(client.clone(), 99, PACKFILE, noise(99, 100_000)).await.unwrap();
    stored.push(99);
    let mut listed: Vec<u8> = client
        .list(ListRequest { r#type: PACKFILE })
        .await
        .unwrap()
        .into_inner()
        .macs
        .iter()
        .map(|mac| mac[0])
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, stored);
    assert_eq!(resources(&simulator).len(), stored.len());
    drop(client);
    let (status, _) = plugin.hang_up().await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn out_of_descriptors_is_waited_for_or_an_error_of_the_file() {
    let debug = [("RCLONE_LOG_LEVEL".to_owned(), "DEBUG".to_owned())];
    // A connection for each call.
    let simulator = Simulator::start(Options {
        http2: false,
        latency: Duration::from_millis(100),
        ..Options::default()
    })
    .unwrap();
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
    let reads = within(HANG, futures::future::join_all(reads)).await;
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
    let (status, stderr) = plugin.hang_up().await;
    assert!(status.success(), "{status}");
    assert!(stderr.contains("too many open files"), "there were enough");
}
