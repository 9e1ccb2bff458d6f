//! The exporter service: a destination for Plakar.

use std::sync::Arc;

use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::proto::exporter::exporter_server::{Exporter, ExporterServer};
use super::proto::exporter::store_file_request::Type as Part;
use super::proto::exporter::{
    CloseRequest, CloseResponse, CreateDirectoryRequest, CreateDirectoryResponse,
    CreateLinkRequest, CreateLinkResponse, Header, InitRequest, InitResponse, RootRequest,
    RootResponse, SetPermissionsRequest, SetPermissionsResponse, StoreFileRequest,
    StoreFileResponse,
};
use crate::connector::destination::{CallRestore, LeftOut, RestoreError};
use crate::connector::{Destination, Role, Settings};
use crate::plugin::attributes::{MODE_FOLDER, left_out, time};
use crate::plugin::{MAX_MESSAGE_BYTES, status};
use terminal::diagnostics::say;

/// Plakar's number for a hard link (kloset v1.0.12, snapshot/exporter).
const HARD_LINK: u32 = 0;

/// Plakar's exporter over a [`Destination`].
pub struct ExporterV1_0 {
    open: OnceCell<OpenDestination>,
    /// Held by each call under way.
    running: watch::Sender<()>,
    /// Cancelled when Plakar has gone or the process is to end.
    shutdown: CancellationToken,
}

/// What Init makes.
struct OpenDestination {
    root: String,
    restore: CallRestore,
}

impl ExporterV1_0 {
    /// The service, ready to be served, and what is to be waited for when it has to end, which
    /// `shutdown` says: files that were cut off.
    pub fn server(shutdown: CancellationToken) -> (ExporterServer<Self>, impl Future<Output = ()>) {
        let (running, _) = watch::channel(());
        let service = Self { open: OnceCell::new(), running: running.clone(), shutdown };
        let finish = async move { running.closed().await };
        (ExporterServer::new(service).max_decoding_message_size(MAX_MESSAGE_BYTES), finish)
    }

    fn ready(&self) -> Result<&OpenDestination, Status> {
        self.open.get().ok_or_else(status::not_initialised)
    }

    /// Does something for a call. Leaving drops it, which takes back what is under way.
    async fn run<T>(&self, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let _running = self.running.subscribe();
        let done = self.shutdown.run_until_cancelled(work).await;
        // Canceled is a code that Plakar has its own words for.
        done.unwrap_or_else(|| Err(Status::aborted("the destination was told to end")))
    }
}

#[tonic::async_trait]
impl Exporter for ExporterV1_0 {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { config, .. } = request.into_inner();
        // Plakar tells an exporter no host name.
        let settings = Settings::parse(Role::Destination, &config, "")
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let destination =
            Destination::open(settings).await.map_err(|error| status::open_status(&error))?;
        let root = destination.identity().root.clone();
        if self
            .open
            .set(OpenDestination { root, restore: Arc::new(destination).restore_by_calls() })
            .is_err()
        {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse::default()))
    }

    async fn root(&self, _: Request<RootRequest>) -> Result<Response<RootResponse>, Status> {
        Ok(Response::new(RootResponse { root_path: self.ready()?.root.clone() }))
    }

    async fn create_directory(
        &self,
        request: Request<CreateDirectoryRequest>,
    ) -> Result<Response<CreateDirectoryResponse>, Status> {
        let path = request.into_inner().pathname;
        let open = self.ready()?;
        self.run(async { open.restore.folder(open.below(&path)?).await.map_err(refused) }).await?;
        Ok(Response::new(CreateDirectoryResponse {}))
    }

    async fn store_file(
        &self,
        request: Request<Streaming<StoreFileRequest>>,
    ) -> Result<Response<StoreFileResponse>, Status> {
        let open = self.ready()?;
        let mut parts = request.into_inner();
        let Some(Part::Header(Header { pathname, size })) =
            parts.message().await?.and_then(|part| part.r#type)
        else {
            return Err(Status::invalid_argument("a file that does not begin with its header"));
        };
        // Plakar hears our answer also when it has not sent everything yet (grpc_exporter.go).
        self.run(async {
            if i64::try_from(size).is_err() {
                return Err(Status::unknown(
                    "a file whose size is not known cannot be restored: nothing would tell whether all of it came",
                ));
            }
            let mut file = open.restore.file(open.below(&pathname)?, size, None).await.map_err(refused)?;
            while let Some(part) = parts.message().await.map_err(|status| Status::unknown(status.message()))? {
                match part.r#type {
                    Some(Part::Data(data)) => file.chunk(data.chunk).await.map_err(refused)?,
                    Some(Part::Header(_)) => return Err(Status::unknown("a second header within the file")),
                    None => return Err(Status::unknown("a request with neither a header nor a chunk")),
                }
            }
            file.end().await.map_err(refused)
        })
        .await?;
        Ok(Response::new(StoreFileResponse {}))
    }

    /// A drive has no permissions; here a file gets its time.
    async fn set_permissions(
        &self,
        request: Request<SetPermissionsRequest>,
    ) -> Result<Response<SetPermissionsResponse>, Status> {
        let SetPermissionsRequest { pathname, file_info, .. } = request.into_inner();
        let open = self.ready()?;
        let info = file_info.unwrap_or_default();
        // Folders have no time that could be set, and the rest is not there.
        if info.mode & MODE_FOLDER == 0 && left_out(info.mode).is_none() && info.mod_time.is_some()
        {
            self.run(async {
                open.restore
                    .date(open.below(&pathname)?, time(info.mod_time))
                    .await
                    .map_err(refused)
            })
            .await?;
        }
        Ok(Response::new(SetPermissionsResponse {}))
    }

    async fn create_link(
        &self,
        request: Request<CreateLinkRequest>,
    ) -> Result<Response<CreateLinkResponse>, Status> {
        let CreateLinkRequest { old_name, new_name, r#type, .. } = request.into_inner();
        let open = self.ready()?;
        if r#type == HARD_LINK {
            let copy = async {
                open.restore
                    .copy(open.below(&old_name)?, open.below(&new_name)?)
                    .await
                    .map_err(refused)
            };
            self.run(copy).await?;
        } else {
            // Said at the end, as for any other destination that has no links.
            let link = open
                .below(&new_name)
                .map_err(|status| Status::invalid_argument(status.message()))?;
            open.restore.leave_out(link, LeftOut::Link);
        }
        Ok(Response::new(CreateLinkResponse {}))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        if let Some(open) = self.open.get() {
            open.restore.notes().for_each(|line| say(&line));
        }
        Ok(Response::new(CloseResponse {}))
    }
}

impl OpenDestination {
    /// A path of Plakar's, which begins with our root, relative to the base.
    fn below<'a>(&self, path: &'a str) -> Result<&'a str, Status> {
        match path.strip_prefix(self.root.trim_end_matches('/')) {
            Some("") => Ok("/"),
            Some(below) if below.starts_with('/') => Ok(below),
            _ => Err(Status::unknown(format!("{path:?} is not below {:?}", self.root))),
        }
    }
}

fn refused(reason: RestoreError) -> Status {
    status::restore_status(&reason)
}
