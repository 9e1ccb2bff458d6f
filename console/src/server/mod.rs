//! The shell that the console's pages and its API are put into: it listens, knows who may come in, and refuses everybody
//! else before any route is looked at. It knows nothing of what it serves.
//!
//! What an attacker can do who must be kept out: another user of this machine reaches loopback as its owner does; a web page
//! can make the owner's browser send requests here, from a name that it points at this address (DNS rebinding), from another
//! port of the same host (whose cookies and "site" are the same), or by a form. So nothing is open to who has no session, a
//! session begins with a secret that only the owner has seen, `Host` must be a known name, and a change needs a token that
//! no other page can read.

mod connections;
mod entry;
mod error;
mod gate;
mod guard;
mod headers;
mod hosts;
mod listen;
mod origin;
mod pages;
mod password;
mod secret;
mod session;
mod throttle;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use error::{Error, Result};
pub use listen::{Listen, TlsFiles};
pub use password::{PasswordHash, SHORTEST_PASSWORD, hash_password};
pub use session::Session;

use gate::Gate;

/// What one peer may cost. The defaults are meant for people; tests make them smaller.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// From the opening of a connection, or its last answer, to the end of a request's header.
    pub header: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// Bytes of a request's body.
    pub body_size: usize,
    /// How long answers may go on after the end of the server was asked for.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            header: Duration::from_secs(15),
            handshake: Duration::from_secs(10),
            body: Duration::from_secs(30),
            body_size: 1 << 20,
            grace: Duration::from_secs(5),
        }
    }
}

/// The server, bound and not yet serving.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    gate: Arc<Gate>,
}

impl Server {
    /// Listens, with the usual limits.
    ///
    /// # Errors
    ///
    /// [`Listen::check`] refuses, a TLS file cannot be used, or the address is taken.
    pub async fn bind(listen: Listen) -> Result<Self> {
        Self::bind_with(listen, Limits::default()).await
    }

    /// As [`Server::bind`], with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`Server::bind`].
    pub async fn bind_with(listen: Listen, limits: Limits) -> Result<Self> {
        listen.check()?;
        let tls = listen.tls.as_ref().map(tls::acceptor).transpose()?;
        let bind = |error| Error::Bind { address: listen.address, error };
        let listener = TcpListener::bind(listen.address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let gate = Arc::new(Gate::new(&listen, address, limits));
        Ok(Self { listener, address, tls, gate })
    }

    /// Where it listens: the port is the real one, also if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to open in a browser first. With a password that is the page that asks for it, else a new
    /// [entry](Server::new_entry).
    pub fn first_url(&self) -> String {
        if self.gate.has_password() { format!("{}/login", self.gate.base_url()) } else { self.new_entry() }
    }

    /// An address that lets its first user in, once and within twelve hours. It carries a secret: it belongs on the owner's
    /// terminal and into no log.
    pub fn new_entry(&self) -> String {
        // Behind the `#`, where no browser sends it on: not to this server's log, not as a referrer, not to a link preview.
        format!("{}/enter#{}", self.gate.base_url(), self.gate.new_code())
    }

    /// Serves until the end is asked for, and then for as long as answers go on, within [`Limits::grace`].
    ///
    /// The router gets only what passed: with a good session (in the extractor [`Session`]), and the body as a whole. `/login`,
    /// `/enter`, `/enter.js`, `/logout`, `/logout/all` and `/signed-out` are taken. What is below `/static/` is given to everybody; a file
    /// with a hash in its name (`console.0123abcd.css`) may be kept by the browser, and nothing else. Below `/api` errors are JSON.
    pub async fn serve(&self, router: Router, shutdown: CancellationToken) {
        let router = router.merge(pages::routes(Arc::clone(&self.gate)));
        connections::serve(&self.listener, self.tls.as_ref(), &self.gate, router, shutdown).await;
    }
}
