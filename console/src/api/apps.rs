//! Apps: all at a glance, assign, one of them, change, remove; its schedules, for other schedulers too.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::PREFIX;
use super::error::Result;
use super::extract::{Body, Change, NoBody, Nothing, Path, Query};
use super::number::Id;
use super::views::{ConfiguredView, List};
use source_app::export::{Command, ExportedFile, Kubernetes, Systemd};
use source_app::service::{Assign, Dashboard, Edit, Export, ExportAs, Service, SiteOverview};
use source_app::state::{App, EffectiveSchedule};

pub(super) async fn list(State(service): State<Service>, _: Query<Nothing>) -> Result<Json<SiteOverview>> {
    Ok(Json(service.site().await?))
}

pub(super) async fn assign(State(service): State<Service>, _: Query<Nothing>, Body(assign): Body<Assign>) -> Result<impl IntoResponse> {
    let app = service.assign(assign).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("{PREFIX}/apps/{}", app.id))], Json(app)))
}

pub(super) async fn dashboard(State(service): State<Service>, Path(app): Path<Id>, _: Query<Nothing>) -> Result<Json<Dashboard>> {
    Ok(Json(service.dashboard(app.get()).await?))
}

pub(super) async fn edit(
    State(service): State<Service>,
    Path(app): Path<Id>,
    _: Query<Nothing>,
    Change { revision, change }: Change<Edit>,
) -> Result<Json<App>> {
    Ok(Json(service.edit(app.get(), revision, change).await?))
}

pub(super) async fn remove(State(service): State<Service>, Path(app): Path<Id>, _: Query<Nothing>, _: NoBody) -> Result<StatusCode> {
    service.remove(app.get()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn configuration(
    State(service): State<Service>,
    Path(app): Path<Id>,
    _: Query<Nothing>,
) -> Result<Json<List<ConfiguredView>>> {
    let fields = service.configuration(app.get()).await?;
    Ok(Json(List { items: fields.into_iter().map(ConfiguredView::from).collect() }))
}

pub(super) async fn schedules(
    State(service): State<Service>,
    Path(app): Path<Id>,
    _: Query<Nothing>,
) -> Result<Json<List<EffectiveSchedule>>> {
    let app = service.app(app.get()).await?;
    Ok(Json(List { items: service.effective_schedules(Some(app.id)).await? }))
}

/// What to export, with what each form needs.
#[derive(Deserialize)]
#[serde(tag = "form", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Form {
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
    Path(app): Path<Id>,
    Query(form): Query<Form>,
) -> Result<Json<List<ExportedFile>>> {
    let (executable, form) = match form {
        Form::Crontab { executable, time_zone } => (executable, ExportAs::Crontab { time_zone }),
        Form::Systemd { executable, user } => (executable, ExportAs::Systemd(Systemd { user })),
        Form::Kubernetes { executable, image, claim, namespace } => {
            (executable, ExportAs::Kubernetes(Kubernetes { image, claim, namespace }))
        }
    };
    let export = Export { form, command: Command::new(executable) };
    Ok(Json(List { items: service.export(app.get(), &export).await? }))
}
