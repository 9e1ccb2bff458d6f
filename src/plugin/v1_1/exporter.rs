//! The exporter service: a destination for Plakar.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::proto::connectors;
use super::proto::exporter::export_request::Packet;
use super::proto::exporter::exporter_server::{Exporter, ExporterServer};
use super::proto::exporter::{
    CloseRequest, CloseResponse, ExportRequest, ExportResponse, InitRequest, InitResponse,
    PingRequest, PingResponse,
};
use crate::connector::destination::{LeftOut, Outcome, RestoreItem, RestoreRecord, StreamRestore};
use crate::connector::{Destination, Role, Settings, resolve_location};
use crate::plugin::attributes::{MODE_FOLDER, left_out, time};
use crate::plugin::{MAX_MESSAGE_BYTES, ResponseStream, status};
use terminal::diagnostics::say;
use terminal::text;

/// Maximum number of results that wait for Plakar to take them.
const MAX_WAITING_RESULTS: usize = 256;

/// Maximum time until it shows that Plakar has cancelled a restore, and not just ended it.
const MAX_LEAVING_TIME: Duration = Duration::from_millis(200);

/// Plakar's exporter over a [`Destination`].
#[derive(Debug)]
pub struct ExporterV1_1 {
    destination: OnceCell<Arc<Destination>>,
    /// Held by each export under way.
    running: watch::Sender<()>,
    /// Cancelled when Plakar has gone or the process is to end.
    shutdown: CancellationToken,
}

impl ExporterV1_1 {
    /// The service, ready to be served, and what is to be waited for when it has to end, which
    /// `shutdown` says: an export that was cut off.
    pub fn server(shutdown: CancellationToken) -> (ExporterServer<Self>, impl Future<Output = ()>) {
        let (running, _) = watch::channel(());
        let service = Self { destination: OnceCell::new(), running: running.clone(), shutdown };
        let finish = async move { running.closed().await };
        (ExporterServer::new(service).max_decoding_message_size(MAX_MESSAGE_BYTES), finish)
    }

    fn destination(&self) -> Result<&Arc<Destination>, Status> {
        self.destination.get().ok_or_else(status::not_initialised)
    }
}

#[tonic::async_trait]
impl Exporter for ExporterV1_1 {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { options, config, .. } = request.into_inner();
        let hostname = options.unwrap_or_default().hostname;
        let settings = Settings::parse(Role::Destination, &config, &hostname)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let settings =
            resolve_location(settings).await.map_err(|error| status::open_status(&error))?;
        settings.location_note().iter().for_each(|note| say(note));
        let destination =
            Destination::open(settings).await.map_err(|error| status::open_status(&error))?;
        let identity = destination.identity().clone();
        if self.destination.set(Arc::new(destination)).is_err() {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse {
            origin: identity.origin,
            r#type: identity.kind,
            root: identity.root,
            flags: 0,
        }))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        self.destination()?.ping().await.map_err(|error| status::open_status(&error))?;
        Ok(Response::new(PingResponse {}))
    }

    type ExportStream = ResponseStream<ExportResponse>;

    async fn export(
        &self,
        request: Request<Streaming<ExportRequest>>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let (sender, outcomes) = mpsc::channel(MAX_WAITING_RESULTS);
        let restore = self.destination()?.restore(sender.clone());
        let (running, shutdown) = (self.running.subscribe(), self.shutdown.clone());
        let restored = tokio::spawn(async move {
            // Leaving drops the restore, which takes back what is under way, also while it waits
            // for the drive.
            let received =
                shutdown.run_until_cancelled(receive(restore, request.into_inner(), sender)).await;
            let ended =
                received.unwrap_or_else(|| Err(Status::aborted("the destination was told to end")));
            drop(running);
            ended
        });
        let results = ReceiverStream::new(outcomes).map(|outcome| Ok(response(outcome)));
        // Plakar exits with 0 whatever the results say; only the end of the stream can make it
        // fail.
        let last = futures::stream::once(async {
            match restored.await {
                Ok(ended) => ended.err(),
                Err(error) => Some(Status::internal(format!("a bug: {error}"))),
            }
        });
        Ok(Response::new(Box::pin(
            results.chain(last.filter_map(|error| async { error.map(Err) })),
        )))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        Ok(Response::new(CloseResponse {}))
    }
}

/// Takes a snapshot in to its end; an error counts and names what was not restored. `results` is
/// where the outcomes go.
async fn receive(
    mut restore: StreamRestore<connectors::Record>,
    mut requests: Streaming<ExportRequest>,
    results: mpsc::Sender<Outcome<connectors::Record>>,
) -> Result<(), Status> {
    // The path of the file whose bytes may come.
    let mut open: Option<String> = None;
    // An error of the stream is Plakar's end: leaving drops the restore, which takes back what is
    // under way.
    while let Some(ExportRequest { packet }) = requests.message().await? {
        match packet {
            Some(Packet::Record(header)) => {
                open = header.has_reader.then(|| header.pathname.clone());
                restore.entry(record(&header), header).await;
            }
            Some(Packet::Chunk(_)) if open.is_none() => {
                return Err(Status::invalid_argument("bytes that belong to no record"));
            }
            Some(Packet::Chunk(chunk)) if chunk.is_empty() => {
                open = None;
                restore.end_of_file().await;
            }
            Some(Packet::Chunk(chunk)) => restore.chunk(chunk).await,
            None => {
                return Err(Status::invalid_argument(
                    "a request with neither a record nor a chunk",
                ));
            }
        }
    }
    let summary = restore.finish().await;
    summary.notes().for_each(|line| say(&line));
    // Plakar ends the stream at the first file that it cannot read, as if nothing came after it
    // (integration-grpc v1.1.0, transmitRecords). A call that is cancelled ends just so (tonic
    // v0.14.9, codec/decode.rs), but then nobody takes the results any more.
    if let Some(path) = open
        && timeout(MAX_LEAVING_TIME, results.closed()).await.is_err()
    {
        say(&format!(
            "Plakar has ended the restore within {}, which it cannot read: what follows it in the snapshot was not sent, and is not restored",
            text::quoted(&path)
        ));
    }
    // Unavailable and Canceled are codes that Plakar has its own words for.
    summary.failure().map_or(Ok(()), |line| Err(Status::unknown(line)))
}

fn response(Outcome { ticket, result }: Outcome<connectors::Record>) -> ExportResponse {
    let error = result.err().map(|reason| reason.to_string()).unwrap_or_default();
    ExportResponse { result: Some(connectors::Result { header: Some(ticket), error }) }
}

/// What a record of Plakar's stands for.
fn record(header: &connectors::Record) -> RestoreRecord {
    let info = header.file_info.clone().unwrap_or_default();
    let item = match left_out(info.mode) {
        _ if !header.error.is_empty() => RestoreItem::Failed(header.error.clone()),
        _ if header.is_xattr => RestoreItem::Other(LeftOut::Attributes),
        _ if info.mode & MODE_FOLDER != 0 => RestoreItem::Folder,
        Some(kind) => RestoreItem::Other(kind),
        None if !header.has_reader => RestoreItem::Failed("it came without its content".to_owned()),
        None => {
            RestoreItem::File { size: u64::try_from(info.size).ok(), modified: time(info.mod_time) }
        }
    };
    RestoreRecord {
        path: header.pathname.clone(),
        item,
        attributes: !header.is_xattr && !header.extended_attributes.is_empty(),
    }
}
