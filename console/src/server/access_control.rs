//! What the server knows of itself and of who may come in.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use axum_extra::extract::cookie::Cookie;

use super::hosts::AllowedHosts;
use super::limits::Limits;
use super::listen::Listen;
use super::login_codes::LoginCodes;
use super::password::PasswordChecker;
use super::session::Sessions;
use super::site_name::SiteName;
use super::token::Tokens;

/// Names, sessions, codes, password and limits, shared by all connections.
pub(super) struct AccessControl {
    pub hosts: AllowedHosts,
    pub sessions: Sessions,
    pub password: Option<PasswordChecker>,
    pub limits: Limits,
    pub tls: bool,
    pub site_name: SiteName,
    pub tokens: Tokens,
    /// `/metrics` wants neither a session nor a token.
    pub open_metrics: AtomicBool,
    login_codes: LoginCodes,
    base_url: String,
}

impl AccessControl {
    pub fn new(listen: &Listen, bound: SocketAddr, limits: Limits) -> Self {
        let tls = listen.tls.is_some();
        Self {
            hosts: AllowedHosts::new(tls, bound.port(), &listen.names),
            sessions: Sessions::new(tls, bound.port()),
            password: listen.password.clone().map(PasswordChecker::new),
            limits,
            tls,
            site_name: SiteName::of(&listen.names),
            tokens: Tokens::default(),
            open_metrics: AtomicBool::new(false),
            login_codes: LoginCodes::default(),
            base_url: listen.base_url(bound),
        }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    pub fn new_login_code(&self) -> String {
        self.login_codes.issue(SystemTime::now())
    }

    /// Swaps a one-time code for a session's cookie.
    pub fn enter(&self, code: &str) -> Option<Cookie<'static>> {
        let now = SystemTime::now();
        self.login_codes.take(code, now).then(|| self.sessions.begin(now))
    }
}
