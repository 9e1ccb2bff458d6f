//! The exporter service: a destination for Plakar.

use std::sync::Arc;

use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::proto::exporter::exporter_server::{Exporter, ExporterServer};
use super::proto::exporter::store_file_request::Type as Part;
use super::proto::exporter::{
    CloseRequest, CloseResponse, CreateDirectoryRequest, CreateDirectoryResponse, CreateLinkRequest, CreateLinkResponse, Header,
    InitRequest, InitResponse, RootRequest, RootResponse, SetPermissionsRequest, SetPermissionsResponse, StoreFileRequest,
    StoreFileResponse,
};
use crate::connector::destination::{Calls, LeftOut};
use crate::connector::{Destination, Role, Settings};
use crate::plugin::attributes::{MODE_FOLDER, left_out, time};
use crate::plugin::{MAX_MESSAGE, status};
use terminal::diagnostics::say;

/// Plakar's number for a hard link (kloset v1.0.12, snapshot/exporter).
const HARD_LINK: u32 = 0;

/// Plakar's exporter over a [`Destination`].
pub struct ExporterService {
    open: OnceCell<Open>,
    /// Held by each call under way.
    running: watch::Sender<()>,
    /// Cancelled when Plakar has gone or the process is to end.
    leaving: CancellationToken,
}

/// What Init makes.
struct Open {
    root: String,
    calls: Calls,
}

impl ExporterService {
    /// The service, ready to be served, and what is to be waited for when it has to end, which
    /// `leaving` says: files that were cut off.
    pub fn server(leaving: CancellationToken) -> (ExporterServer<Self>, impl Future<Output = ()>) {
        let (running, _) = watch::channel(());
        let service = Self { open: OnceCell::new(), running: running.clone(), leaving };
        let finish = async move { running.closed().await };
        (ExporterServer::new(service).max_decoding_message_size(MAX_MESSAGE), finish)
    }

    fn ready(&self) -> Result<&Open, Status> {
        self.open.get().ok_or_else(status::not_initialised)
    }

    /// Does something for a call. Leaving drops it, which takes back what is under way.
    async fn run<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, Status> {
        let _running = self.running.subscribe();
        let done = self.leaving.run_until_cancelled(work).await;
        // Canceled is a code that Plakar has its own words for.
        done.ok_or_else(|| Status::aborted("the destination was told to end"))?.map_err(Status::unknown)
    }
}

#[tonic::async_trait]
impl Exporter for ExporterService {
    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let InitRequest { config, .. } = request.into_inner();
        // Plakar tells an exporter no host name.
        let settings = Settings::parse(Role::Destination, &config, "").map_err(|error| Status::invalid_argument(error.to_string()))?;
        let destination = Destination::open(settings).await.map_err(|error| status::open_status(&error))?;
        let root = destination.identity().root.clone();
        if self.open.set(Open { root, calls: Arc::new(destination).restore_by_calls() }).is_err() {
            return Err(status::initialised_twice());
        }
        Ok(Response::new(InitResponse::default()))
    }

    async fn root(&self, _: Request<RootRequest>) -> Result<Response<RootResponse>, Status> {
        Ok(Response::new(RootResponse { root_path: self.ready()?.root.clone() }))
    }

    async fn create_directory(&self, request: Request<CreateDirectoryRequest>) -> Result<Response<CreateDirectoryResponse>, Status> {
        let path = request.into_inner().pathname;
        let open = self.ready()?;
        self.run(async { open.calls.folder(open.below(&path)?).await }).await?;
        Ok(Response::new(CreateDirectoryResponse {}))
    }

    async fn store_file(&self, request: Request<Streaming<StoreFileRequest>>) -> Result<Response<StoreFileResponse>, Status> {
        let open = self.ready()?;
        let mut parts = request.into_inner();
        let Some(Part::Header(Header { pathname, size })) = parts.message().await?.and_then(|part| part.r#type) else {
            return Err(Status::invalid_argument("a file that does not begin with its header"));
        };
        // Plakar hears our answer also when it has not sent everything yet (grpc_exporter.go).
        self.run(async {
            if i64::try_from(size).is_err() {
                return Err("a file whose size is not known cannot be restored: nothing would tell whether all of it came".to_owned());
            }
            let mut file = open.calls.file(open.below(&pathname)?, size, None).await?;
            while let Some(part) = parts.message().await.map_err(|status| status.message().to_owned())? {
                match part.r#type {
                    Some(Part::Data(data)) => file.chunk(data.chunk).await?,
                    Some(Part::Header(_)) => return Err("a second header within the file".to_owned()),
                    None => return Err("a request with neither a header nor a chunk".to_owned()),
                }
            }
            file.end().await
        })
        .await?;
        Ok(Response::new(StoreFileResponse {}))
    }

    /// A drive has no permissions; here a file gets its time.
    async fn set_permissions(&self, request: Request<SetPermissionsRequest>) -> Result<Response<SetPermissionsResponse>, Status> {
        let SetPermissionsRequest { pathname, file_info, .. } = request.into_inner();
        let open = self.ready()?;
        let info = file_info.unwrap_or_default();
        // Folders have no time that could be set, and the rest is not there.
        if info.mode & MODE_FOLDER == 0 && left_out(info.mode).is_none() && info.mod_time.is_some() {
            self.run(async { open.calls.date(open.below(&pathname)?, time(info.mod_time)).await }).await?;
        }
        Ok(Response::new(SetPermissionsResponse {}))
    }

    async fn create_link(&self, request: Request<CreateLinkRequest>) -> Result<Response<CreateLinkResponse>, Status> {
        let CreateLinkRequest { old_name, new_name, r#type, .. } = request.into_inner();
        let open = self.ready()?;
        if r#type == HARD_LINK {
            self.run(async { open.calls.copy(open.below(&old_name)?, open.below(&new_name)?).await }).await?;
        } else {
            // Said at the end, as for any other destination that has no links.
            open.calls.leave_out(open.below(&new_name).map_err(Status::invalid_argument)?, LeftOut::Link);
        }
        Ok(Response::new(CreateLinkResponse {}))
    }

    async fn close(&self, _: Request<CloseRequest>) -> Result<Response<CloseResponse>, Status> {
        if let Some(open) = self.open.get() {
            open.calls.notes().for_each(|line| say(&line));
        }
        Ok(Response::new(CloseResponse {}))
    }
}

impl Open {
    /// A path of Plakar's, which begins with our root, relative to the base.
    fn below<'a>(&self, path: &'a str) -> Result<&'a str, String> {
        match path.strip_prefix(self.root.trim_end_matches('/')) {
            Some("") => Ok("/"),
            Some(below) if below.starts_with('/') => Ok(below),
            _ => Err(format!("{path:?} is not below {:?}", self.root)),
        }
    }
}
