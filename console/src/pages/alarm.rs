//! Prunes that the change alarm holds: what is shown of them on the app's page, and the button that
//! lets them go.

use axum::extract::{Path, State};
use axum::response::Response;

use super::answer::redirect;
use super::error::PageError;
use super::form_data::FormData;
use super::format::DisplayTime;
use source_app::service::Service;
use source_app::state::{AppId, HeldPrune};

/// Prunes that are held.
pub struct HeldCard {
    /// Since when.
    pub at: DisplayTime,
    /// The backup that holds them.
    pub task: i64,
    /// Why, in figures.
    pub reason: String,
    /// Some of the files.
    pub examples: Vec<String>,
    /// Where the button leads.
    pub release: String,
}

impl HeldCard {
    /// Of an app.
    pub fn of(app: AppId, held: HeldPrune) -> Self {
        let HeldPrune { at, task, reason, examples } = held;
        Self {
            at: DisplayTime(at),
            task,
            reason,
            examples,
            release: format!("/apps/{app}/release"),
        }
    }
}

pub async fn release(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    _: FormData,
) -> Result<Response, PageError> {
    let place = format!("/apps/{id}");
    service.release_prune(id).await.map_err(|error| PageError::from(error).back(&place))?;
    Ok(redirect(&place, "released"))
}
