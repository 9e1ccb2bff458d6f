//! Restore points of an app, and what is in them. What another app made is not there.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::error::ApiResult;
use super::extract::{NoParameters, PathParameter, SnapshotParameter, StrictPath, StrictQuery};
use super::found::AllPointsView;
use super::number::{Id, Limit, Number, Offset};
use super::views::{EntryView, FailureView, FolderView, PageView, PointView};
use source_app::service::Service;

/// Items of a page if it is not said.
const DEFAULT_LIMIT: Limit = Number(100);

/// Where a page begins if it is not said.
const DEFAULT_OFFSET: Offset = Number(0);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

impl PageQuery {
    fn get(&self) -> (u64, u64) {
        (self.offset.unwrap_or(DEFAULT_OFFSET).0, self.limit.unwrap_or(DEFAULT_LIMIT).0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointsQuery {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

pub(super) async fn list(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    StrictQuery(PointsQuery { label, offset, limit }): StrictQuery<PointsQuery>,
) -> ApiResult<Json<PageView<PointView>>> {
    let (offset, limit) = PageQuery { offset, limit }.get();
    let mut checks = service.point_checks(app.get()).await?;
    let pinned = service.pinned(app.get()).await?;
    let view = |point: plakar_driver::RestorePoint| {
        let check = checks.remove(point.id.as_str());
        PointView::of(point, check, &pinned)
    };
    let mut points = service.points(app.get()).await?;
    points.retain(|point| label.as_ref().is_none_or(|label| point.labels.contains(label)));
    Ok(Json(PageView::cut(points, offset, limit, view)))
}

pub(super) async fn show(
    State(service): State<Service>,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<PointView>> {
    let point = service.point(app.get(), &snapshot).await?.point;
    let check = service.point_check(app.get(), &snapshot).await?;
    Ok(Json(PointView::of(point, check, &service.pinned(app.get()).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    #[serde(default)]
    path: PathParameter,
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

pub(super) async fn entries(
    State(service): State<Service>,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    StrictQuery(EntriesQuery { path, offset, limit }): StrictQuery<EntriesQuery>,
) -> ApiResult<Json<FolderView>> {
    let (offset, limit) = PageQuery { offset, limit }.get();
    let point = service.point(app.get(), &snapshot).await?;
    let page = point.children(&path.0, offset, limit).await?;
    let missing = if offset == 0 { point.missing(&path.0).await? } else { Vec::new() };
    Ok(Json(FolderView::of(page, missing)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    #[serde(default)]
    path: PathParameter,
    text: String,
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

pub(super) async fn search(
    State(service): State<Service>,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    StrictQuery(SearchQuery { path, text, offset, limit }): StrictQuery<SearchQuery>,
) -> ApiResult<Json<PageView<EntryView>>> {
    let (offset, limit) = PageQuery { offset, limit }.get();
    let point = service.point(app.get(), &snapshot).await?;
    Ok(Json(PageView::of(point.search(&path.0, &text, offset, limit).await?, EntryView::from)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchAllQuery {
    text: String,
    #[serde(default)]
    offset: Option<Offset>,
    #[serde(default)]
    limit: Option<Limit>,
}

pub(super) async fn search_all(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    StrictQuery(SearchAllQuery { text, offset, limit }): StrictQuery<SearchAllQuery>,
) -> ApiResult<Json<AllPointsView>> {
    let (offset, limit) = PageQuery { offset, limit }.get();
    Ok(Json(service.search_all_points(app.get(), &text, offset, limit).await?.into()))
}

pub(super) async fn errors(
    State(service): State<Service>,
    StrictPath((app, SnapshotParameter(snapshot))): StrictPath<(Id, SnapshotParameter)>,
    StrictQuery(part): StrictQuery<PageQuery>,
) -> ApiResult<Json<PageView<FailureView>>> {
    let (offset, limit) = part.get();
    let point = service.point(app.get(), &snapshot).await?;
    Ok(Json(PageView::of(point.errors(offset, limit).await?, FailureView::from)))
}
