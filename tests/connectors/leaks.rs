//! A thousand connections of each connector in one process leave nothing behind.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::files::FileInfo;
use plakar_opendrive::plugin::v1_1::proto::connectors::{Record, Result as Outcome};
use plakar_opendrive::plugin::v1_1::proto::exporter::exporter_client::ExporterClient;
use plakar_opendrive::plugin::v1_1::proto::exporter::{
    self, ExportRequest, export_request::Packet,
};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{self, ImportRequest};
use plakar_opendrive::plugin::v1_1::proto::store;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::{ExporterV1_1, ImporterV1_1, StorageV1_1};
use plakar_opendrive::plugin::{self, Connection};
use support::alone::ran_alone;
use support::{noise, within};
use support_plugin::place::Place;
use support_plugin::resources::Resources;
use terminal::signals::Signals;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

/// Rounds of each connector, and those before them in which caches, pools and arenas reach their
/// size.
const ROUNDS: usize = 1000;
const WARM_UP: usize = 100;

/// Connections at one time.
const ABREAST: usize = 16;

/// One in so many rounds is on the drive, where each costs 20 ms of processor time; the others are
/// in memory.
const DRIVE: usize = 10;

/// One in so many rounds, Plakar goes away in the middle.
const CUT: usize = 3;

/// No connection takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// What memory may grow by in a thousand rounds, in bytes: 8 KiB a round would be more.
const GROWTH: u64 = 8 << 20;

#[tokio::test]
async fn a_thousand_connections_leave_nothing_behind() {
    // It counts what the process holds.
    if ran_alone() {
        return;
    }
    // Without a log of calls, which grows with them.
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    let (memory, drive) =
        (Place::Memory { bucket: "leaks".into() }, Place::Drive(Box::new(simulator)));
    for place in [&memory, &drive] {
        for n in 0..8 {
            place.put(&format!("tree/folder{}/file{n}", n % 2), &noise(n, 3_000), 1).await;
        }
        one_store(place, 1, true).await;
    }
    let place = |n: usize| if n.is_multiple_of(DRIVE) { &drive } else { &memory };
    rounds("importer", |n| one_import(place(n), n)).await;
    rounds("exporter", |n| one_export(place(n), n)).await;
    rounds("storage", |n| one_store(place(n), n, false)).await;
    assert_eq!(drive.simulator().open_uploads(), []);
}

/// Runs all rounds of a connector and compares what there is before and after.
async fn rounds<F: Future<Output = ()>>(name: &str, round: impl Fn(usize) -> F) {
    let run = |count| {
        futures::stream::iter(0..count).map(&round).buffer_unordered(ABREAST).collect::<()>()
    };
    let start = Instant::now();
    run(WARM_UP).await;
    let before = Resources::at_rest().await;
    run(ROUNDS).await;
    let after = Resources::settle(&before, GROWTH)
        .await
        .unwrap_or_else(|problem| panic!("{name}: {problem}"));
    eprintln!(
        "{name}: {ROUNDS} rounds in {:.1} s\n  before: {before}\n  after:  {after}",
        start.elapsed().as_secs_f64()
    );
}

/// Serves a service to a client over a stream in memory, as main.rs does over pipes, until the
/// client is done.
async fn connection<S>(
    service: S,
    finish: impl Future<Output = ()>,
    client: impl AsyncFnOnce(Channel),
) where
    S: tonic::codegen::Service<
            tonic::codegen::http::Request<hyper::body::Incoming>,
            Response = tonic::codegen::http::Response<tonic::body::Body>,
            Error = std::convert::Infallible,
        > + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let (ours, mut left) = tokio::io::duplex(256 << 10);
    let (mut right, theirs) = tokio::io::duplex(256 << 10);
    let line =
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut left, &mut right).await });
    let (input, output) = tokio::io::split(ours);
    let (connection, ended) = Connection::new(Box::new(input), Box::new(output));
    let client = async move {
        let mut stream = Some(TokioIo::new(theirs));
        let connector = tower::service_fn(move |_| {
            let stream =
                stream.take().ok_or_else(|| std::io::Error::other("there is only one connection"));
            async { stream }
        });
        client(
            Endpoint::from_static("http://plugin").connect_with_connector(connector).await.unwrap(),
        )
        .await;
        // As when Plakar's process ends, whatever it was doing.
        line.abort();
    };
    let signals = Signals::listen().unwrap();
    let both = async {
        tokio::join!(
            plugin::serve(
                service,
                plugin::FlowWindows::ONE_STREAM,
                connection,
                ended,
                signals,
                CancellationToken::new(),
                finish
            ),
            client
        )
    };
    within(LIMIT, both).await;
}

