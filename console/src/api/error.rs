//! Every refusal has one form: `{"error": {"code", "message", "faults": [{"key", "message"}]}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use plakar_driver::schema::Fault;
use source_app::service::Error;

use crate::problem;

/// A `Result` of a route.
pub(super) type ApiResult<T> = Result<T, ApiError>;

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    faults: Vec<Fault>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), faults: Vec::new() }
    }

    /// The request cannot be used.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "input", message)
    }

    /// A value of the request cannot be used.
    pub(super) fn value(key: &str, message: String) -> Self {
        let fault = Fault { key: Some(key.to_owned()), message: message.clone() };
        Self { faults: vec![fault], ..Self::input(message) }
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// It is not for whoever asks.
    pub(super) fn foreign(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "foreign", message)
    }

    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method",
            "this route does not have this method; the header Allow lists those it has",
        )
    }

    /// The body has more than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is larger than {limit} bytes"),
        )
    }

    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type",
            "send the body as JSON, with Content-Type: application/json",
        )
    }

    /// Plakar, a connector or a store refused.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "refused", message)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, code) = problem::http_status(error.problem());
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a request failed inside");
        }
        let refusal = Self::new(status, code, error.to_string());
        match error {
            Error::Faults(faults) => Self { faults, ..refusal },
            _ => refusal,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorDetails<'a>,
}

#[derive(Serialize)]
struct ErrorDetails<'a> {
    code: &'a str,
    message: &'a str,
    faults: Vec<FaultView<'a>>,
}

#[derive(Serialize)]
struct FaultView<'a> {
    key: Option<&'a str>,
    message: &'a str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let faults = self
            .faults
            .iter()
            .map(|fault| FaultView { key: fault.key.as_deref(), message: &fault.message })
            .collect();
        let error = ErrorDetails { code: self.code, message: &self.message, faults };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}
