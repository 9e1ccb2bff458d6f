//! Answers that more than one route gives.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Where the routes are nested: addresses in answers begin with it.
const PREFIX: &str = "/api";

/// 201, with what was made and its address below `/api`.
pub(super) fn created(path: &str, made: &impl Serialize) -> Response {
    located(StatusCode::CREATED, path, made)
}

/// 202, with the task that was started and its address below `/api`.
pub(super) fn accepted(path: &str, task: &impl Serialize) -> Response {
    located(StatusCode::ACCEPTED, path, task)
}

fn located(status: StatusCode, path: &str, item: &impl Serialize) -> Response {
    (status, [(LOCATION, format!("{PREFIX}{path}"))], Json(item)).into_response()
}
