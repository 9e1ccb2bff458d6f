//! The importer service: a source for Plakar.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::convert;
use super::proto::importer::importer_server::{Importer, ImporterServer};
use super::proto::importer::{
    CloseRequest, CloseResponse, ImportRequest, ImportResponse, InitRequest, InitResponse,
    OpenRequest, OpenResponse, PingRequest, PingResponse,
};
use crate::connector::{Role, Settings, Source, resolve_location};
use crate::plugin::{MAX_MESSAGE_BYTES, MAX_WAITING_RECORDS, ResponseStream, file, status};
use terminal::diagnostics::say;

/// kloset's `location.FLAG_STREAM`: without it Plakar starts a second importer and lists the whole
/// drive a second time, only to draw a progress bar. On a rate-limited drive that is half of all
/// calls.
const FLAG_STREAM: u32 = 1 << 2;

/// Plakar's importer over a [`Source`].
#[derive(Debug, Default)]
pub struct ImporterV1_1 {
    source: OnceCell<Arc<Source>>,
}

impl ImporterV1_1 {
    /// The service, ready to be served.
    pub fn server() -> ImporterServer<Self> {
        ImporterServer::new(Self::default()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn source(&self) -> Result<&Arc<Source>, Status> {
        self.source.get().ok_or_else(status::not_initialised)
    }
}

#[tonic::async_trait]
impl Importer for ImporterV1_1 {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { options, config, .. } = request.into_inner();
        let options = options.unwrap_or_default();
        let hostname = options.hostname;
        let settings = Settings::parse(Role::Source, &config, &hostname)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let settings =
            resolve_location(settings).await.map_err(|error| status::open_status(&error))?;
        settings.location_note().iter().for_each(|note| say(note));
        let source = Source::open(settings).await.map_err(|error| status::open_status(&error))?;
        let source = source.ignoring(&options.excludes);
        let identity = source.identity().clone();
        if self.source.set(Arc::new(source)).is_err() {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse {
            origin: identity.origin,
            r#type: identity.kind,
            root: identity.root,
            flags: FLAG_STREAM,
        }))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        self.source()?.ping().await.map_err(|error| status::open_status(&error))?;
        Ok(Response::new(PingResponse {}))
    }

    type ImportStream = ResponseStream<ImportResponse>;

    async fn import(
        &self,
        request: Request<Streaming<ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let source = self.source()?.clone();
        let checksums = source.compares_checksums();
        let ended = {
            let source = source.clone();
            async move { status::run_status(&source.fatal_error().await) }
        };
        let results = request.into_inner();
        let (sender, records) = mpsc::channel(MAX_WAITING_RECORDS);
        let (done, all_acknowledged) = oneshot::channel();
        let walk = tokio::spawn({
            let source = source.clone();
            async move {
                let walked = source.walk(sender).await;
                source.notes().for_each(|note| say(&note));
                walked
            }
        });
        tokio::spawn(async move {
            let outcome = acknowledge(&source, results).await;
            // The stream of records may be gone already.
            let _ = done.send(outcome);
        });
        let records = ReceiverStream::new(records).map(move |record| ImportResponse {
            record: Some(convert::record(record, checksums)),
            finished: false,
        });
        // An error that comes after `finished` is lost on Plakar, so a walk that failed does not
        // say it.
        let finished = futures::stream::once(async {
            match walk.await {
                Ok(Ok(())) => Ok(ImportResponse { record: None, finished: true }),
                Ok(Err(error)) => Err(status::open_status(&error)),
                Err(error) => Err(Status::internal(format!("a bug: {error}"))),
            }
        });
        // The call stays open until Plakar has sent its last result: it still sends some after the
        // last record, and ending the call would make that an error.
        let last = futures::stream::once(all_acknowledged).filter_map(|outcome| async {
            outcome
                .unwrap_or_else(|_| {
                    Err(Status::internal("a bug: the results were not taken to their end"))
                })
                .err()
                .map(Err)
        });
        Ok(Response::new(Box::pin(until(records.map(Ok).chain(finished).chain(last), ended))))
    }

    type OpenStream = ResponseStream<OpenResponse>;

    async fn open(
        &self,
        request: Request<OpenRequest>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let record = request
            .into_inner()
            .record
            .ok_or_else(|| Status::invalid_argument("an Open without a record"))?;
        if record.is_xattr {
            return Err(Status::not_found("a drive has no extended attributes"));
        }
        let reader = self
            .source()?
            .read(&record.pathname)
            .await
            .map_err(|error| status::file_status(&error))?;
        // Plakar cancels the call of a file that it closes before its end.
        let chunks = file::chunks(reader, CancellationToken::new()).await?;
        Ok(Response::new(Box::pin(chunks.map_ok(|chunk| OpenResponse { chunk }))))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        // The remote is closed with the process; Plakar may still be reading.
        Ok(Response::new(CloseResponse {}))
    }
}

/// What a stream gives, until the run has to end.
fn until<T: Send>(
    stream: impl Stream<Item = Result<T, Status>> + Send,
    ended: impl Future<Output = Status> + Send,
) -> impl Stream<Item = Result<T, Status>> + Send {
    futures::stream::unfold(Some((Box::pin(stream), Box::pin(ended))), |state| async {
        let (mut stream, mut ended) = state?;
        tokio::select! {
            biased;
            status = &mut ended => Some((Err(status), None)),
            item = stream.next() => item.map(|item| (item, Some((stream, ended)))),
        }
    })
}

/// Takes the results of an import until Plakar has sent the last one.
async fn acknowledge(source: &Source, mut results: Streaming<ImportRequest>) -> Result<(), Status> {
    while let Some(message) = results.message().await? {
        let header = message.result.and_then(|result| result.header);
        let header =
            header.ok_or_else(|| Status::invalid_argument("a result without its record"))?;
        // A record of ours that is an error is answered with that error, and beside it there may be
        // a file of its path, which Plakar has yet to open. A file that Plakar could not read has no
        // error here.
        if !header.is_xattr && header.error.is_empty() {
            source.acknowledge(&header.pathname);
        }
    }
    Ok(())
}
