//! Resources, and the words that apps are classified by.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::answer::created;
use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{Change, NoBody, NoParameters, StrictJson, StrictPath, StrictQuery};
use super::number::Id;
use super::views::ListView;
use source_app::service::{
    Classification, ResourceDashboard, ResourceFilter, ResourceOverview, Service,
};
use source_app::state::{ResourceRecord, ResourceSpec, WordKind};

pub(super) async fn list(
    State(service): State<Service>,
    StrictQuery(filter): StrictQuery<ResourceFilter>,
) -> ApiResult<Json<ListView<ResourceOverview>>> {
    Ok(Json(ListView { items: service.resources(filter).await? }))
}

pub(super) async fn show(
    State(service): State<Service>,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ResourceDashboard>> {
    Ok(Json(service.resource(id.get()).await?))
}

pub(super) async fn add(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(spec): StrictJson<ResourceSpec>,
) -> ApiResult<Response> {
    let made = service.add_resource(spec).await?;
    Ok(created(&format!("/resources/{}", made.id), &made))
}

pub(super) async fn remove(
    Caller(service): Caller,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.remove_resource(id.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn edit(
    Caller(service): Caller,
    StrictPath(id): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    Change { revision, change }: Change<ResourceSpec>,
) -> ApiResult<Json<ResourceRecord>> {
    Ok(Json(service.edit_resource(id.get(), revision, change).await?))
}

pub(super) async fn classification(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<Classification>> {
    Ok(Json(service.classification().await?))
}

/// An environment or a data class.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedWord {
    kind: WordKind,
    word: String,
}

pub(super) async fn add_word(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(NamedWord { kind, word }): StrictJson<NamedWord>,
) -> ApiResult<Response> {
    let added = service.add_word(kind, &word).await?;
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

pub(super) async fn remove_word(
    Caller(service): Caller,
    StrictQuery(NamedWord { kind, word }): StrictQuery<NamedWord>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.remove_word(kind, &word).await?;
    Ok(StatusCode::NO_CONTENT)
}
