//! Connections: HTTP/1.1, plain or in TLS, each with its time limits and all of them with a bound.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access_control::AccessControl;
use super::admission;
use super::tls::Certificate;
use super::write_limit::WriteLimit;

/// Maximum size of a request's header, in bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Serves until the end is asked for and everybody is gone, or the grace is over.
pub(super) async fn serve(
    listener: &TcpListener,
    tls: Option<&Certificate>,
    access: &Arc<AccessControl>,
    router: Router,
    shutdown: CancellationToken,
) {
    let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
    // Also when this future is dropped.
    let _ended = end.clone().drop_guard();
    let permits = Arc::new(Semaphore::new(access.limits.max_connections));
    loop {
        let accept = async {
            // Taken before: who is too many waits in the system's queue and costs nothing here.
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = accept => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, mostly: it gets better when a connection ends.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = Connection {
            access: Arc::clone(access),
            router: router.clone(),
            shutdown: shutdown.clone(),
            end: end.clone(),
        };
        let tls = tls.map(Certificate::acceptor);
        tasks.spawn(async move {
            let _permit = permit;
            connection.serve(stream, tls).await;
        });
    }
    tasks.close();
    if timeout(access.limits.shutdown_timeout, tasks.wait()).await.is_err() {
        tracing::warn!("{} connections were cut off at the end", tasks.len());
        end.cancel();
        tasks.wait().await;
    }
}

struct Connection {
    access: Arc<AccessControl>,
    router: Router,
    shutdown: CancellationToken,
    end: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let Ok(local) = stream.local_addr() else { return };
        let _ = stream.set_nodelay(true);
        let stream = WriteLimit::new(stream, self.access.limits.write_timeout);
        let Some(tls) = tls else { return self.speak(stream, local).await };
        let handshake = timeout(self.access.limits.handshake_timeout, tls.accept(stream));
        let stream = tokio::select! {
            () = self.shutdown.cancelled() => return,
            stream = handshake => stream,
        };
        match stream {
            Ok(Ok(stream)) => self.speak(stream, local).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!("no TLS in time"),
        }
    }

    async fn speak(self, io: impl AsyncRead + AsyncWrite + Unpin, local: SocketAddr) {
        let service = service_fn(|request: Request<Incoming>| {
            let (access, router) = (Arc::clone(&self.access), self.router.clone());
            async move {
                Ok::<_, Infallible>(
                    admission::answer(&access, request.map(Body::new), local, router).await,
                )
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Counts from the last answer on, so it ends idle connections too.
            .header_read_timeout(self.access.limits.header_timeout)
            .max_header_size(MAX_HEADER_BYTES)
            .max_buf_size(2 * MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.end.cancelled() => return,
                }
            }
            () = self.end.cancelled() => return,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
