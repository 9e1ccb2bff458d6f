//! What was changed in settings.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::error::ApiResult;
use super::extract::{NoParameters, StrictQuery};
use super::number::{Id, Number};
use source_app::service::{ChangesVerification, Service};
use source_app::state::{ChangeFilter, SettingChange};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesQuery {
    #[serde(default)]
    app: Option<Id>,
    #[serde(default)]
    before: Option<Id>,
    #[serde(default)]
    limit: Option<Number<1, 500>>,
}

/// Changes, newest first.
#[derive(Serialize)]
pub(super) struct ChangeList {
    items: Vec<SettingChange>,
    /// What `before` of the next page is, if there may be one.
    next: Option<i64>,
}

pub(super) async fn list(
    State(service): State<Service>,
    StrictQuery(wanted): StrictQuery<ChangesQuery>,
) -> ApiResult<Json<ChangeList>> {
    let limit = wanted.limit.map_or(50, |limit| limit.0);
    let filter = ChangeFilter {
        app: wanted.app.map(Id::get),
        before: wanted.before.map(Id::get),
        limit: u32::try_from(limit).ok(),
    };
    let items = service.setting_changes(filter).await?;
    let next = if (items.len() as u64) < limit { None } else { items.last().map(|one| one.id) };
    Ok(Json(ChangeList { items, next }))
}

pub(super) async fn verify(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ChangesVerification>> {
    Ok(Json(service.verify_changes().await?))
}

/// JSON in lines, with a signature in the last.
pub(super) async fn export(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Response> {
    let kind = (CONTENT_TYPE, "application/x-ndjson");
    let name = (CONTENT_DISPOSITION, "attachment; filename=\"changes.jsonl\"");
    Ok(([kind, name], service.export_changes().await?).into_response())
}
