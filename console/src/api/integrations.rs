//! What helps to assign an app: what goes with a resource, the fields of its connector, words to
//! suggest.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::error::ApiResult;
use super::extract::{NoParameters, StrictQuery};
use super::views::{FormView, ListView};
use source_app::service::{Choice, Service, Suggestions};
use source_app::state::AppKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoicesQuery {
    kind: AppKind,
    class: String,
    #[serde(default)]
    subclass: String,
}

pub(super) async fn choices(
    State(service): State<Service>,
    StrictQuery(wanted): StrictQuery<ChoicesQuery>,
) -> ApiResult<Json<ListView<Choice>>> {
    Ok(Json(ListView {
        items: service.choices(wanted.kind, &wanted.class, &wanted.subclass).await?,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormQuery {
    kind: AppKind,
    class: String,
    #[serde(default)]
    subclass: String,
    #[serde(default)]
    integration: Option<String>,
    #[serde(default)]
    protocol: Option<String>,
}

pub(super) async fn form(
    State(service): State<Service>,
    StrictQuery(wanted): StrictQuery<FormQuery>,
) -> ApiResult<Json<FormView>> {
    let class = (wanted.class.as_str(), wanted.subclass.as_str());
    let form = service
        .form(wanted.kind, class, wanted.integration.as_deref(), wanted.protocol.as_deref())
        .await?;
    Ok(Json(form.into()))
}

#[derive(Serialize)]
pub(super) struct ResourceClass {
    class: String,
    subclass: String,
}

pub(super) async fn classes(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<ListView<ResourceClass>>> {
    let classes = service.classes().await?;
    Ok(Json(ListView {
        items: classes
            .into_iter()
            .map(|(class, subclass)| ResourceClass { class, subclass })
            .collect(),
    }))
}

pub(super) async fn suggestions(
    State(service): State<Service>,
    _: StrictQuery<NoParameters>,
) -> ApiResult<Json<Suggestions>> {
    Ok(Json(service.suggestions().await?))
}
