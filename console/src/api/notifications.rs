//! Who is told how apps are: shown and tried; `notify.toml` is written on the machine alone.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::error::ApiResult;
use super::extract::{NoParameters, StrictJson, StrictQuery};
use super::views::ListView;
use source_app::service::{NotifyStatus, Service, TestResult};

/// Whom a test message goes to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestMessage {
    #[serde(default)]
    receiver: Option<String>,
}

pub(super) async fn show(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<NotifyStatus>> {
    Ok(Json(service.notify_status().await?))
}

pub(super) async fn test(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
    StrictJson(TestMessage { receiver }): StrictJson<TestMessage>,
) -> ApiResult<Json<ListView<TestResult>>> {
    Ok(Json(ListView { items: service.notify_test(receiver.as_deref()).await? }))
}