async fn one_import(place: &Place, n: usize) {
    connection(ImporterV1_1::server(), std::future::ready(()), async |channel| {
        let mut client = ImporterClient::new(channel);
        client
            .init(importer::InitRequest { config: place.config("tree"), ..Default::default() })
            .await
            .unwrap();
        let (results, requests) = mpsc::channel(16);
        let mut records = client.import(ReceiverStream::new(requests)).await.unwrap().into_inner();
        let mut files = 0;
        while let Some(record) = records.message().await.unwrap().unwrap().record {
            if record.has_reader {
                let open = importer::OpenRequest { record: Some(record.clone()) };
                let mut chunks = client.open(open).await.unwrap().into_inner();
                if n.is_multiple_of(CUT) {
                    return;
                }
                while chunks.message().await.unwrap().is_some() {}
                files += 1;
            }
            results
                .send(ImportRequest {
                    result: Some(Outcome { header: Some(record), error: String::new() }),
                })
                .await
                .unwrap();
        }
        drop(results);
        assert!(records.message().await.unwrap().is_none());
        assert_eq!(files, 8);
        client.close(importer::CloseRequest {}).await.unwrap();
    })
    .await;
}

async fn one_export(place: &Place, n: usize) {
    // Not `finish`: it waits until nothing is uploaded in this process, where others are at it all
    // the time.
    let (service, _) = ExporterV1_1::server(CancellationToken::new());
    connection(service, std::future::ready(()), async |channel| {
        let mut client = ExporterClient::new(channel);
        client
            .init(exporter::InitRequest { config: place.config("restored"), ..Default::default() })
            .await
            .unwrap();
        let info = |mode, size| FileInfo { mode, size, ..Default::default() };
        let folder = Record {
            pathname: "/".into(),
            file_info: Some(info(1 << 31, 0)),
            ..Default::default()
        };
        let pathname = format!("/file{}", n % ABREAST);
        let file = Record {
            pathname,
            file_info: Some(info(0o600, 1000)),
            has_reader: true,
            ..Default::default()
        };
        let bytes = Bytes::from(noise(n as u64, 1000));
        let mut packets = vec![
            Packet::Record(folder),
            Packet::Record(file),
            Packet::Chunk(bytes),
            Packet::Chunk(Bytes::new()),
        ];
        if n.is_multiple_of(CUT) {
            packets.pop();
        }
        let requests = packets.into_iter().map(|packet| ExportRequest { packet: Some(packet) });
        if n.is_multiple_of(CUT) {
            let requests = futures::stream::iter(requests).chain(futures::stream::pending());
            let mut results = client.export(requests).await.unwrap().into_inner();
            assert!(results.message().await.unwrap().is_some());
            return;
        }
        let mut results =
            client.export(futures::stream::iter(requests)).await.unwrap().into_inner();
        let mut stored = 0;
        while let Some(answer) = results.message().await.unwrap() {
            assert_eq!(answer.result.unwrap().error, "");
            stored += 1;
        }
        assert_eq!(stored, 2);
        client.close(exporter::CloseRequest {}).await.unwrap();
    })
    .await;
}

async fn one_store(place: &Place, n: usize, create: bool) {
    const PACKFILE: i32 = 1;
    let service = StorageV1_1::default();
    let finish = service.clone();
    connection(service.server(), async move { finish.finish().await }, async |channel| {
        let mut client = StoreClient::new(channel);
        let config: HashMap<String, String> = place.config("store");
        client.init(store::InitRequest { proto: "opendrive".into(), config }).await.unwrap();
        if create {
            client
                .create(store::CreateRequest { config: Bytes::from_static(b"description") })
                .await
                .unwrap();
            let message = store::PutRequest {
                mac: vec![7; 32].into(),
                r#type: PACKFILE,
                chunk: noise(7, 100_000).into(),
            };
            client.put(tokio_stream::iter([message])).await.unwrap();
        }
        client.open(store::OpenRequest {}).await.unwrap();
        let macs =
            client.list(store::ListRequest { r#type: PACKFILE }).await.unwrap().into_inner().macs;
        assert_eq!(macs.len(), 1);
        let mut read = 0;
        for range in [Some(store::get_request::Range { offset: 1000, length: 3000 }), None] {
            let mut chunks = client
                .get(store::GetRequest { mac: macs[0].clone(), r#type: PACKFILE, range })
                .await
                .unwrap()
                .into_inner();
            if n.is_multiple_of(CUT) {
                return;
            }
            while let Some(answer) = chunks.message().await.unwrap() {
                read += answer.chunk.len();
            }
        }
        assert_eq!(read, 103_000);
        client.close(store::CloseRequest {}).await.unwrap();
    })
    .await;
}
