//! What of a source is backed up: what it would leave out, and what it will take.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::error::ApiResult;
use super::extract::{NoParameters, StrictPath, StrictQuery};
use super::number::Id;
use source_app::model::{BackupEstimate, BackupOptions};
use source_app::service::{OptionsPreview, Service};

/// Options to look at; what is left out is as the app has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewQuery {
    /// Patterns, one a line.
    #[serde(default)]
    ignore: Option<String>,
    /// Folders, one a line.
    #[serde(default)]
    folders: Option<String>,
}

pub(super) async fn preview(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    StrictQuery(PreviewQuery { ignore, folders }): StrictQuery<PreviewQuery>,
) -> ApiResult<Json<OptionsPreview>> {
    let kept = service.app(app.get()).await?.spec.backup;
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    let options = BackupOptions {
        ignore: ignore.map_or(kept.ignore, lines),
        folders: folders.map_or(kept.folders, lines),
        ..BackupOptions::default()
    };
    Ok(Json(service.preview_options(app.get(), options).await?))
}

pub(super) async fn estimate(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<BackupEstimate>> {
    Ok(Json(service.estimate(app.get()).await?))
}
