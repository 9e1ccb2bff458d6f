//! What the server knows of itself and of who may come in.

use std::net::SocketAddr;
use std::time::SystemTime;

use axum_extra::extract::cookie::Cookie;

use super::entry::Entries;
use super::hosts::Hosts;
use super::password::Asking;
use super::session::Sessions;
use super::{Limits, Listen};

pub(super) struct Gate {
    pub hosts: Hosts,
    pub sessions: Sessions,
    pub password: Option<Asking>,
    pub limits: Limits,
    pub tls: bool,
    entries: Entries,
    base_url: String,
}

impl Gate {
    pub fn new(listen: &Listen, bound: SocketAddr, limits: Limits) -> Self {
        let tls = listen.tls.is_some();
        Self {
            hosts: Hosts::new(tls, bound.port(), &listen.names),
            sessions: Sessions::new(tls, bound.port()),
            password: listen.password.clone().map(Asking::new),
            limits,
            tls,
            entries: Entries::default(),
            base_url: listen.base_url(bound),
        }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    pub fn new_code(&self) -> String {
        self.entries.issue(SystemTime::now())
    }

    /// Swaps a one-time code for a session's cookie.
    pub fn enter(&self, code: &str) -> Option<Cookie<'static>> {
        let now = SystemTime::now();
        self.entries.take(code, now).then(|| self.sessions.begin(now))
    }
}
