//! Prunes that the change alarm holds: what is shown of them on the app's page, and the button that
//! lets them go.

use axum::extract::{Path, State};
use axum::response::Response;

use super::answer::redirect;
use super::error::PageError;
use super::form_data::FormData;
use super::format::DisplayTime;
use source_app::service::Service;
use source_app::state::{AppId, HeldPrune, TaskId};

/// Prunes that are held.
pub struct HeldCard {
    /// The alarms that hold them, the newest first.
    pub alarms: Vec<HeldAlarm>,
    /// The task of the newest: an alarm that comes while somebody looks is not released with it.
    pub seen: TaskId,
    /// Where the button leads.
    pub release: String,
}

/// An alarm that holds them.
pub struct HeldAlarm {
    /// Since when.
    pub at: DisplayTime,
    /// The backup that holds them.
    pub task: TaskId,
    /// Why, in figures.
    pub reason: String,
    /// Some of the files.
    pub examples: Vec<String>,
}

impl HeldCard {
    /// Of an app: of its newest alarm and those before, the newest first.
    pub fn of(app: AppId, newest: HeldPrune, before: Vec<HeldPrune>) -> Self {
        let alarm = |held: HeldPrune| {
            let HeldPrune { at, task, reason, examples } = held;
            HeldAlarm { at: DisplayTime(at), task, reason, examples }
        };
        Self {
            seen: newest.task,
            alarms: std::iter::once(newest).chain(before).map(alarm).collect(),
            release: format!("/apps/{app}/release"),
        }
    }
}

pub async fn release(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    posted: FormData,
) -> Result<Response, PageError> {
    let place = format!("/apps/{id}");
    let input = |error: String| PageError::input(&error).back(&place);
    let seen: TaskId = posted.number("task").map_err(input)?;
    // A form of before there could be several alarms names none.
    let released = service.release_prune(id, Some(seen).filter(|seen| *seen > 0)).await;
    released.map_err(|error| PageError::from(error).back(&place))?;
    Ok(redirect(&place, "released"))
}
