//! A client of the exporter, as Plakar is one.

use std::collections::HashMap;

use opendrive_sim::Simulator;
use plakar_opendrive::plugin::files::FileInfo;
use plakar_opendrive::plugin::v1_1::proto::connectors::Record;
use plakar_opendrive::plugin::v1_1::proto::exporter::export_request::Packet;
use plakar_opendrive::plugin::v1_1::proto::exporter::exporter_client::ExporterClient;
use plakar_opendrive::plugin::v1_1::proto::exporter::{ExportRequest, InitRequest, PingRequest};
use support::noise;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

use crate::plugin::Plugin;

/// A running exporter, with a drive behind it.
pub struct Exporter {
    /// Its process.
    pub plugin: Plugin,
    client: ExporterClient<Channel>,
}

/// What came back from an export.
#[derive(Debug, Default)]
pub struct Exported {
    /// How many entries are there.
    pub stored: u64,
    /// Path and error.
    pub failed: Vec<(String, String)>,
    /// The status that ended the stream, if it was none of success.
    pub status: Option<Status>,
}

impl Exporter {
    /// Starts the plugin on a simulated drive.
    pub async fn start(simulator: &Simulator, base: &str, options: &[(&str, &str)]) -> Self {
        let mut config = HashMap::from([
            ("location".to_owned(), format!("opendrive://{base}")),
            ("username".to_owned(), simulator.username().to_owned()),
            ("password".to_owned(), simulator.password().to_owned()),
        ]);
        config.extend(options.iter().map(|(key, value)| (key.to_string(), value.to_string())));
        let plugin = Plugin::start("exporter", &simulator.env()).await;
        let mut client = ExporterClient::new(plugin.channel.clone());
        client
            .init(InitRequest { options: None, proto: "opendrive".into(), config })
            .await
            .unwrap();
        Self { plugin, client }
    }

    /// Asks whether the drive is there; it must be.
    pub async fn ping(&self) {
        self.client.clone().ping(PingRequest {}).await.unwrap();
    }

    /// Ends the connection, as Plakar does, and waits for the process.
    pub async fn hang_up(self) -> (std::process::ExitStatus, String) {
        self.into_plugin().hang_up().await
    }

    /// The process; nothing else holds its connection open.
    pub fn into_plugin(self) -> Plugin {
        self.plugin
    }

    /// Exports what `feed` sends, to the end.
    pub async fn export(
        &mut self,
        feed: impl AsyncFnOnce(&mpsc::Sender<ExportRequest>),
    ) -> Exported {
        let (sender, requests) = mpsc::channel(4);
        let feeding = async move {
            feed(&sender).await;
        };
        let mut client = self.client.clone();
        let receiving = async move {
            let mut exported = Exported::default();
            let mut results =
                client.export(ReceiverStream::new(requests)).await.unwrap().into_inner();
            loop {
                match results.message().await {
                    Ok(Some(answer)) => {
                        let result = answer.result.unwrap();
                        match result.error.as_str() {
                            "" => exported.stored += 1,
                            error => exported
                                .failed
                                .push((result.header.unwrap().pathname, error.to_owned())),
                        }
                    }
                    Ok(None) => return exported,
                    Err(status) => {
                        exported.status = Some(status);
                        return exported;
                    }
                }
            }
        };
        tokio::join!(feeding, receiving).1
    }
}

fn record(path: &str, size: u64, mode: u32) -> Record {
    let file_info = FileInfo {
        name: path.rsplit('/').next().unwrap().to_owned(),
        size: size as i64,
        mode,
        mod_time: Some(prost_types::Timestamp { seconds: 1_600_000_000, nanos: 0 }),
        ..Default::default()
    };
    Record { pathname: path.to_owned(), file_info: Some(file_info), ..Default::default() }
}

async fn send(sender: &mpsc::Sender<ExportRequest>, packet: Packet) {
    // The other side may have ended the call.
    let _ = sender.send(ExportRequest { packet: Some(packet) }).await;
}

/// A folder.
pub async fn send_folder(sender: &mpsc::Sender<ExportRequest>, path: &str) {
    send(sender, Packet::Record(record(path, 0, 1 << 31 | 0o700))).await;
}

/// Anything by its mode in Go's bits, without content.
pub async fn send_other(sender: &mpsc::Sender<ExportRequest>, path: &str, mode: u32) {
    send(sender, Packet::Record(record(path, 0, mode))).await;
}

/// A file of noise, in chunks as Plakar sends them.
pub async fn send_file(sender: &mpsc::Sender<ExportRequest>, path: &str, size: u64, seed: u64) {
    begin_file(sender, path, size).await;
    let block = noise(seed, size.min(1 << 20) as usize);
    let block = bytes::Bytes::from(block);
    let mut left = size;
    while left > 0 {
        let count = left.min(block.len() as u64);
        send(sender, Packet::Chunk(block.slice(..count as usize))).await;
        left -= count;
    }
    send(sender, Packet::Chunk(bytes::Bytes::new())).await;
}

/// The record of a file; its bytes are to follow.
pub async fn begin_file(sender: &mpsc::Sender<ExportRequest>, path: &str, size: u64) {
    send(sender, Packet::Record(Record { has_reader: true, ..record(path, size, 0o600) })).await;
}

/// Bytes of the file that was begun.
pub async fn send_chunk(sender: &mpsc::Sender<ExportRequest>, bytes: Vec<u8>) {
    send(sender, Packet::Chunk(bytes.into())).await;
}
