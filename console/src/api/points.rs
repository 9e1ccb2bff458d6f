//! Restore points of an app, and what is in them. What another app made is not there.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::error::Result;
use super::extract::{Inside, Nothing, Path, Query, Snapshot};
use super::number::{Id, Limit, Number, Offset};
use super::views::{Entry, FailedEntry, Page, RestorePoint};
use source_app::service::Service;

/// Items of a page if it is not said.
const LIMIT: Limit = Number(100);

/// Where a page begins if it is not said.
const START: Offset = Number(0);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

impl Part {
    fn get(&self) -> (u64, u64) {
        (self.offset.unwrap_or(START).0, self.limit.unwrap_or(LIMIT).0)
    }
}

pub(super) async fn list(
    State(service): State<Service>,
    Path(app): Path<Id>,
    Query(part): Query<Part>,
) -> Result<Json<Page<RestorePoint>>> {
    let (offset, limit) = part.get();
    Ok(Json(Page::cut(service.points(app.get()).await?, offset, limit, RestorePoint::from)))
}

pub(super) async fn show(
    State(service): State<Service>,
    Path((app, Snapshot(snapshot))): Path<(Id, Snapshot)>,
    _: Query<Nothing>,
) -> Result<Json<RestorePoint>> {
    Ok(Json(service.point(app.get(), &snapshot).await?.point.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Below {
    #[serde(default)]
    path: Inside,
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

pub(super) async fn entries(
    State(service): State<Service>,
    Path((app, Snapshot(snapshot))): Path<(Id, Snapshot)>,
    Query(Below { path, offset, limit }): Query<Below>,
) -> Result<Json<Page<Entry>>> {
    let (offset, limit) = Part { offset, limit }.get();
    let point = service.point(app.get(), &snapshot).await?;
    Ok(Json(Page::of(point.children(&path.0, offset, limit).await?, Entry::from)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    #[serde(default)]
    path: Inside,
    text: String,
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

pub(super) async fn search(
    State(service): State<Service>,
    Path((app, Snapshot(snapshot))): Path<(Id, Snapshot)>,
    Query(Search { path, text, offset, limit }): Query<Search>,
) -> Result<Json<Page<Entry>>> {
    let (offset, limit) = Part { offset, limit }.get();
    let point = service.point(app.get(), &snapshot).await?;
    Ok(Json(Page::of(point.search(&path.0, &text, offset, limit).await?, Entry::from)))
}

pub(super) async fn errors(
    State(service): State<Service>,
    Path((app, Snapshot(snapshot))): Path<(Id, Snapshot)>,
    Query(part): Query<Part>,
) -> Result<Json<Page<FailedEntry>>> {
    let (offset, limit) = part.get();
    let point = service.point(app.get(), &snapshot).await?;
    Ok(Json(Page::of(point.errors(offset, limit).await?, FailedEntry::from)))
}
