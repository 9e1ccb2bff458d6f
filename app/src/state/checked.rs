//! What checks found, by restore point: the newest result of each.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::{AppId, TaskId};

/// What the newest check of a restore point found. In JSON it has its word as `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedPoint {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The task, whose log may be gone.
    pub task: TaskId,
    /// How many entries are damaged; 0: all of it was read and is whole.
    pub errors: u64,
    /// What is damaged, one line.
    pub reason: String,
}

impl CheckedPoint {
    /// Whether it was read whole.
    pub fn is_whole(&self) -> bool {
        self.errors == 0
    }

    /// `verified` or `damaged`.
    pub fn word(&self) -> &'static str {
        if self.is_whole() { "verified" } else { "damaged" }
    }
}

impl Serialize for CheckedPoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("CheckedPoint", 5)?;
        out.serialize_field("state", self.word())?;
        out.serialize_field("at", &self.at)?;
        out.serialize_field("task", &self.task)?;
        out.serialize_field("errors", &self.errors)?;
        out.serialize_field("reason", &self.reason)?;
        out.end()
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<(String, CheckedPoint)> {
    let checked = CheckedPoint {
        at: row.get::<_, UnixMillis>("at")?.0,
        task: row.get("task")?,
        errors: row.get("errors")?,
        reason: row.get("reason")?,
    };
    Ok((row.get("snapshot")?, checked))
}

impl State {
    /// Notes what a check of a restore point found; an earlier result of it is forgotten.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn note_checked(&self, app: AppId, snapshot: &str, checked: &CheckedPoint) -> Result<()> {
        self.write(|transaction| {
            let sql = "INSERT INTO checked (app, snapshot, at, task, errors, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (app, snapshot) DO UPDATE SET at = excluded.at, task = excluded.task, errors = excluded.errors, \
                 reason = excluded.reason";
            let CheckedPoint { at, task, errors, reason } = checked;
            let values = params![app, snapshot, UnixMillis(*at), task, errors, reason];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }

    /// What is known of the restore points of an app, by their whole ids.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn checked_points(&self, app: AppId) -> Result<BTreeMap<String, CheckedPoint>> {
        self.read(|connection| {
            let sql = "SELECT snapshot, at, task, errors, reason FROM checked WHERE app = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([app], from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Forgets results of restore points that are gone from the store.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn forget_checked(&self, app: AppId, gone: &[String]) -> Result<()> {
        self.write(|transaction| {
            let sql = "DELETE FROM checked WHERE app = ?1 AND snapshot = ?2";
            let mut statement = transaction.prepare_cached(sql)?;
            for snapshot in gone {
                statement.execute(params![app, snapshot])?;
            }
            Ok(())
        })
    }
}
