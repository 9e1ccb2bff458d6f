//! The least that a store can be: each resource is a file of a local folder, taken into memory when
//! it is first asked for and sent from there. The location names the folder: bare:///FOLDER.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use bytes::Bytes;
use futures::stream;
use plakar_opendrive::plugin::v1_1::proto::store::store_server::Store;
use plakar_opendrive::plugin::v1_1::proto::store::{
    CloseRequest, CloseResponse, CreateRequest, CreateResponse, DeleteRequest, DeleteResponse,
    GetRequest, GetResponse, InitRequest, InitResponse, ListRequest, ListResponse, ModeRequest,
    ModeResponse, OpenRequest, OpenResponse, PingRequest, PingResponse, PutRequest, PutResponse,
    SizeRequest, SizeResponse,
};
use tokio::sync::OnceCell;
use tonic::{Request, Response, Status, Streaming};

use crate::CHUNK;

/// kloset's `ModeRead | ModeWrite`.
const READ_AND_WRITE: i32 = 4 | 2;

/// The kinds of resources, each with a folder of its own, by their numbers.
const KINDS: std::ops::RangeInclusive<i32> = 1..=5;

/// A folder with a store in it.
#[derive(Default)]
pub struct BareStore {
    folder: OnceCell<PathBuf>,
    /// What was asked for already.
    resources: Mutex<HashMap<(i32, Bytes), Bytes>>,
}

impl BareStore {
    fn folder(&self) -> Result<&Path, Status> {
        let folder = self.folder.get().map(PathBuf::as_path);
        folder.ok_or_else(|| Status::failed_precondition("Init has not been called"))
    }

    fn path(&self, kind: i32, mac: &[u8]) -> Result<PathBuf, Status> {
        let name: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(self.folder()?.join(kind.to_string()).join(name))
    }

    fn resource(&self, kind: i32, mac: Bytes) -> Result<Bytes, Status> {
        let mut resources = self.resources.lock().expect("nothing panics with it");
        if let Some(bytes) = resources.get(&(kind, mac.clone())) {
            return Ok(bytes.clone());
        }
        let bytes = Bytes::from(std::fs::read(self.path(kind, &mac)?)?);
        resources.insert((kind, mac), bytes.clone());
        Ok(bytes)
    }
}

/// The bytes of an answer, message by message.
pub struct Messages(Bytes);

impl Iterator for Messages {
    type Item = Result<GetResponse, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        let length = self.0.len().min(CHUNK);
        (length > 0).then(|| Ok(GetResponse { chunk: self.0.split_to(length) }))
    }
}

#[tonic::async_trait]
impl Store for BareStore {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let location = request.into_inner().config.remove("location").unwrap_or_default();
        let folder = location
            .split_once("://")
            .map(|(_, folder)| PathBuf::from(folder))
            .filter(|folder| folder.is_absolute())
            .ok_or_else(|| Status::invalid_argument("write bare:///FOLDER"))?;
        let root = folder.display().to_string();
        self.folder
            .set(folder)
            .map_err(|_| Status::failed_precondition("Init has been called before"))?;
        Ok(Response::new(InitResponse {
            origin: "memory".into(),
            r#type: "bare".into(),
            root,
            flags: 0,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateRequest>,
    ) -> Result<Response<CreateResponse>, Status> {
        for kind in KINDS {
            std::fs::create_dir_all(self.folder()?.join(kind.to_string()))?;
        }
        std::fs::write(self.folder()?.join("CONFIG"), request.into_inner().config)?;
        Ok(Response::new(CreateResponse {}))
    }

    async fn open(&self, _: Request<OpenRequest>) -> Result<Response<OpenResponse>, Status> {
        let config = std::fs::read(self.folder()?.join("CONFIG"))?;
        Ok(Response::new(OpenResponse { config: config.into() }))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        Ok(Response::new(PingResponse {}))
    }

    async fn mode(&self, _: Request<ModeRequest>) -> Result<Response<ModeResponse>, Status> {
        Ok(Response::new(ModeResponse { mode: READ_AND_WRITE }))
    }

    async fn size(&self, _: Request<SizeRequest>) -> Result<Response<SizeResponse>, Status> {
        let mut size = 0;
        for kind in KINDS {
            for entry in std::fs::read_dir(self.folder()?.join(kind.to_string()))? {
                size += entry?.metadata()?.len();
            }
        }
        Ok(Response::new(SizeResponse { size: size.try_into().unwrap_or(i64::MAX) }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let folder = self.folder()?.join(request.into_inner().r#type.to_string());
        let mut resources: Vec<(SystemTime, Bytes)> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            // A name that is none is an upload that goes on.
            if let Some(mac) = mac(&entry.file_name().to_string_lossy()) {
                resources.push((entry.metadata()?.modified()?, mac));
            }
        }
        // The last one that was put comes first, see docs/plakar-traps.md.
        resources.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Response::new(ListResponse {
            macs: resources.into_iter().map(|(_, mac)| mac).collect(),
        }))
    }

    async fn put(
        &self,
        request: Request<Streaming<PutRequest>>,
    ) -> Result<Response<PutResponse>, Status> {
        use std::io::Write;
        let mut messages = request.into_inner();
        let first = messages
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("a Put without a message"))?;
        let path = self.path(first.r#type, &first.mac)?;
        let unfinished = path.with_extension("unfinished");
        let mut file = std::fs::File::create(&unfinished)?;
        let mut written = first.chunk.len() as i64;
        file.write_all(&first.chunk)?;
        while let Some(message) = messages.message().await? {
            file.write_all(&message.chunk)?;
            written += message.chunk.len() as i64;
        }
        std::fs::rename(unfinished, path)?;
        // A lock is put again under its name.
        self.resources.lock().expect("nothing panics with it").remove(&(first.r#type, first.mac));
        Ok(Response::new(PutResponse { bytes_written: written }))
    }

    type GetStream = stream::Iter<Messages>;

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Self::GetStream>, Status> {
        let request = request.into_inner();
        let bytes = self.resource(request.r#type, request.mac)?;
        let part = match request.range {
            None => bytes,
            Some(range) => {
                let start = range.offset as usize;
                let end = start.saturating_add(range.length as usize);
                if end > bytes.len() {
                    return Err(Status::invalid_argument("beyond the end"));
                }
                bytes.slice(start..end)
            }
        };
        Ok(Response::new(stream::iter(Messages(part))))
    }

    async fn delete(
        &self,
        request: Request<DeleteRequest>,
    ) -> Result<Response<DeleteResponse>, Status> {
        let request = request.into_inner();
        std::fs::remove_file(self.path(request.r#type, &request.mac)?)?;
        self.resources
            .lock()
            .expect("nothing panics with it")
            .remove(&(request.r#type, request.mac));
        Ok(Response::new(DeleteResponse {}))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        Ok(Response::new(CloseResponse {}))
    }
}

/// What a file's name stands for.
fn mac(name: &str) -> Option<Bytes> {
    let digits = name.as_bytes().chunks_exact(2).filter(|_| name.len() == 64);
    let bytes: Option<Vec<u8>> =
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes.filter(|bytes| bytes.len() == 32).map(Bytes::from)
}
