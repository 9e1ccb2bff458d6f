//! Pauses of an app or of all: kept until the next one, so that a slot in one is known to have been
//! in it, whoever looks when.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::UnixMillis;
use super::database::State;
use super::error::{Result, StateError};
use super::ids::AppId;
use super::setting_change::{ChangeNote, ChangeSubject};
use super::{app, effective};
use crate::model::{Pauses, check_until};

/// What waits of a paused app's schedules, and has not begun.
const LEAVE_OUT: &str = "UPDATE task SET state = 'missed', ended = ?2, next_try = NULL, verdict = ?3 \
     WHERE app = ?1 AND state IN ('queued', 'waiting') AND slot IS NOT NULL";

const WAITING: &str =
    "SELECT DISTINCT app FROM task WHERE state IN ('queued', 'waiting') AND slot IS NOT NULL";

/// Why a slot was left out.
pub(super) fn reason(until: DateTime<Utc>) -> String {
    format!("left out: paused until {}", until.format("%Y-%m-%d %H:%M UTC"))
}

fn pauses(connection: &Connection, id: AppId) -> Result<Pauses> {
    Ok(app::load(connection, id)?.pauses)
}

/// Until when an app, or all, is paused now by a pause of its own.
fn paused_until(
    connection: &Connection,
    id: Option<AppId>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let (table, row) = place(id);
    let sql = format!("SELECT paused_until FROM {table} WHERE id = ?1 AND paused_until > ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement
        .query_row(params![row, UnixMillis(now)], |row| row.get::<_, UnixMillis>("paused_until"))
        .optional()?;
    Ok(found.map(|until| until.0))
}

/// # Errors
///
/// There is no such app.
fn note(
    connection: &Connection,
    id: Option<AppId>,
    before: Option<DateTime<Utc>>,
    after: Option<DateTime<Utc>>,
) -> Result<Option<ChangeNote>> {
    #[derive(serde::Serialize)]
    struct Until {
        until: String,
    }
    let name = match id {
        Some(id) => app::load(connection, id)?.spec.name,
        None => "all apps".to_owned(),
    };
    let shown = |at: DateTime<Utc>| Until { until: at.format("%Y-%m-%d %H:%M UTC").to_string() };
    let (before, after) = (before.map(shown), after.map(shown));
    Ok(ChangeNote::of(ChangeSubject::Pause, id, before.as_ref(), after.as_ref(), |_| name))
}

impl State {
    /// Pauses the schedules of an app, or of all, until a time; a pause that is in effect changes
    /// its end.
    ///
    /// # Errors
    ///
    /// The time is not one to come, or there is no such app.
    pub fn pause(&self, id: Option<AppId>, until: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        check_until(until, now)?;
        let (table, row) = place(id);
        self.change(|transaction| {
            let before = paused_until(transaction, id, now)?;
            let update = format!(
                "UPDATE {table} SET paused_since = CASE WHEN paused_until > ?2 THEN paused_since ELSE ?2 END, paused_until = ?3 WHERE id = ?1"
            );
            match transaction.execute(&update, params![row, UnixMillis(now), UnixMillis(until)])? {
                0 => Err(StateError::NotFound(format!("there is no app with the id {row}"))),
                _ => Ok(((), note(transaction, id, before, Some(until))?)),
            }
        })
    }

    /// Ends a pause; tells whether there was one.
    ///
    /// # Errors
    ///
    /// There is no such app.
    pub fn resume(&self, id: Option<AppId>, now: DateTime<Utc>) -> Result<bool> {
        let (table, row) = place(id);
        self.change(|transaction| {
            let before = paused_until(transaction, id, now)?;
            let note = note(transaction, id, before, None)?;
            let update =
                format!("UPDATE {table} SET paused_until = ?2 WHERE id = ?1 AND paused_until > ?2");
            transaction.execute(&update, params![row, UnixMillis(now)])?;
            Ok((before.is_some(), note))
        })
    }

    /// Until when all apps are paused, if they are.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn all_paused_until(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        self.read(|connection| {
            let sql = "SELECT paused_until FROM site WHERE paused_until > ?1";
            let found = connection
                .prepare_cached(sql)?
                .query_row([UnixMillis(now)], |row| row.get::<_, UnixMillis>("paused_until"))
                .optional()?;
            Ok(found.map(|until| until.0))
        })
    }

    /// Leaves out what waits of schedules that are paused: a run that was put off, or is tried
    /// again. Gives how many tasks that were.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn leave_out_paused(&self, now: DateTime<Utc>) -> Result<usize> {
        // Mostly nothing waits: then nothing is written.
        let paused = self.read(|connection| {
            let mut statement = connection.prepare_cached(WAITING)?;
            let apps = statement.query_map([], |row| row.get("app"))?;
            let apps = apps.collect::<rusqlite::Result<Vec<AppId>>>()?;
            let mut paused = Vec::new();
            for id in apps {
                paused.extend(pauses(connection, id)?.until(now).map(|until| (id, until)));
            }
            Ok(paused)
        })?;
        if paused.is_empty() {
            return Ok(0);
        }
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(LEAVE_OUT)?;
            let one = |(id, until)| statement.execute(params![id, UnixMillis(now), reason(until)]);
            Ok(paused.into_iter().map(one).sum::<rusqlite::Result<usize>>()?)
        })
    }

    /// Records that a slot was in a pause.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn pause_slot(
        &self,
        effective: &effective::EffectiveSchedule,
        slot: DateTime<Utc>,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<super::queue::EnqueueResult> {
        self.slot(effective, slot, now, |_| Ok(Some(reason(until))))
    }
}

/// The table and the row that a pause is in.
fn place(id: Option<AppId>) -> (&'static str, i64) {
    id.map_or(("site", 1), |id| ("app", id))
}
