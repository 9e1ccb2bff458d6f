//! What is known of the machine and its programs.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::error::ApiResult;
use super::extract::StrictQuery;
use source_app::model::Diagnosis;
use source_app::service::Service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiagnosisQuery {
    #[serde(default)]
    redact: bool,
}

pub(super) async fn show(
    State(service): State<Service>,
    StrictQuery(wanted): StrictQuery<DiagnosisQuery>,
) -> ApiResult<Json<Diagnosis>> {
    Ok(Json(service.diagnose(wanted.redact).await?))
}
