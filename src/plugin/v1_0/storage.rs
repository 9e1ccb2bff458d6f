//! The storage service: a store for Plakar.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OnceCell;
use tonic::{Request, Response, Status, Streaming};

use super::proto::store::store_server::{Store as StoreContract, StoreServer};
use super::proto::store::{
    CloseRequest, CloseResponse, CreateRequest, CreateResponse, DeleteRequest, DeleteResponse,
    GetLocationRequest, GetLocationResponse, GetModeRequest, GetModeResponse, GetRangeRequest,
    GetRequest, GetResponse, GetSizeRequest, GetSizeResponse, InitRequest, InitResponse,
    ListRequest, ListResponse, Mac as MacMessage, OpenRequest, OpenResponse, PutRequest,
    PutResponse,
};
use crate::connector::store::{ByteRange, Kind};
use crate::connector::{Role, Settings, Store};
use crate::plugin::resources::{READ_AND_WRITE, ResourceChunks, listed, mac, write};
use crate::plugin::{MAX_MESSAGE_BYTES, status};

type Reply<T> = Result<Response<T>, Status>;

/// Plakar's store over a [`Store`]. Clones share it.
#[derive(Clone, Default)]
pub struct StorageV1_0 {
    open: Arc<OnceCell<OpenStore>>,
    /// Where states that cannot be put are kept, see [`Store::with_state`].
    state_folder: Option<PathBuf>,
}

/// What Init makes.
struct OpenStore {
    store: Store,
    /// As the user has configured it.
    location: String,
}

impl StorageV1_0 {
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
        if let Some(open) = self.open.get() {
            open.store.finish().await;
        }
    }

    fn ready(&self) -> Result<&OpenStore, Status> {
        self.open.get().ok_or_else(status::not_initialised)
    }

    async fn list(&self, kind: Kind) -> Reply<ListResponse> {
        let macs = self
            .ready()?
            .store
            .list(kind)
            .await
            .map_err(|error| status::resource_status(&error))?;
        let names = macs.iter().map(|mac| MacMessage { value: Bytes::copy_from_slice(mac) });
        listed(kind, macs.len(), ListResponse { macs: names.collect() })
    }

    async fn put(&self, kind: Kind, request: Request<Streaming<PutRequest>>) -> Reply<PutResponse> {
        let mut messages = request.into_inner();
        let first = messages
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("a put without a message"))?;
        let mut put = match (self.ready(), mac(&first.mac.unwrap_or_default().value)) {
            (Ok(open), Ok(mac)) => {
                open.store.put(kind, mac).await.map_err(|error| status::resource_status(&error))
            }
            (Err(status), _) | (_, Err(status)) => Err(status),
        };
        write(&mut put, first.chunk).await;
        // To the end in any case: Plakar does not hear our answer if it cannot send all of its
        // bytes (integration-grpc v1.0.18, storage/grpc_storage.go).
        while let Some(message) = messages.message().await? {
            write(&mut put, message.chunk).await;
        }
        let written = put?.commit().await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(PutResponse { bytes_written: i64::try_from(written).unwrap_or(i64::MAX) }))
    }

    async fn get(
        &self,
        kind: Kind,
        name: Option<MacMessage>,
        range: Option<ByteRange>,
    ) -> Reply<ResourceChunks<GetResponse>> {
        let (store, mac) = (&self.ready()?.store, mac(&name.unwrap_or_default().value)?);
        let found =
            store.get(kind, &mac, range).await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(ResourceChunks::new(found, answer)))
    }

    async fn delete(&self, kind: Kind, request: Request<DeleteRequest>) -> Reply<DeleteResponse> {
        let mac = mac(&request.into_inner().mac.unwrap_or_default().value)?;
        self.ready()?
            .store
            .delete(kind, &mac)
            .await
            .map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(DeleteResponse {}))
    }
}

