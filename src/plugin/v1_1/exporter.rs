//! The exporter service: a destination for Plakar.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use tokio::sync::{OnceCell, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::proto::connectors;
use super::proto::exporter::export_request::Packet;
use super::proto::exporter::exporter_server::{Exporter, ExporterServer};
use super::proto::exporter::{
    CloseRequest, CloseResponse, ExportRequest, ExportResponse, InitRequest, InitResponse, PingRequest, PingResponse,
};
use crate::connector::destination::{Item, LeftOut, Outcome, Record, Restore};
use crate::connector::{Destination, Role, Settings, settle};
use crate::plugin::attributes::{MODE_FOLDER, left_out, time};
use crate::plugin::{MAX_MESSAGE, status};
use terminal::diagnostics::say;

/// Results that wait for Plakar to take them.
const RESULTS: usize = 256;

/// Plakar's exporter over a [`Destination`].
#[derive(Debug)]
pub struct ExporterService {
    destination: OnceCell<Arc<Destination>>,
    /// Held by each export under way.
    running: watch::Sender<()>,
    /// Cancelled when Plakar has gone or the process is to end.
    leaving: CancellationToken,
}

impl ExporterService {
    /// The service, ready to be served, and what is to be waited for when it has to end, which
    /// `leaving` says: an export that was cut off.
    pub fn server(leaving: CancellationToken) -> (ExporterServer<Self>, impl Future<Output = ()>) {
        let (running, _) = watch::channel(());
        let service = Self { destination: OnceCell::new(), running: running.clone(), leaving };
        let finish = async move { running.closed().await };
        (ExporterServer::new(service).max_decoding_message_size(MAX_MESSAGE), finish)
    }

    fn destination(&self) -> Result<&Arc<Destination>, Status> {
        self.destination.get().ok_or_else(status::not_initialised)
    }
}

#[tonic::async_trait]
impl Exporter for ExporterService {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { options, config, .. } = request.into_inner();
        let hostname = options.unwrap_or_default().hostname;
        let settings =
            Settings::parse(Role::Destination, &config, &hostname).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let settings = settle(settings).await.map_err(|error| status::open_status(&error))?;
        settings.note().iter().for_each(|note| say(note));
        let destination = Destination::open(settings).await.map_err(|error| status::open_status(&error))?;
        let identity = destination.identity().clone();
        if self.destination.set(Arc::new(destination)).is_err() {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse { origin: identity.origin, r#type: identity.kind, root: identity.root, flags: 0 }))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        self.destination()?.ping().await.map_err(|error| status::open_status(&error))?;
        Ok(Response::new(PingResponse {}))
    }

    type ExportStream = Pin<Box<dyn Stream<Item = Result<ExportResponse, Status>> + Send>>;

    async fn export(&self, request: Request<Streaming<ExportRequest>>) -> Result<Response<Self::ExportStream>, Status> {
        let (sender, outcomes) = mpsc::channel(RESULTS);
        let restore = self.destination()?.restore(sender);
        let (running, leaving) = (self.running.subscribe(), self.leaving.clone());
        let restored = tokio::spawn(async move {
            // Leaving drops the restore, which takes back what is under way, also while it waits for the drive.
            let received = leaving.run_until_cancelled(receive(restore, request.into_inner())).await;
            let ended = received.unwrap_or_else(|| Err(Status::aborted("the destination was told to end")));
            drop(running);
            ended
        });
        let results = ReceiverStream::new(outcomes).map(|outcome| Ok(response(outcome)));
        // Plakar exits with 0 whatever the results say; only the end of the stream can make it fail.
        let last = futures::stream::once(async {
            match restored.await {
                Ok(ended) => ended.err(),
                Err(error) => Some(Status::internal(format!("a bug: {error}"))),
            }
        });
        Ok(Response::new(Box::pin(results.chain(last.filter_map(|error| async { error.map(Err) })))))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        Ok(Response::new(CloseResponse {}))
    }
}

/// Takes a snapshot in to its end; an error counts and names what was not restored.
async fn receive(mut restore: Restore<connectors::Record>, mut requests: Streaming<ExportRequest>) -> Result<(), Status> {
    // An error of the stream is Plakar's end: leaving drops the restore, which takes back what is under way.
    // Whether the bytes of a record may come.
    let mut open = false;
    while let Some(ExportRequest { packet }) = requests.message().await? {
        match packet {
            Some(Packet::Record(header)) => {
                open = header.has_reader;
                restore.entry(record(&header), header).await;
            }
            Some(Packet::Chunk(_)) if !open => return Err(Status::invalid_argument("bytes that belong to no record")),
            Some(Packet::Chunk(chunk)) if chunk.is_empty() => {
                open = false;
                restore.end_of_file().await;
            }
            Some(Packet::Chunk(chunk)) => restore.chunk(chunk).await,
            None => return Err(Status::invalid_argument("a request with neither a record nor a chunk")),
        }
    }
    let summary = restore.finish().await;
    summary.notes().for_each(|line| say(&line));
    // Unavailable and Canceled are codes that Plakar has its own words for.
    summary.failure().map_or(Ok(()), |line| Err(Status::unknown(line)))
}

fn response(Outcome { ticket, result }: Outcome<connectors::Record>) -> ExportResponse {
    let error = result.err().unwrap_or_default();
    ExportResponse { result: Some(connectors::Result { header: Some(ticket), error }) }
}

/// What a record of Plakar's stands for.
fn record(header: &connectors::Record) -> Record {
    let info = header.file_info.clone().unwrap_or_default();
    let item = match left_out(info.mode) {
        _ if !header.error.is_empty() => Item::Failed(header.error.clone()),
        _ if header.is_xattr => Item::Other(LeftOut::Attributes),
        _ if info.mode & MODE_FOLDER != 0 => Item::Folder,
        Some(kind) => Item::Other(kind),
        None if !header.has_reader => Item::Failed("it came without its content".to_owned()),
        None => Item::File { size: u64::try_from(info.size).ok(), modified: time(info.mod_time) },
    };
    Record { path: header.pathname.clone(), item, attributes: !header.is_xattr && !header.extended_attributes.is_empty() }
}
