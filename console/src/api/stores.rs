//! Stores: what is known of them, what is in them, and reading them anew.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::ApiResult;
use super::extract::{NoParameters, StrictJson, StrictPath, StrictQuery};
use super::views::ListView;
use plakar_driver::SnapshotId;
use source_app::service::{Service, StoreOverview, StorePoint};
use source_app::state::AppId;

/// A restore point of whomever.
#[derive(Serialize)]
pub(super) struct StorePointView {
    id: String,
    taken: DateTime<Utc>,
    name: String,
    origin: String,
    root: String,
    size: u64,
    files: u64,
    errors: u64,
    /// The mark that it bears.
    mark: Option<String>,
    /// The app here that made it.
    app: Option<AppId>,
}

impl From<StorePoint> for StorePointView {
    fn from(StorePoint { point, app }: StorePoint) -> Self {
        Self {
            id: SnapshotId::as_str(&point.id).to_owned(),
            taken: point.taken,
            name: point.name,
            origin: point.origin,
            root: point.root,
            size: point.size,
            files: point.files,
            errors: point.errors,
            mark: point.app,
            app: app.map(|(id, _)| id),
        }
    }
}

pub(super) async fn list(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<StoreOverview>>> {
    Ok(Json(ListView { items: service.store_overviews().await? }))
}

pub(super) async fn show(
    State(service): State<Service>,
    StrictPath(store): StrictPath<String>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<StoreOverview>> {
    Ok(Json(service.store_overview(&store).await?))
}

pub(super) async fn read(
    State(service): State<Service>,
    StrictPath(store): StrictPath<String>,
    _: StrictQuery<NoParameters>,
    _: StrictJson<NoParameters>,
) -> ApiResult<Json<StoreOverview>> {
    Ok(Json(service.read_store(&store).await?))
}

pub(super) async fn points(
    State(service): State<Service>,
    StrictPath(store): StrictPath<String>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<StorePointView>>> {
    let points = service.store_points(&store).await?;
    Ok(Json(ListView { items: points.into_iter().map(StorePointView::from).collect() }))
}
