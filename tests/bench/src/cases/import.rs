//! A client that takes a drive's content from our executable as Plakar does, and throws it away.

use std::time::Instant;

use opendrive_sim::Simulator;
use plakar_opendrive::plugin::v1_1::proto::connectors::{Record, Result as Outcome};
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{ImportRequest, InitRequest, OpenRequest};
use support_plugin::plugin::Plugin;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::figures::Sample;

/// Which files are read.
#[derive(Debug, Clone, Copy)]
pub enum Reads {
    /// So many, the first ones.
    First(usize),
    /// One in so many.
    OneIn(usize),
}

impl Reads {
    /// Whether a file is read before which there were so many.
    fn takes(self, before: usize) -> bool {
        match self {
            Self::First(count) => before < count,
            Self::OneIn(count) => before.is_multiple_of(count),
        }
    }
}

/// Imports a drive that the environment leads to, with some of its files read; gives the number of
/// their bytes too.
pub fn import(
    simulator: &Simulator,
    environment: &[(String, String)],
    reads: Reads,
) -> (Sample, u64) {
    Runtime::new().unwrap().block_on(run(simulator, environment, reads))
}

async fn run(
    simulator: &Simulator,
    environment: &[(String, String)],
    reads: Reads,
) -> (Sample, u64) {
    simulator.reset_calls();
    let start = Instant::now();
    let plugin = Plugin::start("importer", environment).await;
    let mut client = ImporterClient::new(plugin.channel.clone());
    let config = [
        ("location", "opendrive://"),
        ("username", simulator.username()),
        ("password", simulator.password()),
    ];
    let config = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    client.init(InitRequest { options: None, proto: "opendrive".into(), config }).await.unwrap();
    let (results, requests) = mpsc::channel(1);
    let mut records = client.import(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let (mut files, mut bytes) = (0, 0);
    while let Some(record) = records.message().await.unwrap().unwrap().record {
        if record.has_reader && reads.takes(files) {
            let asked = Record { pathname: record.pathname.clone(), ..Default::default() };
            let mut chunks =
                client.open(OpenRequest { record: Some(asked) }).await.unwrap().into_inner();
            while let Some(message) = chunks.message().await.unwrap() {
                bytes += message.chunk.len() as u64;
            }
        }
        files += usize::from(record.has_reader);
        let result = Outcome { header: Some(record), error: String::new() };
        results.send(ImportRequest { result: Some(result) }).await.unwrap();
    }
    let sample = Sample {
        time: start.elapsed(),
        calls: Some(simulator.calls()),
        peak: Some(plugin.peak_memory()),
        ..Sample::default()
    };
    (sample, bytes)
}
