//! Schedules and policies.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;

use super::PREFIX;
use super::error::Result;
use super::extract::{Body, Change, NoBody, Nothing, Path, Query};
use super::number::Id;
use super::views::List;
use source_app::model::Timing;
use source_app::service::{self, Service};
use source_app::state::{Policy, PolicySpec, Schedule, ScheduleSpec};

/// A plain choice such as `daily at 02:30` is as good as a cron expression.
fn read(mut spec: ScheduleSpec) -> Result<ScheduleSpec> {
    spec.cron = spec.cron.parse::<Timing>().map_err(service::Error::from)?.cron();
    Ok(spec)
}

pub(super) async fn list_schedules(State(service): State<Service>, _: Query<Nothing>) -> Result<Json<List<Schedule>>> {
    Ok(Json(List { items: service.schedules().await? }))
}

pub(super) async fn add_schedule(
    State(service): State<Service>,
    _: Query<Nothing>,
    Body(spec): Body<ScheduleSpec>,
) -> Result<impl IntoResponse> {
    let schedule = service.add_schedule(read(spec)?).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("{PREFIX}/schedules/{}", schedule.id))], Json(schedule)))
}

pub(super) async fn show_schedule(State(service): State<Service>, Path(id): Path<Id>, _: Query<Nothing>) -> Result<Json<Schedule>> {
    Ok(Json(service.schedule(id.get()).await?))
}

pub(super) async fn edit_schedule(
    State(service): State<Service>,
    Path(id): Path<Id>,
    _: Query<Nothing>,
    Change { revision, change }: Change<ScheduleSpec>,
) -> Result<Json<Schedule>> {
    Ok(Json(service.edit_schedule(id.get(), revision, read(change)?).await?))
}

pub(super) async fn remove_schedule(
    State(service): State<Service>,
    Path(id): Path<Id>,
    _: Query<Nothing>,
    _: NoBody,
) -> Result<StatusCode> {
    service.remove_schedule(id.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list(State(service): State<Service>, _: Query<Nothing>) -> Result<Json<List<Policy>>> {
    Ok(Json(List { items: service.policies().await? }))
}

pub(super) async fn add(State(service): State<Service>, _: Query<Nothing>, Body(spec): Body<PolicySpec>) -> Result<impl IntoResponse> {
    let policy = service.add_policy(spec).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("{PREFIX}/policies/{}", policy.id))], Json(policy)))
}

pub(super) async fn show(State(service): State<Service>, Path(id): Path<Id>, _: Query<Nothing>) -> Result<Json<Policy>> {
    Ok(Json(service.policy(id.get()).await?))
}

pub(super) async fn edit(
    State(service): State<Service>,
    Path(id): Path<Id>,
    _: Query<Nothing>,
    Change { revision, change }: Change<PolicySpec>,
) -> Result<Json<Policy>> {
    Ok(Json(service.edit_policy(id.get(), revision, change).await?))
}

pub(super) async fn remove(State(service): State<Service>, Path(id): Path<Id>, _: Query<Nothing>, _: NoBody) -> Result<StatusCode> {
    service.remove_policy(id.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}
