//! What pages draw of many tasks: few columns of them, each found by an index.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::AppId;
use super::task::TaskState;
use crate::model::DayState;

const BACKUPS: &str = "SELECT app, state, coalesce(started, slot, created) AS at FROM task \
     WHERE kind = 'backup' AND created >= ?1 AND state NOT IN ('queued', 'running', 'waiting', 'cancelled') ORDER BY created";

const SPENT: &str = "SELECT count(*) AS tasks, sum(json_extract(figures, '$.calls')) AS calls, \
     sum(json_extract(figures, '$.waits')) AS waits, sum(json_extract(figures, '$.volume_used_up')) AS used_up, \
     sum(json_extract(figures, '$.read')) AS read FROM task WHERE app = ?1 AND started >= ?2 \
     AND (kind NOT IN ('prune', 'maintenance') OR json_extract(figures, '$.calls') IS NOT NULL)";

/// What tasks cost a drive, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SpentCalls {
    /// How many tasks ran that use the drive.
    pub tasks: u64,
    /// Calls that were made to it, of the tasks of which that is known; `None` if of none.
    pub calls: Option<u64>,
    /// How often it said to wait (429); `None` if of no task that is known.
    pub waits: Option<u64>,
    /// How many tasks were told that the daily volume of downloads is used up; `None` if of no task
    /// that is known.
    pub used_up: Option<u64>,
    /// Bytes of files that came from it, of the tasks of which that is known; `None` if of none.
    pub read: Option<u64>,
}

impl SpentCalls {
    /// With those of another app.
    pub fn and(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
        };
        Self {
            tasks: self.tasks + other.tasks,
            calls: sum(self.calls, other.calls),
            waits: sum(self.waits, other.waits),
            used_up: sum(self.used_up, other.used_up),
            read: sum(self.read, other.read),
        }
    }
}

/// When backups were, and how they went, the oldest first.
pub type PastBackups = Vec<(DateTime<Utc>, DayState)>;

fn day_state(state: TaskState) -> DayState {
    match state {
        TaskState::Succeeded => DayState::Good,
        TaskState::CompletedWithErrors => DayState::Errors,
        TaskState::Failed | TaskState::Interrupted => DayState::Failed,
        TaskState::Missed => DayState::Missed,
        TaskState::Queued | TaskState::Running | TaskState::Waiting | TaskState::Cancelled => {
            DayState::None
        }
    }
}

impl State {
    /// How the backups of all apps went since a time, the oldest first.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn backups_since(&self, since: DateTime<Utc>) -> Result<HashMap<AppId, PastBackups>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(BACKUPS)?;
            let row = |row: &Row<'_>| {
                let at: UnixMillis = row.get("at")?;
                Ok((row.get::<_, AppId>("app")?, at.0, row.get::<_, TaskState>("state")?))
            };
            let mut all: HashMap<AppId, PastBackups> = HashMap::new();
            for found in statement.query_map([UnixMillis(since)], row)? {
                let (app, at, state) = found?;
                all.entry(app).or_default().push((at, day_state(state)));
            }
            Ok(all)
        })
    }

    /// What the tasks of an app that began since a time cost its drive.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn spent_calls(&self, app: AppId, since: DateTime<Utc>) -> Result<SpentCalls> {
        self.read(|connection| {
            let row = |row: &Row<'_>| {
                Ok(SpentCalls {
                    tasks: row.get("tasks")?,
                    calls: row.get("calls")?,
                    waits: row.get("waits")?,
                    used_up: row.get("used_up")?,
                    read: row.get("read")?,
                })
            };
            Ok(connection.prepare_cached(SPENT)?.query_row(params![app, UnixMillis(since)], row)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_draw_is_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        for sql in [BACKUPS, SPENT] {
            let plan = state.explain(sql).unwrap().join("\n");
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }
}
