//! A form that was refused, again, with its faults.

use askama::Template;
use axum::http::StatusCode;

use super::{PageResult, page};
use source_app::service::{Error, Problem};

/// The form with the status that says why.
pub fn refused(form: &impl Template, error: &Error) -> PageResult {
    let mut response = page(form)?;
    *response.status_mut() = match error.problem() {
        Problem::Input => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::NotFound => StatusCode::NOT_FOUND,
        Problem::Conflict | Problem::Busy => StatusCode::CONFLICT,
        Problem::Refused => StatusCode::BAD_GATEWAY,
        Problem::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Ok(response)
}
