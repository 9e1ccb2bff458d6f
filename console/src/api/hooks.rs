//! The scripts before and after tasks: shown alone; `hooks.toml` is written on the machine.

use axum::Json;
use axum::extract::State;

use super::error::ApiResult;
use super::extract::{NoParameters, StrictQuery};
use source_app::service::{HooksStatus, Service};

pub(super) async fn show(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<HooksStatus>> {
    Ok(Json(service.hooks_status(None).await?))
}