#[tonic::async_trait]
impl StoreContract for StorageV1_0 {
    async fn init(&self, request: Request<InitRequest>) -> Reply<InitResponse> {
        let InitRequest { mut config, .. } = request.into_inner();
        // Plakar tells a store no host name; only that of a local remote would be shown.
        let settings = Settings::parse(Role::Store, &config, "")
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let location = config.remove("location").unwrap_or_default();
        if self
            .open
            .set(OpenStore {
                store: Store::with_state(settings, self.state_folder.clone(), None),
                location,
            })
            .is_err()
        {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse::default()))
    }

    async fn create(&self, request: Request<CreateRequest>) -> Reply<CreateResponse> {
        self.ready()?
            .store
            .create(request.into_inner().config)
            .await
            .map_err(|error| status::open_status(&error))?;
        Ok(Response::new(CreateResponse {}))
    }

    async fn open(&self, _: Request<OpenRequest>) -> Reply<OpenResponse> {
        let config =
            self.ready()?.store.open().await.map_err(|error| status::open_status(&error))?;
        Ok(Response::new(OpenResponse { config }))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Reply<CloseResponse> {
        // The remote itself is closed with the process; Plakar may still be reading.
        if let Some(open) = self.open.get() {
            open.store.tidy().await;
        }
        Ok(Response::new(CloseResponse {}))
    }

    async fn get_location(&self, _: Request<GetLocationRequest>) -> Reply<GetLocationResponse> {
        Ok(Response::new(GetLocationResponse { location: self.ready()?.location.clone() }))
    }

    async fn get_mode(&self, _: Request<GetModeRequest>) -> Reply<GetModeResponse> {
        self.ready()?;
        Ok(Response::new(GetModeResponse { mode: READ_AND_WRITE }))
    }

    async fn get_size(&self, _: Request<GetSizeRequest>) -> Reply<GetSizeResponse> {
        let size =
            self.ready()?.store.size().await.map_err(|error| status::resource_status(&error))?;
        Ok(Response::new(GetSizeResponse { size: i64::try_from(size).unwrap_or(i64::MAX) }))
    }

    async fn get_states(&self, _: Request<ListRequest>) -> Reply<ListResponse> {
        self.list(Kind::State).await
    }

    async fn put_state(&self, request: Request<Streaming<PutRequest>>) -> Reply<PutResponse> {
        self.put(Kind::State, request).await
    }

    type GetStateStream = ResourceChunks<GetResponse>;

    async fn get_state(&self, request: Request<GetRequest>) -> Reply<ResourceChunks<GetResponse>> {
        self.get(Kind::State, request.into_inner().mac, None).await
    }

    async fn delete_state(&self, request: Request<DeleteRequest>) -> Reply<DeleteResponse> {
        self.delete(Kind::State, request).await
    }

    async fn get_packfiles(&self, _: Request<ListRequest>) -> Reply<ListResponse> {
        self.list(Kind::Packfile).await
    }

    async fn put_packfile(&self, request: Request<Streaming<PutRequest>>) -> Reply<PutResponse> {
        self.put(Kind::Packfile, request).await
    }

    type GetPackfileStream = ResourceChunks<GetResponse>;

    async fn get_packfile(
        &self,
        request: Request<GetRequest>,
    ) -> Reply<ResourceChunks<GetResponse>> {
        self.get(Kind::Packfile, request.into_inner().mac, None).await
    }

    type GetPackfileBlobStream = ResourceChunks<GetResponse>;

    async fn get_packfile_blob(
        &self,
        request: Request<GetRangeRequest>,
    ) -> Reply<ResourceChunks<GetResponse>> {
        let GetRangeRequest { mac, offset, length, .. } = request.into_inner();
        self.get(Kind::Packfile, mac, Some(ByteRange { offset, length: length.into() })).await
    }

    async fn delete_packfile(&self, request: Request<DeleteRequest>) -> Reply<DeleteResponse> {
        self.delete(Kind::Packfile, request).await
    }

    async fn get_locks(&self, _: Request<ListRequest>) -> Reply<ListResponse> {
        self.list(Kind::Lock).await
    }

    async fn put_lock(&self, request: Request<Streaming<PutRequest>>) -> Reply<PutResponse> {
        self.put(Kind::Lock, request).await
    }

    type GetLockStream = ResourceChunks<GetResponse>;

    async fn get_lock(&self, request: Request<GetRequest>) -> Reply<ResourceChunks<GetResponse>> {
        self.get(Kind::Lock, request.into_inner().mac, None).await
    }

    async fn delete_lock(&self, request: Request<DeleteRequest>) -> Reply<DeleteResponse> {
        self.delete(Kind::Lock, request).await
    }
}

fn answer(chunk: Bytes) -> GetResponse {
    GetResponse { chunk }
}
