//! What can't be done, as a page.

use askama::Template;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::{Section, Visit};
use crate::service::{Error, Problem};

/// Why a page can't be shown, or something not be done.
#[derive(Clone, Debug)]
pub struct PageError {
    status: StatusCode,
    lines: Vec<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: super::Shell,
    title: &'static str,
    lines: Vec<String>,
}

impl PageError {
    /// 404, with what is not there.
    pub fn not_found(text: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, lines: vec![text.to_owned()] }
    }

    /// 400, with what is wrong and what to give instead.
    pub fn input(text: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, lines: vec![text.to_owned()] }
    }

    pub(super) fn inside(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "a page could not be made");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, lines: vec!["The program failed inside; its own log tells more.".into()] }
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        let status = match error.problem() {
            Problem::Input => StatusCode::BAD_REQUEST,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Conflict | Problem::Busy => StatusCode::CONFLICT,
            Problem::Refused => StatusCode::BAD_GATEWAY,
            Problem::Inside => {
                tracing::error!(%error, "a page could not be made");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self { status, lines: error.to_string().lines().map(sentence).collect() }
    }
}

impl From<crate::plakar::Error> for PageError {
    fn from(error: crate::plakar::Error) -> Self {
        Error::from(error).into()
    }
}

/// A line of ours as a sentence.
pub fn sentence(line: &str) -> String {
    let mut letters = line.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if line.ends_with(['.', '!', '?', ':']) || line.is_empty() { "" } else { "." };
    first + letters.as_str() + end
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "That can't be used",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::CONFLICT => "Not now",
        StatusCode::BAD_GATEWAY => "Plakar refused",
        StatusCode::METHOD_NOT_ALLOWED => "Not here",
        status if status.is_server_error() => "Something went wrong",
        _ => "Refused",
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes pages of errors: those of handlers, and what axum says of addresses and forms that it can't read.
pub(super) async fn as_page(visit: Visit, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let lines = match response.extensions_mut().remove::<PageError>() {
        Some(error) => error.lines,
        // A page of its own.
        None if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) => return response,
        None => vec![sentence(status.canonical_reason().unwrap_or("refused"))],
    };
    let page = ErrorPage { shell: visit.shell(Section::None), title: title(status), lines };
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
