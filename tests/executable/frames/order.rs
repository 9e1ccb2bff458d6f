//! Calls out of order.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use plakar_opendrive::plugin::files::FileInfo;
use plakar_opendrive::plugin::v1_1::proto::connectors::{Record, Result as Outcome};
use plakar_opendrive::plugin::v1_1::proto::exporter::export_request::Packet;
use plakar_opendrive::plugin::v1_1::proto::exporter::exporter_client::ExporterClient;
use plakar_opendrive::plugin::v1_1::proto::exporter::{ExportRequest, InitRequest as ExporterInit};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{
    self, ImportRequest, InitRequest, OpenRequest,
};
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::proto::store::{self, ListRequest, PutRequest};
use support::noise;
use support::planted::assert_plain;
use support_plugin::export::{Exporter, begin_file, send_chunk, send_file, send_folder};
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

fn local() -> (Place, HashMap<String, String>) {
    let place = Place::Local(tempfile::tempdir().unwrap());
    let config = place.config("");
    (place, config)
}

fn importer_init(config: &HashMap<String, String>) -> InitRequest {
    InitRequest { options: None, proto: "rclone".into(), config: config.clone() }
}

fn result(record: Option<Record>) -> ImportRequest {
    ImportRequest { result: Some(Outcome { header: record, error: "\u{1b}[31m".into() }) }
}

fn named(path: &str) -> Record {
    Record { pathname: path.to_owned(), ..Default::default() }
}

/// Takes an import to its end.
async fn drained(mut answers: tonic::Streaming<importer::ImportResponse>) -> Result<usize, Status> {
    let mut count = 0;
    while let Some(answer) = answers.message().await? {
        count += usize::from(answer.record.is_some());
    }
    Ok(count)
}

#[tokio::test]
async fn an_importer_called_out_of_order_says_so_and_goes_on() {
    let (place, config) = local();
    place.put("file", b"content", 1).await;
    let path = format!("{}/file", place.root());
    let plugin = Plugin::start("importer", &[]).await;
    let mut client = ImporterClient::new(plugin.channel.clone());
    let open = |path: &str| OpenRequest { record: Some(named(path)) };
    let results = |list: Vec<ImportRequest>| tokio_stream::iter(list);
    assert_eq!(client.import(results(vec![])).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(client.open(open(&path)).await.unwrap_err().code(), Code::FailedPrecondition);
    client.close(importer::CloseRequest {}).await.unwrap();
    client.init(importer_init(&config)).await.unwrap();
    assert_eq!(
        client.init(importer_init(&config)).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    assert_eq!(client.open(open(&path)).await.unwrap_err().code(), Code::NotFound, "before Import");
    assert_eq!(
        client.open(OpenRequest { record: None }).await.unwrap_err().code(),
        Code::InvalidArgument
    );

    // Results for what was never sent, twice, and without their record.
    let strange = vec![
        result(Some(named("/never"))),
        result(Some(named(""))),
        result(Some(named(&"x".repeat(1 << 20)))),
    ];
    let records =
        drained(client.import(results(strange)).await.unwrap().into_inner()).await.unwrap();
    assert!(records >= 2, "{records}");
    for bad in [result(None), ImportRequest { result: None }] {
        let status = drained(client.import(results(vec![bad])).await.unwrap().into_inner())
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, "a result without its record")
        );
    }
    // Two imports at the same time, and files opened twice and in the middle.
    let both = (client.clone(), client.clone());
    let first =
        async { drained(both.0.clone().import(results(vec![])).await.unwrap().into_inner()).await };
    let second =
        async { drained(both.1.clone().import(results(vec![])).await.unwrap().into_inner()).await };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.unwrap(), second.unwrap()), (records, records));
    for _ in 0..3 {
        let mut chunks = client.open(open(&path)).await.unwrap().into_inner();
        assert_eq!(chunks.message().await.unwrap().unwrap().chunk, "content");
    }
    let mut attribute = open(&path);
    attribute.record.as_mut().unwrap().is_xattr = true;
    assert_eq!(client.open(attribute).await.unwrap_err().code(), Code::NotFound);
    drop((both, client));
    let (exit, stderr) = plugin.hang_up().await;
    assert!(exit.success() && stderr.is_empty(), "{exit}: {stderr}");
}

/// A stream of requests, and what is stored of it or what the status says.
type Exported = (Vec<ExportRequest>, Result<&'static [u8], &'static str>);

