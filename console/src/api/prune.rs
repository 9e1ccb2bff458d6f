//! What a prune would remove, and restore points that none removes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{
    NoBody, NoParameters, SnapshotParameter, StrictJson, StrictPath, StrictQuery,
};
use super::number::Id;
use source_app::service::{PrunePlan, Service};

pub(super) async fn plan(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<PrunePlan>> {
    Ok(Json(service.prune_plan(app.get()).await?))
}

/// Which change alarms somebody has looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseQuery {
    /// The task of the newest.
    task: Option<Id>,
}

pub(super) async fn release(
    Caller(service): Caller,
    StrictPath(app): StrictPath<Id>,
    StrictQuery(seen): StrictQuery<ReleaseQuery>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.release_prune(app.get(), seen.task.map(Id::get)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn pin(
    Caller(service): Caller,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    _: StrictQuery<NoParameters>,
    _: StrictJson<NoParameters>,
) -> ApiResult<StatusCode> {
    service.pin(app.get(), &snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn unpin(
    Caller(service): Caller,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.unpin(app.get(), &snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}
