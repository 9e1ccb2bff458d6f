//! The least that a source can be: files made up in memory. The location says what there is:
//! bare://FILESxBYTES.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use opendrive_sim::generated_bytes;
use plakar_opendrive::plugin::files::FileInfo;
use plakar_opendrive::plugin::v1_1::proto::connectors::Record;
use plakar_opendrive::plugin::v1_1::proto::importer::importer_server::Importer;
use plakar_opendrive::plugin::v1_1::proto::importer::{
    CloseRequest, CloseResponse, ImportRequest, ImportResponse, InitRequest, InitResponse,
    OpenRequest, OpenResponse, PingRequest, PingResponse,
};
use tokio::sync::{OnceCell, oneshot};
use tonic::{Request, Response, Status, Streaming};

use crate::CHUNK;

const STREAM: u32 = 1 << 2;
const FOLDER: u32 = 1 << 31 | 0o700;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// How many files there are, and of how many bytes.
#[derive(Default)]
pub struct BareSource(OnceCell<(u64, u64)>);

fn record(path: &str, mode: u32, size: u64) -> Result<ImportResponse, Status> {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/").to_owned();
    let time = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let info = FileInfo {
        name,
        size: size as i64,
        mode,
        mod_time: Some(time),
        nlink: 1,
        ..Default::default()
    };
    let record = Record {
        pathname: path.to_owned(),
        has_reader: mode & FOLDER != FOLDER,
        file_info: Some(info),
        ..Default::default()
    };
    Ok(ImportResponse { record: Some(record), finished: false })
}

#[tonic::async_trait]
impl Importer for BareSource {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let location = request.into_inner().config.remove("location").unwrap_or_default();
        let numbers = location.split_once("://").and_then(|(_, numbers)| numbers.split_once('x'));
        let parsed =
            numbers.and_then(|(files, bytes)| Some((files.parse().ok()?, bytes.parse().ok()?)));
        let parsed = parsed.ok_or_else(|| Status::invalid_argument("write bare://FILESxBYTES"))?;
        self.0
            .set(parsed)
            .map_err(|_| Status::failed_precondition("Init has been called before"))?;
        Ok(Response::new(InitResponse {
            origin: "memory".into(),
            r#type: "bare".into(),
            root: "/".into(),
            flags: STREAM,
        }))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        Ok(Response::new(PingResponse {}))
    }

    type ImportStream = Answers<ImportResponse>;

    async fn import(
        &self,
        request: Request<Streaming<ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let &(files, bytes) =
            self.0.get().ok_or_else(|| Status::failed_precondition("Init has not been called"))?;
        let mut results = request.into_inner();
        let (done, all_acknowledged) = oneshot::channel::<()>();
        tokio::spawn(async move {
            while let Ok(Some(_)) = results.message().await {}
            drop(done);
        });
        let tree = (0..files).flat_map(move |number| {
            let folder = format!("/folder{:03}", number / 100);
            let file = record(&format!("{folder}/file{number:05}.dat"), 0o600, bytes);
            (number % 100 == 0).then(|| record(&folder, FOLDER, 0)).into_iter().chain([file])
        });
        let all = std::iter::once(record("/", FOLDER, 0))
            .chain(tree)
            .chain([Ok(ImportResponse { record: None, finished: true })]);
        let last = stream::once(all_acknowledged).filter_map(|_| async { None });
        Ok(Response::new(Box::pin(stream::iter(all).chain(last))))
    }

    type OpenStream = Answers<OpenResponse>;

    async fn open(
        &self,
        request: Request<OpenRequest>,
    ) -> Result<Response<Self::OpenStream>, Status> {
        let &(_, bytes) =
            self.0.get().ok_or_else(|| Status::failed_precondition("Init has not been called"))?;
        let path = request.into_inner().record.unwrap_or_default().pathname;
        let number = path
            .trim_end_matches(".dat")
            .rsplit("file")
            .next()
            .and_then(|number| number.parse::<u64>().ok());
        let seed = number.ok_or_else(|| Status::not_found("no such file"))? + 1;
        let chunks = (0..bytes).step_by(CHUNK).map(move |offset| {
            let mut chunk = vec![0; (CHUNK as u64).min(bytes - offset) as usize];
            generated_bytes(seed, offset, &mut chunk);
            Ok(OpenResponse { chunk: Bytes::from(chunk) })
        });
        Ok(Response::new(Box::pin(stream::iter(chunks))))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        Ok(Response::new(CloseResponse {}))
    }
}
