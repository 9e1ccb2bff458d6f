//! The importer service: a source for Plakar.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt, TryStreamExt};
use tokio::sync::{OnceCell, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::proto::importer::importer_server::{Importer, ImporterServer};
use super::proto::importer::scan_response::Result as Found;
use super::proto::importer::{
    CloseReaderRequest, CloseReaderResponse, CloseRequest, CloseResponse, InfoRequest,
    InfoResponse, InitRequest, InitResponse, OpenReaderRequest, OpenReaderResponse, ScanError,
    ScanRecord, ScanRequest, ScanResponse,
};
use crate::connector::source::SourceRecord;
use crate::connector::{Role, Settings, Source};
use crate::plugin::attributes::attributes;
use crate::plugin::{MAX_MESSAGE_BYTES, MAX_WAITING_RECORDS, ResponseStream, file, status};
use terminal::diagnostics::say;

/// Minimum number of workers that Plakar is taken to have: what it says is what it has without
/// options.
const MIN_WORKERS: usize = 64;

/// Plakar's importer over a [`Source`].
#[derive(Debug, Default)]
pub struct ImporterV1_0 {
    source: OnceCell<Arc<Source>>,
    /// The files that are being read.
    open: Mutex<HashMap<String, CancellationToken>>,
}

impl ImporterV1_0 {
    /// The service, ready to be served.
    pub fn server() -> ImporterServer<Self> {
        ImporterServer::new(Self::default()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    fn source(&self) -> Result<&Arc<Source>, Status> {
        self.source.get().ok_or_else(status::not_initialised)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl Importer for ImporterV1_0 {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { options, config, .. } = request.into_inner();
        let options = options.unwrap_or_default();
        let settings = Settings::parse(Role::Source, &config, &options.hostname)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let source = Source::open(settings).await.map_err(|error| status::open_status(&error))?;
        let workers = usize::try_from(options.max_concurrency).unwrap_or(0).max(MIN_WORKERS);
        if self.source.set(Arc::new(source.without_acknowledgements(workers))).is_err() {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse::default()))
    }

    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        let identity = self.source()?.identity().clone();
        Ok(Response::new(InfoResponse {
            r#type: identity.kind,
            origin: identity.origin,
            root: identity.root,
        }))
    }

    type ScanStream = ResponseStream<ScanResponse>;

    async fn scan(&self, _: Request<ScanRequest>) -> Result<Response<Self::ScanStream>, Status> {
        let source = self.source()?.clone();
        let checksums = source.compares_checksums();
        let (sender, records) = mpsc::channel(MAX_WAITING_RECORDS);
        let walk = tokio::spawn({
            let source = source.clone();
            async move {
                let walked = source.walk(sender).await;
                source.notes().for_each(|note| say(&note));
                walked
            }
        });
        // Plakar asks again and again after a stream that has ended with a status, for ever
        // (integration-grpc v1.0.18, importer/grpc_importer.go), and counts the errors of records,
        // on the root too.
        let last = futures::stream::once(async move {
            let problem = match walk.await {
                Ok(walked) => walked.err().map(|error| error.to_string()),
                Err(error) => Some(format!("a bug: {error}")),
            };
            problem.map(|problem| failed(source.identity().root.clone(), problem))
        });
        let records = ReceiverStream::new(records).map(move |record| response(record, checksums));
        Ok(Response::new(Box::pin(records.chain(last.filter_map(|last| async { last })).map(Ok))))
    }

    type OpenReaderStream = ResponseStream<OpenReaderResponse>;

    async fn open_reader(
        &self,
        request: Request<OpenReaderRequest>,
    ) -> Result<Response<Self::OpenReaderStream>, Status> {
        let path = request.into_inner().pathname;
        let reader =
            self.source()?.read(&path).await.map_err(|error| status::file_status(&error))?;
        let closed = self.open().entry(path).or_default().clone();
        let chunks = file::chunks(reader, closed).await?;
        Ok(Response::new(Box::pin(chunks.map_ok(|chunk| OpenReaderResponse { chunk }))))
    }

    async fn close_reader(
        &self,
        request: Request<CloseReaderRequest>,
    ) -> Result<Response<CloseReaderResponse>, Status> {
        let path = request.into_inner().pathname;
        let source = self.source()?;
        // Plakar does not cancel the stream of a file that it does not read to its end.
        if let Some(closed) = self.open().remove(&path) {
            closed.cancel();
        }
        source.acknowledge(&path);
        Ok(Response::new(CloseReaderResponse {}))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        // The remote is closed with the process; Plakar may still be reading.
        Ok(Response::new(CloseResponse {}))
    }
}

fn response(SourceRecord { path, item }: SourceRecord, checksums: bool) -> ScanResponse {
    match attributes(&path, item, checksums) {
        Ok(info) => {
            let record = ScanRecord { file_info: Some(info), ..Default::default() };
            ScanResponse { pathname: path, result: Some(Found::Record(record)) }
        }
        Err(error) => failed(path, error),
    }
}

fn failed(pathname: String, message: String) -> ScanResponse {
    ScanResponse { pathname, result: Some(Found::Error(ScanError { message })) }
}
