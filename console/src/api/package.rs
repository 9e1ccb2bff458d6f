//! The package that Plakar has, and the one that came with this program.

use axum::Json;
use axum::extract::State;

use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{NoParameters, StrictJson, StrictQuery};
use source_app::service::{PackageStatus, Service};

pub(super) async fn show(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<PackageStatus>> {
    Ok(Json(service.package_status().await))
}

pub(super) async fn add(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    _: StrictJson<NoParameters>,
) -> ApiResult<Json<PackageStatus>> {
    service.add_package().await?;
    Ok(Json(service.package_status().await))
}
