//! What there is to take over: marks in a store, and entries of Plakar's that are no apps.

use std::fmt;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::error::ApiResult;
use super::extract::{NoParameters, StrictJson, StrictQuery};
use super::views::ListView;
use plakar_driver::Options;
use source_app::service::{Mark, PlakarEntry, Service};
use source_app::state::AppKind;

/// A store to open, with what Plakar's configuration does not have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenStore {
    store: String,
    #[serde(default)]
    options: Options,
}

/// Without the values of secrets.
impl fmt::Debug for OpenStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenStore").field("store", &self.store).finish_non_exhaustive()
    }
}

/// How an app refers to the store.
#[derive(Serialize)]
pub(super) struct OpenedStore {
    store: String,
}

pub(super) async fn open(
    Caller(service): Caller,
    _: StrictQuery<NoParameters>,
    StrictJson(wanted): StrictJson<OpenStore>,
) -> ApiResult<Json<OpenedStore>> {
    Ok(Json(OpenedStore { store: service.open_store(&wanted.store, &wanted.options).await? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarksQuery {
    store: String,
}

pub(super) async fn marks(
    State(service): State<Service>,
    StrictQuery(wanted): StrictQuery<MarksQuery>,
) -> ApiResult<Json<ListView<Mark>>> {
    Ok(Json(ListView { items: service.marks(&wanted.store).await? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    kind: AppKind,
}

pub(super) async fn entries(
    State(service): State<Service>,
    StrictQuery(wanted): StrictQuery<EntriesQuery>,
) -> ApiResult<Json<ListView<PlakarEntry>>> {
    Ok(Json(ListView { items: service.unassigned(wanted.kind).await? }))
}
