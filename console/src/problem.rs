//! What the pages and the API refuse alike: which kind of problem has which status of HTTP, and
//! content whose end nobody could tell.

use axum::http::{StatusCode, Version};
use source_app::service::Problem;

/// Why a request is refused whose answer has no end that can be told.
pub(crate) const NO_END: &str = "an archive needs HTTP/1.1, or its end could not be told from a broken connection; behind nginx write: proxy_http_version 1.1;";

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

/// Whether who asks by this version can tell the end of a content from a broken connection: by its
/// length, or by its last chunk, which HTTP/1.0 does not have.
pub(crate) fn has_end(version: Version, size: Option<u64>) -> bool {
    size.is_some() || version >= Version::HTTP_11
}
