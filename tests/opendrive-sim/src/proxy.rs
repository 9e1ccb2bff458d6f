//! The listener: an HTTP CONNECT proxy that ends the TLS of dev.opendrive.com itself.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hyper::body::Incoming;
use hyper::header::{DATE, HOST as HOST_HEADER, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::body::ReplyBody;
use crate::state::State;
use crate::tls::HOST;
use crate::{control, routes};

/// Window of one HTTP/2 stream and of a connection, for uploads: a chunk of rclone's is 10 MiB.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;

/// What HTTP/2 buffers of a download for the connection.
const SEND_BUFFER: usize = 2 << 20;

/// Serves until the runtime stops.
pub(crate) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                tokio::spawn(serve_plain(stream, address.ip(), acceptor.clone(), state.clone()));
            }
            // Out of file descriptors, as a rule: wait for connections to end.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

/// A client's connection: CONNECT requests and the control interface.
async fn serve_plain(stream: TcpStream, address: IpAddr, acceptor: TlsAcceptor, state: Arc<State>) {
    // Small answers must not wait for the acknowledgement of what went before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request: Request<Incoming>| {
        let (acceptor, state) = (acceptor.clone(), state.clone());
        async move { Ok::<_, Infallible>(plain_request(request, address, acceptor, state).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that goes away is no error of ours.
    let _ = connection.with_upgrades().await;
}

async fn plain_request(
    request: Request<Incoming>,
    address: IpAddr,
    acceptor: TlsAcceptor,
    state: Arc<State>,
) -> Response<ReplyBody> {
    if request.method() == Method::CONNECT {
        let target = request.uri().authority().map(|authority| authority.as_str().to_lowercase());
        if target.as_deref() != Some(&format!("{HOST}:443")) {
            return plain_text(
                StatusCode::FORBIDDEN,
                "This proxy leads to dev.opendrive.com:443 only\n",
            );
        }
        state.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            // Clients that go away or don't trust the certificate show on their own side.
            let _ = serve_tls(request, address, acceptor, state).await;
        });
        return plain_text(StatusCode::OK, "");
    }
    let host =
        request.headers().get(HOST_HEADER).and_then(|host| host.to_str().ok()).unwrap_or_default();
    // An absolute URI is a request to be forwarded; another host's name a web page's attempt to
    // reach us.
    if request.uri().authority().is_some() || !is_loopback(host) {
        return plain_text(
            StatusCode::FORBIDDEN,
            "The control interface answers to loopback addresses only\n",
        );
    }
    control::handle(request, &state).await
}

async fn serve_tls(
    request: Request<Incoming>,
    address: IpAddr,
    acceptor: TlsAcceptor,
    state: Arc<State>,
) -> io::Result<()> {
    let upgraded = hyper::upgrade::on(request).await.map_err(io::Error::other)?;
    let stream = acceptor.accept(TokioIo::new(upgraded)).await?;
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let kill = Arc::new(Notify::new());
    let service = {
        let kill = kill.clone();
        service_fn(move |request: Request<Incoming>| {
            let (state, kill) = (state.clone(), kill.clone());
            async move {
                match routes::handle(request, address, &state).await {
                    Some(mut response) => {
                        date(&mut response, state.behaviour.get().clock_ahead);
                        Ok::<_, Infallible>(response)
                    }
                    None => {
                        kill.notify_one();
                        std::future::pending().await
                    }
                }
            }
        })
    };
    let served = async {
        if is_h2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_frame_size(1 << 20)
                .max_concurrent_streams(1000)
                .max_send_buf_size(SEND_BUFFER)
                .serve_connection(io, service);
            connection.await
        } else {
            http1::Builder::new().serve_connection(io, service).await
        }
    };
    tokio::select! {
        result = served => result.map_err(io::Error::other),
        // Dropping the connection closes it without a word of TLS or HTTP.
        () = kill.notified() => Ok(()),
    }
}

/// Puts the drive's time into an answer, if it is not this machine's, which hyper puts there.
fn date(response: &mut Response<ReplyBody>, ahead: i64) {
    let span = Duration::from_secs(ahead.unsigned_abs());
    let now = SystemTime::now();
    let time = if ahead < 0 { now - span } else { now + span };
    if let (true, Ok(time)) = (ahead != 0, HeaderValue::try_from(httpdate::fmt_http_date(time))) {
        response.headers_mut().insert(DATE, time);
    }
}

fn is_loopback(host: &str) -> bool {
    let without_port = host.parse::<SocketAddr>().map(|address| address.ip().is_loopback());
    without_port.unwrap_or_else(|_| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || host == "[::1]"
    })
}

pub(crate) fn plain_text(status: StatusCode, text: &'static str) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(text, None));
    *response.status_mut() = status;
    response
}
