//! Plakar's wire contract: gRPC services over standard input and output.
//!
//! Plakar starts the executable and speaks cleartext HTTP/2 with it over its pipes (plakar v1.1.4,
//! plugins/connect.go); standard error goes to the user. When standard input ends, Plakar is gone
//! and so are we; a signal ends us as well.
//!
//! `stdio.rs` takes standard input and output and points descriptor 1 at standard error, so that
//! no print of anybody's can break the connection; `merged_output.rs` and `held_pings.rs` see to it
//! that an answer wakes each side once. When Plakar goes or a signal comes the process
//! leaves within three seconds, whatever the drive does: uploads are aborted and what they made is
//! removed, as far as that time goes. `panic_guard.rs` and `src/panics.rs` make an error of a panic, so
//! that nobody waits for a task that is gone. `caller.rs` ends the Plakar that has started us
//! where no answer can.
//!
//! `v1_1` is Plakar's API v1.1.0, `v1_0` that of Plakar 1.0.3 to 1.0.6, both thin adapters over
//! the same connectors; the manifest's arguments choose (`--plakar-api`). The messages in proto/
//! are written by us from the field numbers. In v1.0 records are not acknowledged, so a file
//! counts as passed when more files behind it were opened than Plakar has workers; files are
//! restored call by call and get their time afterwards; and a scan must not end with a status,
//! because Plakar 1.0 then asks again for ever.

mod attributes;
#[cfg(target_os = "linux")]
mod caller;
mod file;
pub mod files;
mod held_pings;
mod merged_output;
mod panic_guard;
mod process;
mod resources;
mod spent;
mod status;
mod stdio;
pub mod v1_0;
pub mod v1_1;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};

use terminal::signals::{Signal, Signals};

use crate::rclone::Rclone;
pub use process::{Connector, PluginApi, run};
pub use resources::ResourceChunks;
pub use spent::say_spent;
pub use stdio::{Connection, ConnectionEnd};

/// How much Plakar may send before it must wait for us, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct FlowWindows {
    stream: u32,
    connection: u32,
}

impl FlowWindows {
    /// For a Plakar that sends one thing after another.
    pub const ONE_STREAM: Self = Self { stream: 8 << 20, connection: 8 << 20 };

    /// For a Plakar that sends many files side by side. Those that wait for their turn must not
    /// take the window of those that have it, so a thousand of them together stay below the
    /// connection's.
    pub const MANY_STREAMS: Self = Self { stream: 256 << 10, connection: 256 << 20 };
}

/// Maximum length of a message that is accepted, in bytes: Plakar sends 1 MiB chunks, gRPC's own
/// limit of 4 MiB is kept by Plakar's side for what we send.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// Maximum length of an HTTP/2 frame that is accepted, in bytes: a chunk of Plakar's in few of them.
const MAX_FRAME_BYTES: u32 = 1 << 20;

/// Timeout for `finish`: a process must not outlive Plakar, or a signal, for long. On a drive
/// that answers it takes a fraction of that.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Maximum number of records that wait for Plakar to take them; enough that a listing never waits
/// for a single one, and that a few changed files among many are seen some way ahead.
const MAX_WAITING_RECORDS: usize = 2048;

/// The messages of a call that answers with several.
type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Why serving has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Plakar has closed the connection.
    HungUp,
    /// Somebody wants the process to end.
    Signal(Signal),
}

/// Serves one service on a connection until Plakar closes it or a signal comes. Then `shutdown` is
/// cancelled, and `finish` has a bounded time to end cleanly what was under way.
///
/// It is hyper's server itself, without the one of tonic's around it: that one is made for many
/// services and connections.
pub async fn serve<S>(
    service: S,
    windows: FlowWindows,
    connection: Connection,
    ended: ConnectionEnd,
    mut signals: Signals,
    shutdown: CancellationToken,
    finish: impl Future<Output = ()>,
) -> EndReason
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let mut server = http2::Builder::new(TokioExecutor::new());
    server
        .initial_stream_window_size(windows.stream)
        .initial_connection_window_size(windows.connection)
        .max_frame_size(MAX_FRAME_BYTES)
        .max_concurrent_streams(None)
        .auto_date_header(false);
    let serving =
        server.serve_connection(TokioIo::new(connection), panic_guard::PanicGuard(service));
    // A task of its own: what is answered while this ends still goes out. An error of the
    // connection is its end.
    tokio::spawn(async { drop(serving.await) });
    let end = tokio::select! {
        () = ended.wait() => EndReason::HungUp,
        signal = signals.next() => EndReason::Signal(signal),
    };
    shutdown.cancel();
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, finish).await;
    end
}

/// Waits until no reader and no writer of this process is open: what was cut off is removed from
/// the drive by then.
pub async fn all_streams_closed() {
    while Rclone::get().stats().streams > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
