//! What every request passes before a route sees it. The router is called from here and from
//! nowhere else, so that nothing goes around it: no static file, no unknown path, no method.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use futures::FutureExt;
use tower::ServiceExt;

use super::access_control::AccessControl;
use super::hosts::KnownHost;
use super::session::Session;
use super::token::TokenFault;
use super::{headers, origin, pages};

/// Maximum size, in bytes, of a form from somebody who is not signed in.
const MAX_SIGN_IN_BODY_BYTES: usize = 16 << 10;

/// Answers one request that arrived at a local address, by the router if nothing speaks against it.
pub(super) async fn answer(
    access: &AccessControl,
    request: Request<Body>,
    local: SocketAddr,
    router: Router,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // What programs ask for.
    let is_api = path == "/api" || path.starts_with("/api/") || path == "/metrics";
    let host = host(access, request.uri(), request.headers(), local);
    // Strict transport for "localhost" would take every other port of it along.
    let hsts = access.tls && host.as_ref().is_ok_and(|host| !host.is_localhost());
    let admitted = match host {
        Ok(host) => admit(access, request, &host, is_api).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match admitted {
        Ok(request) => run(request, router, is_api).await,
        Err(refusal) => {
            tracing::debug!(%method, ?path, status = refusal.status.as_u16(), "refused: {}", refusal.text);
            refusal.response(is_api)
        }
    };
    let status = response.status();
    headers::secure(response.headers_mut(), status, &path, hsts);
    tracing::debug!(%method, ?path, status = status.as_u16(), "answered");
    response
}

/// Why a request goes no further.
pub(super) struct Denial {
    status: StatusCode,
    text: String,
    /// In seconds.
    retry_after: Option<u64>,
}

impl Denial {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    fn of(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Form => Self::new(
                StatusCode::UNAUTHORIZED,
                "The header Authorization holds no token of this console: write Bearer, a space and the token, which begins with pot_.",
            ),
            TokenFault::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "This token is not one of this console, or it was revoked: make one with `plakar-opendrive app token add`.",
            ),
            TokenFault::TooMany(wait) => {
                let seconds = wait.as_secs() + 1;
                let text = format!("There were too many wrong tokens. Wait {seconds} s.");
                let status = StatusCode::TOO_MANY_REQUESTS;
                Self { retry_after: Some(seconds), ..Self::new(status, text) }
            }
        }
    }

    fn response(self, is_api: bool) -> Response {
        if self.status == StatusCode::SEE_OTHER {
            return Redirect::to("/login").into_response();
        }
        let mut response = pages::error(self.status, &self.text, is_api);
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(
                ALLOW,
                axum::http::HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE"),
            );
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The host that is asked for, if it is ours.
fn host(
    access: &AccessControl,
    uri: &Uri,
    headers: &HeaderMap,
    local: SocketAddr,
) -> Result<KnownHost, Denial> {
    let bad = |text| Denial::new(StatusCode::BAD_REQUEST, text);
    // A target with a host of its own is what a proxy is asked for.
    if uri.authority().is_some() || uri.scheme().is_some() {
        return Err(bad("This is not a proxy: ask for a path."));
    }
    if !is_plain(uri.path()) {
        return Err(bad(
            "The path is not in its plain form: it has //, a . or .. between slashes, or a backslash.",
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(text), None) = (hosts.next(), hosts.next()) else {
        return Err(bad("A request names its host once."));
    };
    text.to_str().ok().and_then(|text| access.hosts.find(text, local)).ok_or_else(|| {
        tracing::warn!(host = ?text, "refused a request for an unknown host; if it is one of this console's names, add it with --name");
        let text = "This console is not known under the name in the address. If the name is right, start it with --name and that name.";
        Denial::new(StatusCode::MISDIRECTED_REQUEST, text)
    })
}

/// Whether a path means the same to everybody who reads it.
fn is_plain(path: &str) -> bool {
    let is_dots = |segment: &str| {
        matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
    };
    path.starts_with('/')
        && !path.contains("//")
        && !path.contains('\\')
        && !path.split('/').any(is_dots)
}

async fn admit(
    access: &AccessControl,
    request: Request<Body>,
    host: &KnownHost,
    is_api: bool,
) -> Result<Request<Body>, Denial> {
    let (mut parts, body) = request.into_parts();
    let (method, path) = (&parts.method, parts.uri.path());
    let known =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if !known.contains(method) {
        return Err(Denial::new(StatusCode::METHOD_NOT_ALLOWED, "This method has no use here."));
    }
    if origin::is_foreign(&access.hosts, host, method, &parts.headers) {
        return Err(Denial::new(
            StatusCode::FORBIDDEN,
            "Another web page made this request, so it was refused. Open the console itself and repeat it there.",
        ));
    }
    let is_safe = origin::is_safe(method);
    let is_open = path == "/metrics" && is_safe && access.open_metrics.load(Ordering::Relaxed);
    let is_public = is_open || pages::is_public(path, is_safe);
    let grant = match is_api && !is_open {
        true => access.tokens.find(&parts.headers).await.map_err(Denial::of)?,
        false => None,
    };
    if grant.as_ref().is_some_and(|grant| !grant.may_write) && !is_safe {
        let text = "This token is read-only: it may read, and change nothing.";
        return Err(Denial::new(StatusCode::FORBIDDEN, text));
    }
    // Who brings a token has no session, whatever cookie comes with it.
    let session = match grant {
        None => access.sessions.find(&parts.headers, SystemTime::now()),
        Some(_) => None,
    };
    let is_in = session.is_some() || grant.is_some();
    if !is_in && !is_public {
        return Err(match (is_api, is_safe) {
            (true, _) => Denial::new(
                StatusCode::UNAUTHORIZED,
                "There is no session, or it ended: sign in, or send a token.",
            ),
            (false, true) => Denial::new(StatusCode::SEE_OTHER, "no session"),
            (false, false) => Denial::new(
                StatusCode::UNAUTHORIZED,
                "Your session has ended, so nothing was changed. Sign in and repeat it.",
            ),
        });
    }
    let size = if is_in {
        access.limits.max_body_bytes
    } else {
        access.limits.max_body_bytes.min(MAX_SIGN_IN_BODY_BYTES)
    };
    let body = read(body, &parts.headers, size, access).await?;
    if let (Some(session), false, false) = (&session, is_safe, is_public) {
        check_change(session, &parts.headers, &body, is_api)?;
    }
    if let Some(session) = session {
        parts.extensions.insert(session);
    }
    parts.extensions.insert(access.site_name.clone());
    if let Some(grant) = grant {
        parts.extensions.insert(grant);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Takes in the whole body here, so that no route waits for a slow peer or holds more than the
/// limit.
async fn read(
    body: Body,
    headers: &HeaderMap,
    size: usize,
    access: &AccessControl,
) -> Result<Bytes, Denial> {
    let too_large = || {
        Denial::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The request is too large: {size} bytes are the limit."),
        )
    };
    let announced = headers
        .get("content-length")
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > size) {
        return Err(too_large());
    }
    match tokio::time::timeout(access.limits.body_timeout, to_bytes(body, size)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_limit(&error) => Err(too_large()),
        Ok(Err(_)) => {
            Err(Denial::new(StatusCode::BAD_REQUEST, "The request's body ended too early."))
        }
        Err(_) => {
            Err(Denial::new(StatusCode::REQUEST_TIMEOUT, "The request's body came too slowly."))
        }
    }
}

fn is_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error)
        .is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

/// Whether a change was asked for by a page of this session's.
fn check_change(
    session: &Session,
    headers: &HeaderMap,
    body: &[u8],
    is_api: bool,
) -> Result<(), Denial> {
    let kind = headers.get(CONTENT_TYPE).map(|kind| {
        kind.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    });
    let token = match (kind.as_deref(), is_api) {
        (Some("application/x-www-form-urlencoded"), false) => {
            header(headers).or_else(|| field(body))
        }
        // No form can send either of these, and no other page may send the header.
        (Some("application/json"), _) => header(headers),
        (None, _) if body.is_empty() => header(headers),
        (_, true) => {
            return Err(Denial::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send Content-Type: application/json.",
            ));
        }
        (_, false) => {
            return Err(Denial::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send the form as application/x-www-form-urlencoded.",
            ));
        }
    };
    if token.is_some_and(|token| session.is_csrf(&token)) {
        return Ok(());
    }
    let text = match is_api {
        true => "The header X-CSRF-Token is missing or of another session.",
        false => {
            "This page belongs to another session, so nothing was changed. Load it again and repeat it."
        }
    };
    Err(Denial::new(StatusCode::FORBIDDEN, text))
}

fn header(headers: &HeaderMap) -> Option<String> {
    headers.get("x-csrf-token")?.to_str().ok().map(str::to_owned)
}

fn field(body: &[u8]) -> Option<String> {
    form_urlencoded::parse(body)
        .find(|(name, _)| name == "csrf")
        .map(|(_, token)| token.into_owned())
}

/// Runs the route. A panic is this request's alone.
async fn run(request: Request<Body>, router: Router, is_api: bool) -> Response {
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => pages::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This failed by a fault of the console's own; its log says more.",
            is_api,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn paths_mean_the_same_to_everybody() {
        for path in ["/", "/a/b", "/a/..b/...", "/a/%2F%5C/%252e%252e", "/..;/a"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "",
            "*",
            "a",
            "//evil.example",
            "/a//b",
            "/a/../b",
            "/./a",
            "/a/..",
            "/static/%2e%2e/api",
            "/.%2E/a",
            "/a\\b",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
