//! Change alarms, which hold the prunes of their apps until somebody has looked.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::app;
use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::{Result, StateError};
use super::ids::{AppId, TaskId};
use super::setting_change::{ChangeAction, ChangeNote, ChangeSubject};
use crate::model::FieldChange;

/// A change alarm: why an app's prunes are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldPrune {
    /// Since when.
    pub at: DateTime<Utc>,
    /// The task that held them, which may be forgotten.
    pub task: TaskId,
    /// Why, one line.
    pub reason: String,
    /// Some of the files, each in a line.
    pub examples: Vec<String>,
}

impl State {
    /// Holds the prunes of an app, beside the alarms that hold them already. A task holds them once.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn hold_prune(&self, app: AppId, held: &HeldPrune) -> Result<()> {
        self.write(|transaction| {
            let app = app::load(transaction, app)?.id;
            let sql = "INSERT INTO held_prune (app, at, task, reason, examples) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
            let HeldPrune { at, task, reason, examples } = held;
            let values = params![app, UnixMillis(*at), task, reason, Json(examples)];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }

    /// Lets an app be pruned again, by somebody who has seen its alarms up to that of the task
    /// `seen`; who names none may release a single one. Gives whether its prunes were held.
    ///
    /// # Errors
    ///
    /// [`StateError::Conflict`]: there is an alarm that was not seen. The database failed.
    pub fn release_prune(&self, app: AppId, seen: Option<TaskId>) -> Result<bool> {
        self.change(|transaction| {
            let held = load(transaction, app)?;
            let Some(newest) = held.first() else { return Ok((false, None)) };
            let name = app::load(transaction, app)?.spec.name;
            not_unseen(&name, newest, held.len(), seen)?;
            let sql = "DELETE FROM held_prune WHERE app = ?1";
            transaction.prepare_cached(sql)?.execute([app])?;
            let field = |one: &HeldPrune| FieldChange::new("reason", Some(&one.reason), None);
            let note = ChangeNote {
                subject: ChangeSubject::HeldPrune,
                action: ChangeAction::Removed,
                name,
                app: Some(app),
                fields: held.iter().map(field).collect(),
            };
            Ok((true, Some(note)))
        })
    }

    /// The alarms that hold the prunes of an app, the newest first; none if they are not held.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn held_prunes(&self, app: AppId) -> Result<Vec<HeldPrune>> {
        self.read(|connection| load(connection, app))
    }
}

/// # Errors
///
/// The newest of so many alarms is not the one that was seen.
fn not_unseen(name: &str, newest: &HeldPrune, count: usize, seen: Option<TaskId>) -> Result<()> {
    let newest = newest.task;
    match seen {
        Some(seen) if seen == newest => Ok(()),
        Some(seen) => Err(StateError::Conflict(format!(
            "the newest change alarm that holds the prunes of {name} is that of task {newest}, not of task {seen}; look at it, then release that one"
        ))),
        None if count == 1 => Ok(()),
        None => Err(StateError::Conflict(format!(
            "{count} change alarms hold the prunes of {name}; look at them, then release that of task {newest}, the newest"
        ))),
    }
}

pub(super) const HELD: &str =
    "SELECT at, task, reason, examples FROM held_prune WHERE app = ?1 ORDER BY id DESC";

fn load(connection: &Connection, app: AppId) -> Result<Vec<HeldPrune>> {
    let mut statement = connection.prepare_cached(HELD)?;
    let held = statement.query_map([app], from_row)?;
    Ok(held.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<HeldPrune> {
    Ok(HeldPrune {
        at: row.get::<_, UnixMillis>("at")?.0,
        task: row.get("task")?,
        reason: row.get("reason")?,
        examples: row.get::<_, Json<Vec<String>>>("examples")?.0,
    })
}
