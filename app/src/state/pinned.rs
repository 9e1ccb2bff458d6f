//! Restore points that no prune removes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::app;
use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::AppId;
use super::setting_change::{ChangeAction, ChangeNote, ChangeSubject};

/// What a prune of an app has to know of its restore points, each by its whole id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruning {
    /// Those that are pinned.
    pub pinned: BTreeSet<String>,
    /// Those that are damaged.
    pub damaged: BTreeSet<String>,
    /// The newest one that the change alarm has compared.
    pub baseline: Option<String>,
}

fn note(
    connection: &Connection,
    id: AppId,
    snapshot: &str,
    action: ChangeAction,
) -> Result<ChangeNote> {
    let short: String = snapshot.chars().take(8).collect();
    let name = format!("restore point {short} of {}", app::load(connection, id)?.spec.name);
    let subject = ChangeSubject::Pin;
    Ok(ChangeNote { subject, action, name, app: Some(id), fields: Vec::new() })
}

impl State {
    /// What a prune of an app has to know of its restore points.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn pruning(&self, app: AppId) -> Result<Pruning> {
        let checked = self.checked_points(app)?.into_iter();
        let damaged = checked.filter(|(_, checked)| !checked.is_whole()).map(|(id, _)| id);
        Ok(Pruning {
            pinned: self.pinned(app)?.into_keys().collect(),
            damaged: damaged.collect(),
            baseline: self.alarm_baseline(app)?,
        })
    }

    /// Pins a restore point of an app; one that is pinned already stays so.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn pin(&self, app: AppId, snapshot: &str, now: DateTime<Utc>) -> Result<()> {
        self.change(|transaction| {
            let note = note(transaction, app, snapshot, ChangeAction::Added)?;
            let sql =
                "INSERT INTO pinned (app, snapshot, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let values = params![app, snapshot, UnixMillis(now)];
            let is_new = transaction.prepare_cached(sql)?.execute(values)? > 0;
            Ok(((), is_new.then_some(note)))
        })
    }

    /// Leaves a restore point to prunes again. Gives whether it was pinned.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn unpin(&self, app: AppId, snapshot: &str) -> Result<bool> {
        self.change(|transaction| {
            let sql = "DELETE FROM pinned WHERE app = ?1 AND snapshot = ?2";
            if transaction.prepare_cached(sql)?.execute(params![app, snapshot])? == 0 {
                return Ok((false, None));
            }
            Ok((true, Some(note(transaction, app, snapshot, ChangeAction::Removed)?)))
        })
    }

    /// The pinned restore points of an app, by their whole ids.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn pinned(&self, app: AppId) -> Result<BTreeMap<String, DateTime<Utc>>> {
        self.read(|connection| {
            let sql = "SELECT snapshot, at FROM pinned WHERE app = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([app], |row| {
                Ok((row.get("snapshot")?, row.get::<_, UnixMillis>("at")?.0))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
