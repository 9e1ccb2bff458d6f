//! A maintenance has its store to itself: it removes what others may be about to use.

use rusqlite::{Connection, OptionalExtension, params};

use super::app;
use super::error::{Result, StateError};
use super::ids::{AppId, TaskId};
use super::task::TaskKind;

/// What runs of other apps in the same store, as far as one of the two is a maintenance. `vault` and
/// `@vault` are one store.
const BESIDE: &str = "SELECT other.id, other.kind, theirs.name FROM task other JOIN app theirs ON theirs.id = other.app JOIN app ours ON ours.id = ?1 \
     WHERE other.state = 'running' AND other.kind <> 'test' AND other.app <> ?1 AND (?2 = 'maintenance' OR other.kind = 'maintenance') \
     AND (rtrim(ltrim(theirs.store, '@'), '/') = rtrim(ltrim(ours.store, '@'), '/') \
       OR (?2 = 'sync' AND rtrim(ltrim(theirs.store, '@'), '/') = rtrim(ltrim(ours.second_store, '@'), '/')) \
       OR (other.kind = 'sync' AND rtrim(ltrim(theirs.second_store, '@'), '/') = rtrim(ltrim(ours.store, '@'), '/'))) LIMIT 1";

/// # Errors
///
/// It would be a maintenance beside something else in the same store, or something else beside a
/// maintenance.
pub(super) fn not_beside(connection: &Connection, app: AppId, kind: TaskKind) -> Result<()> {
    if kind == TaskKind::Test {
        return Ok(());
    }
    let beside = connection
        .prepare_cached(BESIDE)?
        .query_row(params![app, kind], |row| {
            Ok((row.get("id")?, row.get("kind")?, row.get("name")?))
        })
        .optional()?;
    let Some((id, running, other)): Option<(TaskId, TaskKind, String)> = beside else {
        return Ok(());
    };
    let name = app::load(connection, app)?.spec.name;
    let why = if running == TaskKind::Maintenance {
        format!("app {name}: task {id}, a maintenance by {other}, has the store to itself")
    } else {
        format!(
            "app {name}: a maintenance needs the store to itself, and task {id} ({running} of {other}) is running in it"
        )
    };
    Err(StateError::Busy(format!("{why}; wait for its end, or cancel it")))
}
