//! What kind of problem has which status of HTTP: one table for the pages and the API.

use axum::http::StatusCode;
use source_app::service::Problem;

/// The status, and the API's word for it (`code` of an error in `docs/openapi.yaml`).
pub(crate) fn http_status(problem: Problem) -> (StatusCode, &'static str) {
    match problem {
        Problem::Input => (StatusCode::BAD_REQUEST, "input"),
        Problem::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Problem::Conflict => (StatusCode::CONFLICT, "conflict"),
        Problem::Busy => (StatusCode::LOCKED, "busy"),
        Problem::Refused => (StatusCode::BAD_GATEWAY, "refused"),
        Problem::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "inside"),
    }
}
