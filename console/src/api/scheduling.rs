//! All schedules with what they will run, and pauses.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{NoBody, NoParameters, StrictJson, StrictPath, StrictQuery};
use super::number::Id;
use source_app::service::{SchedulingOverview, Service};

pub(super) async fn show(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<SchedulingOverview>> {
    Ok(Json(service.scheduling().await?))
}

/// Until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseUntil {
    until: DateTime<Utc>,
}

pub(super) async fn pause_all(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(PauseUntil { until }): StrictJson<PauseUntil>,
) -> ApiResult<StatusCode> {
    service.pause(None, until).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn resume_all(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.resume(None).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn pause(
    Caller(service): Caller,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    StrictJson(PauseUntil { until }): StrictJson<PauseUntil>,
) -> ApiResult<StatusCode> {
    service.pause(Some(app.get()), until).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn resume(
    Caller(service): Caller,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.resume(Some(app.get())).await?;
    Ok(StatusCode::NO_CONTENT)
}
