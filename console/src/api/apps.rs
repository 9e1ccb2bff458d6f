//! Apps: all at a glance, assign, one of them, change, remove; its schedules, for other schedulers
//! too.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answer::created;
use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{Change, NoBody, NoParameters, StrictJson, StrictPath, StrictQuery};
use super::number::Id;
use super::views::{ConfiguredView, ListView};
use source_app::export::{ExportedFile, Kubernetes, Systemd};
use source_app::model::Comparison;
use source_app::service::{
    ApiBudget, Assign, Dashboard, Edit, ExportAs, RecoverySheet, Service, SeveralApps,
    SiteOverview, StatusReport,
};
use source_app::state::{App, EffectiveSchedule};

pub(super) async fn list(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<SiteOverview>> {
    Ok(Json(service.site().await?))
}

pub(super) async fn status(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<StatusReport>> {
    Ok(Json(service.status(None).await?))
}

pub(super) async fn assign(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(assign): StrictJson<Assign>,
) -> ApiResult<Response> {
    let app = service.assign(assign).await?;
    Ok(created(&format!("/apps/{}", app.id), &app))
}

/// 201 if they were made, 200 if it was only looked whether they could be.
pub(super) async fn make(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(wish): StrictJson<SeveralApps>,
) -> ApiResult<Response> {
    let items = service.make_apps(&wish).await?;
    let status = if wish.check { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(ListView { items })).into_response())
}

pub(super) async fn dashboard(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<Dashboard>> {
    Ok(Json(service.dashboard(app.get()).await?))
}

pub(super) async fn edit(
    Caller(service): Caller,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    Change { revision, change }: Change<Edit>,
) -> ApiResult<Json<App>> {
    Ok(Json(service.edit(app.get(), revision, change).await?))
}

pub(super) async fn remove(
    Caller(service): Caller,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
    _: NoBody,
) -> ApiResult<StatusCode> {
    service.remove(app.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn configuration(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<ConfiguredView>>> {
    let fields = service.configuration(app.get()).await?;
    Ok(Json(ListView { items: fields.into_iter().map(ConfiguredView::from).collect() }))
}

pub(super) async fn recovery(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<RecoverySheet>> {
    Ok(Json(service.recovery(app.get()).await?))
}

pub(super) async fn budget(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ApiBudget>> {
    Ok(Json(service.budget(app.get()).await?))
}

/// What the newest comparison with the drive found.
#[derive(Serialize)]
pub(super) struct ComparisonView {
    comparison: Option<Comparison>,
}

pub(super) async fn comparison(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ComparisonView>> {
    Ok(Json(ComparisonView { comparison: service.comparison(app.get()).await? }))
}

pub(super) async fn schedules(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<EffectiveSchedule>>> {
    let app = service.app(app.get()).await?;
    Ok(Json(ListView { items: service.effective_schedules(Some(app.id)).await? }))
}

/// What to export, with what each form needs.
#[derive(Deserialize)]
#[serde(tag = "form", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ExportQuery {
    Crontab {
        executable: PathBuf,
        time_zone: String,
    },
    Systemd {
        executable: PathBuf,
        #[serde(default)]
        user: Option<String>,
    },
    Kubernetes {
        executable: PathBuf,
        image: String,
        claim: String,
        #[serde(default)]
        namespace: Option<String>,
    },
}

pub(super) async fn export(
    State(service): State<Service>,
    StrictPath(app): StrictPath<Id>,
    StrictQuery(form): StrictQuery<ExportQuery>,
) -> ApiResult<Json<ListView<ExportedFile>>> {
    let (executable, form) = match form {
        ExportQuery::Crontab { executable, time_zone } => {
            (executable, ExportAs::Crontab { time_zone })
        }
        ExportQuery::Systemd { executable, user } => {
            (executable, ExportAs::Systemd(Systemd { user }))
        }
        ExportQuery::Kubernetes { executable, image, claim, namespace } => {
            (executable, ExportAs::Kubernetes(Kubernetes { image, claim, namespace }))
        }
    };
    let export = service.export_to(form, executable)?;
    Ok(Json(ListView { items: service.export(app.get(), &export).await? }))
}
