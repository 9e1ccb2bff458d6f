//! The server itself: bound, then serving until it is told to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::access_control::AccessControl;
use super::error::{Result, ServerError};
use super::limits::Limits;
use super::listen::Listen;
use super::tls::Certificate;
use super::token::TokenCheck;
use super::{connections, pages};

/// The server, bound and not yet serving.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Certificate>,
    access: Arc<AccessControl>,
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
        let tls = listen.tls.as_ref().map(Certificate::read).transpose()?;
        let bind = |error| ServerError::Bind { address: listen.address, error };
        let listener = TcpListener::bind(listen.address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let access = Arc::new(AccessControl::new(&listen, address, limits));
        Ok(Self { listener, address, tls, access })
    }

    /// Lets programs in by tokens, below `/api` and at `/metrics`.
    pub fn accept_tokens(&self, check: Arc<dyn TokenCheck>) {
        self.access.tokens.accept(check);
    }

    /// Leaves `/metrics` open to everybody who reaches the server.
    pub fn open_metrics(&self) {
        self.access.open_metrics.store(true, Ordering::Relaxed);
    }

    /// Where it listens: the port is the real one, also if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to open in a browser first. With a password that is the page that asks for it,
    /// else a new [login address](Server::new_login_url).
    pub fn first_url(&self) -> String {
        if self.access.has_password() {
            format!("{}/login", self.access.base_url())
        } else {
            self.new_login_url()
        }
    }

    /// An address that lets its first user in, once and within twelve hours. It carries a secret:
    /// it belongs on the owner's terminal and into no log.
    pub fn new_login_url(&self) -> String {
        // Behind the `#`, where no browser sends it on: not to this server's log, not as a
        // referrer, not to a link preview.
        format!("{}/enter#{}", self.access.base_url(), self.access.new_login_code())
    }

    /// Serves until the end is asked for, and then for as long as answers go on, within
    /// [`Limits::shutdown_timeout`].
    ///
    /// The router gets only what passed: with a good session (in the extractor [`Session`](super::session::Session)), and
    /// the body as a whole. `/login`, `/enter`, `/enter.js`, `/logout`, `/logout/all` and
    /// `/signed-out` are taken. What is below `/static/` is given to everybody; a file with a hash
    /// in its name (`console.0123abcd.css`) may be kept by the browser, and nothing else. Below
    /// `/api` and at `/metrics` errors are JSON.
    pub async fn serve(&self, router: Router, shutdown: CancellationToken) {
        let router = router.merge(pages::routes(Arc::clone(&self.access)));
        let tls = self.tls.as_ref();
        let renewal = async {
            match tls {
                Some(certificate) => {
                    certificate.renew(self.access.limits.certificate_interval).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = connections::serve(&self.listener, tls, &self.access, router, shutdown) => {}
            () = renewal => {}
        }
    }
}
