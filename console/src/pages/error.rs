//! What cannot be done, as a page.

use askama::Template;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::context::{Layout, PageContext, Section};
use crate::problem;
use source_app::service::{Error, Problem};

/// Why a page cannot be shown, or something not be done.
#[derive(Clone, Debug)]
pub struct PageError {
    status: StatusCode,
    lines: Vec<String>,
    back: Option<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    layout: Layout,
    title: &'static str,
    lines: Vec<String>,
    back: Option<String>,
}

impl PageError {
    fn new(status: StatusCode, line: &str) -> Self {
        Self { status, lines: vec![line.to_owned()], back: None }
    }

    /// 404, with what is not there.
    pub fn not_found(text: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// 400, with what is wrong and what to give instead.
    pub fn input(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// With the page of ours that leads on.
    pub fn back(self, address: &str) -> Self {
        Self { back: Some(address.to_owned()), ..self }
    }

    pub(super) fn inside(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "a page could not be made");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The program failed inside; its own log tells more.",
        )
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        let status = http_status(error.problem());
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a page could not be made");
        }
        Self { status, lines: error.to_string().lines().map(sentence).collect(), back: None }
    }
}

impl From<plakar_driver::Error> for PageError {
    fn from(error: plakar_driver::Error) -> Self {
        Error::from(error).into()
    }
}

/// The status of a page for a problem. What is busy is for people what conflicts: something to do
/// again later.
pub(super) fn http_status(problem: Problem) -> StatusCode {
    match problem {
        Problem::Busy => http_status(Problem::Conflict),
        other => problem::http_status(other).0,
    }
}

/// A line of ours as a sentence.
pub fn sentence(line: &str) -> String {
    let mut letters = line.chars();
    let first: String =
        letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if line.ends_with(['.', '!', '?', ':', ';']) || line.is_empty() { "" } else { "." };
    first + letters.as_str() + end
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "That cannot be used",
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

/// Makes pages of errors: those of handlers, and what axum says of addresses and forms that it
/// cannot read.
pub(super) async fn as_page(context: PageContext, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (lines, back) = match response.extensions_mut().remove::<PageError>() {
        Some(error) => (error.lines, error.back),
        // A page of its own.
        None if response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) =>
        {
            return response;
        }
        None => (vec![sentence(status.canonical_reason().unwrap_or("refused"))], None),
    };
    let page =
        ErrorPage { layout: context.layout(Section::None), title: title(status), lines, back };
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
