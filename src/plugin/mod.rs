//! Plakar's wire contract: gRPC services over standard input and output.
//!
//! Plakar starts the executable and speaks cleartext HTTP/2 with it over its pipes (plakar v1.1.4,
//! plugins/connect.go); standard error goes to the user. When standard input ends, Plakar is gone
//! and so are we.

mod output;
mod stdio;
pub mod v1_1;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Service, StdError};
use tonic::server::NamedService;
use tonic::transport::Server;

pub use stdio::{Connection, Ended};

/// How much Plakar may send before it must wait for us, in bytes.
const WINDOW: u32 = 8 << 20;

/// The largest message that is accepted, in bytes: Plakar sends 1 MiB chunks, gRPC's own limit of
/// 4 MiB is kept by Plakar's side for what we send.
pub(crate) const MAX_MESSAGE: usize = 64 << 20;

/// How long after Plakar has gone `finish` may take.
const FAREWELL: Duration = Duration::from_secs(20);

/// Serves one service on a connection until Plakar closes it, then runs `finish`, for a bounded
/// time, to complete what Plakar has sent.
///
/// # Errors
/// If the connection is not HTTP/2.
pub async fn serve<S>(service: S, connection: Connection, ended: Ended, finish: impl Future<Output = ()>) -> anyhow::Result<()>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    S::Error: Into<StdError> + Send,
{
    use tokio_stream::StreamExt;
    // One connection and never another.
    let incoming = tokio_stream::once(Ok::<_, std::io::Error>(connection)).chain(tokio_stream::pending());
    let server = Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(1 << 20)
        .add_service(service)
        .serve_with_incoming(incoming);
    tokio::select! {
        result = server => result?,
        () = ended.wait() => {}
    }
    // Whoever takes longer is cut off: a process must not outlive Plakar for long.
    let _ = tokio::time::timeout(FAREWELL, finish).await;
    Ok(())
}
