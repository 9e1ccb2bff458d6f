//! The storage service: a store for Plakar.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OnceCell;
use tonic::{Request, Response, Status, Streaming};

use super::proto::store::store_server::{Store as StoreContract, StoreServer};
use super::proto::store::{
    CloseRequest, CloseResponse, CreateRequest, CreateResponse, DeleteRequest, DeleteResponse,
    GetRequest, GetResponse, InitRequest, InitResponse, ListRequest, ListResponse, ModeRequest,
    ModeResponse, OpenRequest, OpenResponse, PingRequest, PingResponse, PutRequest, PutResponse,
    SizeRequest, SizeResponse,
};
use crate::connector::store::{ByteRange, Kind, StateVersion};
use crate::connector::{Role, Settings, Store, resolve_location};
use crate::plugin::resources::{READ_AND_WRITE, ResourceChunks, listed, mac, write};
use crate::plugin::{MAX_MESSAGE_BYTES, status};

/// Plakar's store over a [`Store`]. Clones share it.
#[derive(Clone, Default)]
pub struct StorageV1_1 {
    store: Arc<OnceCell<Store>>,
    /// Where states that cannot be put are kept, see [`Store::with_state`].
    state_folder: Option<PathBuf>,
}

impl StorageV1_1 {
    /// A service that keeps states below a folder of this machine until they are in the store.
    pub fn with_state(state_folder: Option<PathBuf>) -> Self {
        Self { state_folder, ..Self::default() }
    }

    /// The service, ready to be served.
    pub fn server(&self) -> StoreServer<Self> {
        StoreServer::new(self.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// Completes what Plakar has begun; for when it has gone.
    pub async fn finish(&self) {
        if let Some(store) = self.store.get() {
            store.finish().await;
        }
    }

    fn store(&self) -> Result<&Store, Status> {
        self.store.get().ok_or_else(status::not_initialised)
    }
}

#[tonic::async_trait]
impl StoreContract for StorageV1_1 {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { config, .. } = request.into_inner();
        // Plakar tells a store no host name; only that of a local remote would be shown.
        let settings = Settings::parse(Role::Store, &config, "")
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let settings =
            resolve_location(settings).await.map_err(|error| status::open_status(&error))?;
        let store =
            Store::with_state(settings, self.state_folder.clone(), Some(StateVersion::PLAKAR_1_1));
        let identity = store.identity().clone();
        if self.store.set(store).is_err() {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse {
            origin: identity.origin,
            r#type: identity.kind,
            root: identity.root,
            flags: 0,
        }))
    }

    async fn create(
        &self,
        request: Request<CreateRequest>,
    ) -> Result<Response<CreateResponse>, Status> {
        self.store()?
            .create(request.into_inner().config)
            .await
            .map_err(|error| status::open_status(&error))?;
        Ok(Response::new(CreateResponse {}))
    }

    async fn open(&self, _: Request<OpenRequest>) -> Result<Response<OpenResponse>, Status> {
        let config = self.store()?.open().await.map_err(|error| status::open_status(&error))?;
        Ok(Response::new(OpenResponse { config }))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        self.store()?.ping().await.map_err(|error| status::open_status(&error))?;
        Ok(Response::new(PingResponse {}))
    }

    async fn mode(&self, _: Request<ModeRequest>) -> Result<Response<ModeResponse>, Status> {
        Ok(Response::new(ModeResponse { mode: READ_AND_WRITE }))
    }

    async fn size(&self, _: Request<SizeRequest>) -> Result<Response<SizeResponse>, Status> {
        let size = self.store()?.size().await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(SizeResponse { size: i64::try_from(size).unwrap_or(i64::MAX) }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let kind = kind(request.into_inner().r#type)?;
        let macs =
            self.store()?.list(kind).await.map_err(|error| status::resource_status(&error))?;
        let answer =
            ListResponse { macs: macs.iter().map(|mac| Bytes::copy_from_slice(mac)).collect() };
        listed(kind, macs.len(), answer)
    }

    async fn put(
        &self,
        request: Request<Streaming<PutRequest>>,
    ) -> Result<Response<PutResponse>, Status> {
        let mut messages = request.into_inner();
        let first = messages
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("a Put without a message"))?;
        let mut put = match (self.store(), kind(first.r#type), mac(&first.mac)) {
            (Ok(store), Ok(kind), Ok(mac)) => {
                store.put(kind, mac).await.map_err(|error| status::resource_status(&error))
            }
            (Err(status), ..) | (_, Err(status), _) | (.., Err(status)) => Err(status),
        };
        write(&mut put, first.chunk).await;
        // To the end in any case: Plakar does not hear our answer if it cannot send all of its
        // bytes (integration-grpc v1.1.0, storage/storage.go).
        while let Some(message) = messages.message().await? {
            write(&mut put, message.chunk).await;
        }
        let written = put?.commit().await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(PutResponse { bytes_written: i64::try_from(written).unwrap_or(i64::MAX) }))
    }

    type GetStream = ResourceChunks<GetResponse>;

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Self::GetStream>, Status> {
        let request = request.into_inner();
        let (store, kind, mac) = (self.store()?, kind(request.r#type)?, mac(&request.mac)?);
        let range = request
            .range
            .map(|range| ByteRange { offset: range.offset, length: range.length.into() });
        let found =
            store.get(kind, &mac, range).await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(ResourceChunks::new(found, answer)))
    }

    async fn delete(
        &self,
        request: Request<DeleteRequest>,
    ) -> Result<Response<DeleteResponse>, Status> {
        let request = request.into_inner();
        let (kind, mac) = (kind(request.r#type)?, mac(&request.mac)?);
        self.store()?.delete(kind, &mac).await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(DeleteResponse {}))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        // The remote itself is closed with the process; Plakar may still be reading.
        if let Some(store) = self.store.get() {
            store.tidy().await;
        }
        Ok(Response::new(CloseResponse {}))
    }
}

fn answer(chunk: Bytes) -> GetResponse {
    GetResponse { chunk }
}

fn kind(number: i32) -> Result<Kind, Status> {
    Kind::from_number(number).ok_or_else(|| {
        Status::invalid_argument(format!("there is no kind of resource with the number {number}"))
    })
}
