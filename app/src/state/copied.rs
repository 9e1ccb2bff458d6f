//! What was found of restore points in second stores, when they were read back there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::{AppId, TaskId};

/// What was found of a restore point in an app's second store, when it was read back last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopiedPoint {
    /// When the restore point was made.
    pub taken: DateTime<Utc>,
    /// When it was read back.
    pub at: DateTime<Utc>,
    /// The task, whose log may be gone.
    pub task: TaskId,
    /// How many entries are missing or damaged; 0: all of it is there and whole.
    pub errors: u64,
    /// What is wrong, one line.
    pub reason: String,
}

impl State {
    /// Notes what was found of a restore point in a second store; an earlier result is forgotten.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn note_copied(
        &self,
        app: AppId,
        store: &str,
        snapshot: &str,
        copied: &CopiedPoint,
    ) -> Result<()> {
        self.write(|transaction| {
            let sql = "INSERT INTO copied (app, store, snapshot, taken, at, task, errors, reason) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (app, store, snapshot) DO UPDATE SET \
                 taken = excluded.taken, at = excluded.at, task = excluded.task, errors = excluded.errors, reason = excluded.reason";
            let CopiedPoint { taken, at, task, errors, reason } = copied;
            let (taken, at) = (UnixMillis(*taken), UnixMillis(*at));
            let values = params![app, store, snapshot, taken, at, task, errors, reason];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }

    /// What is known of the restore points of an app in this second store, by their whole ids.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn copied_points(&self, app: AppId, store: &str) -> Result<BTreeMap<String, CopiedPoint>> {
        self.read(|connection| {
            let sql = "SELECT snapshot, taken, at, task, errors, reason FROM copied WHERE app = ?1 AND store = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![app, store], |row| {
                let copied = CopiedPoint {
                    taken: row.get::<_, UnixMillis>("taken")?.0,
                    at: row.get::<_, UnixMillis>("at")?.0,
                    task: row.get("task")?,
                    errors: row.get("errors")?,
                    reason: row.get("reason")?,
                };
                Ok((row.get("snapshot")?, copied))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