fn packet(packet: Option<Packet>) -> ExportRequest {
    ExportRequest { packet }
}

#[tokio::test]
async fn an_exporter_called_out_of_order_says_so_and_stores_nothing_half() {
    let chunk = |bytes: &'static [u8]| packet(Some(Packet::Chunk(Bytes::from_static(bytes))));
    let record = |record: Record| packet(Some(Packet::Record(record)));
    let folder = Record {
        pathname: "/".into(),
        file_info: Some(FileInfo { mode: 1 << 31 | 0o700, ..Default::default() }),
        ..Default::default()
    };
    let file = |size: i64, seconds: i64, nanos: i32| Record {
        has_reader: true,
        pathname: "/file".into(),
        file_info: Some(FileInfo {
            size,
            mod_time: Some(prost_types::Timestamp { seconds, nanos }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let unasked = "bytes that belong to no record";
    let cases: Vec<Exported> = vec![
        (vec![chunk(b"data")], Err(unasked)),
        (vec![chunk(b"")], Err(unasked)),
        (vec![record(folder.clone()), chunk(b"data")], Err(unasked)),
        (
            vec![
                record(folder.clone()),
                record(file(4, 1, 0)),
                chunk(b"data"),
                chunk(b""),
                chunk(b"more"),
            ],
            Err(unasked),
        ),
        (vec![packet(None)], Err("neither a record nor a chunk")),
        (vec![record(file(4, 1, 0)), packet(None)], Err("neither a record nor a chunk")),
        (vec![record(file(4, 1, 0)), chunk(b"data")], Err("the stream ended within the file")),
        (
            vec![record(file(4, 1, 0)), record(folder.clone())],
            Err("the stream ended within the file"),
        ),
        (
            vec![record(Record { file_info: None, ..file(4, 1, 0) }), chunk(b"data"), chunk(b"")],
            Err("4 bytes or more came"),
        ),
        (
            vec![record(file(i64::MAX, 1, 0)), chunk(b"data"), chunk(b"")],
            Err("the snapshot says 9223372036854775807"),
        ),
        (vec![record(file(i64::MIN, 1, 0)), chunk(b"data"), chunk(b"")], Ok(b"data")),
        (vec![record(file(4, i64::MAX, i32::MAX)), chunk(b"data"), chunk(b"")], Ok(b"data")),
        (
            vec![record(file(4, i64::MIN, i32::MIN)), chunk(b"da"), chunk(b"ta"), chunk(b"")],
            Ok(b"data"),
        ),
        (
            vec![record(Record { error: "\u{1b}[31m\n\u{202e}".into(), ..file(4, 1, 0) })],
            Err("\\u{1b}[31m\\n\\u{202e}"),
        ),
        (
            vec![
                record(file(4, 1, 0)),
                chunk(b"data"),
                chunk(b""),
                record(file(4, 1, 0)),
                chunk(b"DATA"),
                chunk(b""),
            ],
            Err("two entries of this name"),
        ),
    ];
    for (requests, expected) in cases {
        let (place, config) = local();
        let plugin = Plugin::start("exporter", &[]).await;
        let mut client = ExporterClient::new(plugin.channel.clone());
        client.init(ExporterInit { options: None, proto: "rclone".into(), config }).await.unwrap();
        let shown = format!("{requests:?}");
        let mut results = client.export(tokio_stream::iter(requests)).await.unwrap().into_inner();
        let mut status = None;
        loop {
            match results.message().await {
                Ok(Some(answer)) => assert_plain(&answer.result.unwrap().error),
                Ok(None) => break,
                Err(error) => {
                    status = Some(error);
                    break;
                }
            }
        }
        let Place::Local(root) = &place else { unreachable!() };
        let stored = std::fs::read(root.path().join("file"));
        match (expected, status) {
            (Ok(bytes), None) => assert_eq!(stored.unwrap(), bytes, "{shown}"),
            (Err(expected), Some(status)) => {
                assert!(status.message().contains(expected), "{shown}: {status}");
                assert_plain(status.message());
                assert!(
                    stored.is_err() || expected == unasked || expected.contains("two entries"),
                    "{shown}"
                );
            }
            (_, status) => panic!("{shown}: {status:?}"),
        }
        drop((client, results));
        let (exit, stderr) = plugin.hang_up().await;
        // One line where the stream ended within a file, and nothing else.
        let only_its_end = stderr.is_empty()
            || stderr.lines().count() == 1
                && stderr.contains("Plakar has ended the restore within \"/file\"");
        assert!(exit.success() && only_its_end, "{shown}: {exit}: {stderr}");
        assert!(std::fs::read_dir(root.path()).unwrap().count() <= 1, "{shown}: something is left");
    }
}

#[tokio::test]
async fn two_exports_at_the_same_time_do_not_mix() {
    let simulator = opendrive_sim::Simulator::start(opendrive_sim::Options::default()).unwrap();
    let mut exporter = Exporter::start(&simulator, "base", &[]).await;
    exporter.export(async |sender| send_folder(sender, "/").await).await;
    let cut = exporter.export(async |sender| {
        begin_file(sender, "/cut", 3_000_000).await;
        send_chunk(sender, noise(1, 1 << 20)).await;
    });
    assert_eq!(cut.await.failed.len(), 1);
    let good = exporter.export(async |sender| send_file(sender, "/good", 3_000_000, 2).await).await;
    assert_eq!((good.stored, good.failed.len()), (1, 0), "{good:?}");
    exporter.hang_up().await;
    assert_eq!(simulator.drive().tree().into_keys().collect::<Vec<_>>(), ["base", "base/good"]);
}

#[tokio::test]
async fn a_store_called_out_of_order_says_so_and_goes_on() {
    let (_place, config) = local();
    let plugin = Plugin::start("storage", &[]).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    let message = |mac: &[u8], kind: i32, chunk: Vec<u8>| PutRequest {
        mac: Bytes::copy_from_slice(mac),
        r#type: kind,
        chunk: chunk.into(),
    };
    let before =
        client.put(tokio_stream::iter([message(&[1; 32], 1, vec![1; 100])])).await.unwrap_err();
    assert_eq!(before.code(), Code::FailedPrecondition);
    assert_eq!(
        client.list(ListRequest { r#type: 1 }).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    client.close(store::CloseRequest {}).await.unwrap();
    let init = || store::InitRequest { proto: "rclone".into(), config: config.clone() };
    client.init(init()).await.unwrap();
    assert_eq!(client.init(init()).await.unwrap_err().code(), Code::FailedPrecondition);
    // Nothing was created or opened.
    assert!(
        client
            .list(ListRequest { r#type: 1 })
            .await
            .unwrap_err()
            .message()
            .contains("the store is gone")
    );
    client
        .create(store::CreateRequest { config: Bytes::from_static(b"description") })
        .await
        .unwrap();
    assert_eq!(
        client.create(store::CreateRequest { config: Bytes::new() }).await.unwrap_err().code(),
        Code::AlreadyExists
    );

    // Bytes without the message that names them; a name in the middle counts for nothing.
    let status = client.put(tokio_stream::iter([message(&[], 0, vec![1; 100])])).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    client
        .put(tokio_stream::iter([
            message(&[1; 32], 1, vec![1; 10]),
            message(&[2; 32], 3, vec![2; 10]),
        ]))
        .await
        .unwrap();
    assert_eq!(
        client.list(ListRequest { r#type: 1 }).await.unwrap().into_inner().macs,
        [Bytes::copy_from_slice(&[1; 32])]
    );
    assert!(client.list(ListRequest { r#type: 3 }).await.unwrap().into_inner().macs.is_empty());

    // More than a message may hold, and one that stops in the middle.
    let status = client
        .put(tokio_stream::iter([message(&[3; 32], 1, vec![3; (64 << 20) + 1])]))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert_plain(status.message());
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.send(message(&[4; 32], 1, vec![4; 1 << 20])).await.unwrap();
    let put =
        tokio::time::timeout(Duration::from_millis(300), client.put(ReceiverStream::new(receiver)))
            .await;
    assert!(put.is_err(), "a Put without its end was answered");
    assert_eq!(
        client.list(ListRequest { r#type: 1 }).await.unwrap().into_inner().macs,
        [Bytes::copy_from_slice(&[1; 32])]
    );
    // Earlier it might pass for the end of the stream, before the call is seen to be given up.
    drop(sender);
    drop(client);
    let (exit, stderr) = plugin.hang_up().await;
    assert!(exit.success() && stderr.is_empty(), "{exit}: {stderr}");
}
