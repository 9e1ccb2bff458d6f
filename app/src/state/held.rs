//! Prunes that are held until somebody has looked.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::app;
use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::Result;
use super::ids::{AppId, TaskId};
use super::setting_change::{ChangeAction, ChangeNote, ChangeSubject};
use crate::model::FieldChange;

/// Why an app's prunes are held.
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
    /// Holds the prunes of an app; the first reason stays until they are released.
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

    /// Lets an app be pruned again. Gives whether its prunes were held.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn release_prune(&self, app: AppId) -> Result<bool> {
        self.change(|transaction| {
            let Some(held) = load(transaction, app)? else { return Ok((false, None)) };
            let sql = "DELETE FROM held_prune WHERE app = ?1";
            transaction.prepare_cached(sql)?.execute([app])?;
            let note = ChangeNote {
                subject: ChangeSubject::HeldPrune,
                action: ChangeAction::Removed,
                name: app::load(transaction, app)?.spec.name,
                app: Some(app),
                fields: vec![FieldChange::new("reason", Some(&held.reason), None)],
            };
            Ok((true, Some(note)))
        })
    }

    /// Why the prunes of an app are held, if they are.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn held_prune(&self, app: AppId) -> Result<Option<HeldPrune>> {
        self.read(|connection| load(connection, app))
    }
}

pub(super) const HELD: &str = "SELECT at, task, reason, examples FROM held_prune WHERE app = ?1";

pub(super) fn load(connection: &Connection, app: AppId) -> Result<Option<HeldPrune>> {
    Ok(connection.prepare_cached(HELD)?.query_row([app], from_row).optional()?)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<HeldPrune> {
    Ok(HeldPrune {
        at: row.get::<_, UnixMillis>("at")?.0,
        task: row.get("task")?,
        reason: row.get("reason")?,
        examples: row.get::<_, Json<Vec<String>>>("examples")?.0,
    })
}
