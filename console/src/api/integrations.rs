//! What helps to assign an app: what goes with a resource, the fields of its connector, words to suggest, stores.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::error::Result;
use super::extract::{Nothing, Query};
use super::views::{FormView, List};
use source_app::service::{Choice, Service, StoreChoice};
use source_app::state::{AppKind, SUGGESTED_DATA_CLASSES, SUGGESTED_ENVIRONMENTS};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    kind: AppKind,
    class: String,
    #[serde(default)]
    subclass: String,
}

pub(super) async fn choices(State(service): State<Service>, Query(wanted): Query<Wanted>) -> Result<Json<List<Choice>>> {
    Ok(Json(List { items: service.choices(wanted.kind, &wanted.class, &wanted.subclass).await? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedForm {
    kind: AppKind,
    class: String,
    #[serde(default)]
    subclass: String,
    #[serde(default)]
    integration: Option<String>,
    #[serde(default)]
    protocol: Option<String>,
}

pub(super) async fn form(State(service): State<Service>, Query(wanted): Query<WantedForm>) -> Result<Json<FormView>> {
    let class = (wanted.class.as_str(), wanted.subclass.as_str());
    let form = service.form(wanted.kind, class, wanted.integration.as_deref(), wanted.protocol.as_deref()).await?;
    Ok(Json(form.into()))
}

#[derive(Serialize)]
pub(super) struct Class {
    class: String,
    subclass: String,
}

pub(super) async fn classes(State(service): State<Service>, _: Query<Nothing>) -> Result<Json<List<Class>>> {
    let classes = service.classes().await?;
    Ok(Json(List { items: classes.into_iter().map(|(class, subclass)| Class { class, subclass }).collect() }))
}

#[derive(Serialize)]
pub(super) struct Suggestions {
    environments: &'static [&'static str],
    data_classes: &'static [&'static str],
}

pub(super) async fn suggestions(_: Query<Nothing>) -> Json<Suggestions> {
    Json(Suggestions { environments: &SUGGESTED_ENVIRONMENTS, data_classes: &SUGGESTED_DATA_CLASSES })
}

pub(super) async fn stores(State(service): State<Service>, _: Query<Nothing>) -> Result<Json<List<StoreChoice>>> {
    Ok(Json(List { items: service.stores().await? }))
}
