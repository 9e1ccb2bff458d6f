//! Schedules and policies.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::answer::created;
use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{Change, NoBody, NoParameters, StrictJson, StrictPath, StrictQuery};
use super::number::Id;
use super::views::ListView;
use source_app::model::Timing;
use source_app::service::{self, PolicyContract, Service};
use source_app::state::{AppId, Policy, PolicySpec, Schedule, ScheduleSpec};

/// What a policy comes to.
#[derive(Serialize)]
pub(super) struct ContractView {
    apps: Vec<PolicyApp>,
    words: Vec<String>,
}

/// An app that a policy is for.
#[derive(Serialize)]
struct PolicyApp {
    id: AppId,
    name: String,
}

impl From<PolicyContract> for ContractView {
    fn from(PolicyContract { apps, words }: PolicyContract) -> Self {
        let apps = apps.into_iter().map(|(id, name)| PolicyApp { id, name }).collect();
        Self { apps, words }
    }
}

/// A plain choice such as `daily at 02:30` is as good as a cron expression.
fn read(mut spec: ScheduleSpec) -> ApiResult<ScheduleSpec> {
    spec.cron = spec.cron.parse::<Timing>().map_err(service::Error::from)?.cron();
    Ok(spec)
}

pub(super) async fn list_schedules(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<Schedule>>> {
    Ok(Json(ListView { items: service.schedules().await? }))
}

pub(super) async fn add_schedule(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(spec): StrictJson<ScheduleSpec>,
) -> ApiResult<Response> {
    let schedule = service.add_schedule(read(spec)?).await?;
    Ok(created(&format!("/schedules/{}", schedule.id), &schedule))
}

pub(super) async fn show_schedule(
    State(service): State<Service>,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<Schedule>> {
    Ok(Json(service.schedule(id.get()).await?))
}

pub(super) async fn edit_schedule(
    Caller(service): Caller,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    Change { revision, change }: Change<ScheduleSpec>,
) -> ApiResult<Json<Schedule>> {
    Ok(Json(service.edit_schedule(id.get(), revision, read(change)?).await?))
}

pub(super) async fn remove_schedule(
    Caller(service): Caller,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.remove_schedule(id.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<Policy>>> {
    Ok(Json(ListView { items: service.policies().await? }))
}

pub(super) async fn add(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(spec): StrictJson<PolicySpec>,
) -> ApiResult<Response> {
    let policy = service.add_policy(spec).await?;
    Ok(created(&format!("/policies/{}", policy.id), &policy))
}

pub(super) async fn show(
    State(service): State<Service>,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<Policy>> {
    Ok(Json(service.policy(id.get()).await?))
}

pub(super) async fn edit(
    Caller(service): Caller,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    Change { revision, change }: Change<PolicySpec>,
) -> ApiResult<Json<Policy>> {
    Ok(Json(service.edit_policy(id.get(), revision, change).await?))
}

pub(super) async fn remove(
    Caller(service): Caller,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.remove_policy(id.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn contract(
    State(service): State<Service>,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ContractView>> {
    Ok(Json(service.policy_contract(id.get()).await?.into()))
}
