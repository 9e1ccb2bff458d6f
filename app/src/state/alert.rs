//! Of what somebody was told: judged and written down in one transaction, so that of several
//! processes one tells it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::app::App;
use super::columns::{Json, UnixMillis};
use super::database::State;
use super::delivery::{self, NewMessage};
use super::effective::{self, EffectiveSchedule};
use super::error::{Result, StateError};
use super::ids::AppId;
use super::newest::{self, NewestTasks};
use crate::model::{EventKind, OpenAlert};

/// All that an app is judged by.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The app.
    pub app: App,
    /// Its newest tasks.
    pub tasks: NewestTasks,
    /// Of what somebody was told.
    pub open: Vec<OpenAlert>,
}

impl State {
    /// Has each app judged, or one; what is told of it, and what lasts, is written down. Gives how many
    /// messages there are more.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn judge(
        &self,
        only: Option<AppId>,
        now: DateTime<Utc>,
        mut judge: impl FnMut(&Judged, &[EffectiveSchedule]) -> (Vec<NewMessage>, Vec<OpenAlert>),
    ) -> Result<usize> {
        self.write(|transaction| {
            let schedules = effective::load(transaction, only)?;
            let mut messages = 0;
            for (app, tasks) in newest::load_overview(transaction)? {
                if only.is_some_and(|id| id != app.id) {
                    continue;
                }
                let open = open(transaction, app.id)?;
                let judged = Judged { app, tasks, open };
                let (told, lasting) = judge(&judged, &schedules);
                if lasting != judged.open {
                    keep(transaction, judged.app.id, &lasting)?;
                }
                for message in &told {
                    delivery::add(transaction, message, now)?;
                }
                messages += told.len();
            }
            Ok(messages)
        })
    }

    /// Of what somebody was told, by app.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn open_alerts(&self, app: AppId) -> Result<Vec<OpenAlert>> {
        self.read(|connection| open(connection, app))
    }
}

fn open(connection: &Connection, app: AppId) -> Result<Vec<OpenAlert>> {
    let sql = "SELECT kind, since, told, marks FROM alert WHERE app = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([app], |row| {
        let (kind, marks): (String, Json<BTreeSet<String>>) = (row.get("kind")?, row.get("marks")?);
        let (since, told): (UnixMillis, UnixMillis) = (row.get("since")?, row.get("told")?);
        Ok((kind, since.0, told.0, marks.0))
    })?;
    let mut open = Vec::new();
    for row in rows {
        let (kind, since, told, marks) = row?;
        let kind: EventKind = kind.parse().map_err(StateError::Invalid)?;
        open.push(OpenAlert { kind, since, told, marks });
    }
    open.sort_by_key(|alert| alert.kind);
    Ok(open)
}

fn keep(connection: &Connection, app: AppId, lasting: &[OpenAlert]) -> Result<()> {
    connection.prepare_cached("DELETE FROM alert WHERE app = ?1")?.execute([app])?;
    let sql = "INSERT INTO alert (app, kind, since, told, marks) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = connection.prepare_cached(sql)?;
    for OpenAlert { kind, since, told, marks } in lasting {
        let (since, told) = (UnixMillis(*since), UnixMillis(*told));
        insert.execute(params![app, kind.as_str(), since, told, Json(marks)])?;
    }
    Ok(())
}
