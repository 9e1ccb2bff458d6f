//! The process: it goes when Plakar goes or a signal comes, soon and leaving nothing half-written,
//! and limits of the machine are errors of the item that met them.

mod lacking;
mod leaving;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use opendrive_sim::{Options, Simulator};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{ImportRequest, ImportResponse, InitRequest};
use plakar_opendrive::plugin::v1_1::proto::store;
use plakar_opendrive::plugin::v1_1::proto::store::store_client::StoreClient;
use plakar_opendrive::plugin::v1_1::proto::store::{CreateRequest, PutRequest};
use support_plugin::plugin::Plugin;
use tonic::Status;
use tonic::transport::Channel;

/// Nothing here takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(180);

const PACKFILE: i32 = 1;
const LOCK: i32 = 3;

fn simulator() -> Simulator {
    Simulator::start(Options::default()).unwrap()
}

fn config(simulator: &Simulator) -> HashMap<String, String> {
    let pairs = [
        ("location", "opendrive://base"),
        ("username", simulator.username()),
        ("password", simulator.password()),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

type Import = (tonic::Streaming<ImportResponse>, tokio::sync::mpsc::Sender<ImportRequest>);

/// An importer that has listed everything, and its import under way.
async fn importer(
    simulator: &Simulator,
    environment: &[(String, String)],
) -> (Plugin, ImporterClient<Channel>, Import) {
    let plugin = Plugin::start("importer", &[simulator.env(), environment.to_vec()].concat()).await;
    let mut client = ImporterClient::new(plugin.channel.clone());
    client
        .init(InitRequest { options: None, proto: "opendrive".into(), config: config(simulator) })
        .await
        .unwrap();
    let (results, requests) = tokio::sync::mpsc::channel(1);
    let mut records = client
        .import(tokio_stream::wrappers::ReceiverStream::new(requests))
        .await
        .unwrap()
        .into_inner();
    while !records.message().await.unwrap().unwrap().finished {}
    (plugin, client, (records, results))
}

async fn storage(
    simulator: &Simulator,
    limits: &str,
    environment: &[(String, String)],
) -> (Plugin, StoreClient<Channel>) {
    let environment = [simulator.env(), environment.to_vec()].concat();
    let plugin = Plugin::start_within(limits, "storage", &environment).await;
    let mut client = StoreClient::new(plugin.channel.clone());
    client
        .init(store::InitRequest { proto: "opendrive".into(), config: config(simulator) })
        .await
        .unwrap();
    client.create(CreateRequest { config: Bytes::from_static(b"description") }).await.unwrap();
    (plugin, client)
}

async fn put(
    mut client: StoreClient<Channel>,
    number: u8,
    kind: i32,
    bytes: Vec<u8>,
) -> Result<i64, Status> {
    let first = PutRequest { mac: vec![number; 32].into(), r#type: kind, chunk: Bytes::new() };
    let chunks = bytes
        .chunks(1 << 20)
        .map(|chunk| PutRequest { chunk: Bytes::copy_from_slice(chunk), ..Default::default() });
    let messages: Vec<_> = std::iter::once(first).chain(chunks).collect();
    Ok(client.put(tokio_stream::iter(messages)).await?.into_inner().bytes_written)
}

/// What is on the drive beside the store itself.
fn resources(simulator: &Simulator) -> Vec<String> {
    let own = ["base", "base/CONFIG", "base/packfiles", "base/states", "base/locks"];
    simulator.drive().tree().into_keys().filter(|path| !own.contains(&path.as_str())).collect()
}
