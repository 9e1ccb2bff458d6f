//! Backups that were made before this state knew of their app.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::AppId;
use super::task::{Cause, TaskKind, TaskState};

/// A restore point that something outside made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalBackup {
    /// Its whole id.
    pub snapshot: String,
    /// When it was begun.
    pub started: DateTime<Utc>,
    /// When it was ready.
    pub ended: DateTime<Utc>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Entries that failed.
    pub errors: u64,
}

impl State {
    /// Records a backup that was not made from here, as the newest one of its app.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn record_external(&self, app: AppId, backup: &ExternalBackup) -> Result<()> {
        let state =
            if backup.errors == 0 { TaskState::Succeeded } else { TaskState::CompletedWithErrors };
        self.write(|transaction| {
            let sql = "INSERT INTO task (app, kind, cause, state, input, store, created, started, ended, verdict, errors, bytes, snapshot) \
                 SELECT id, ?2, ?3, ?4, '{}', store, ?5, ?5, ?6, 'it was made before the app was taken over', ?7, ?8, ?9 FROM app WHERE id = ?1";
            let ExternalBackup { snapshot, started, ended, bytes, errors } = backup;
            let (kind, cause) = (TaskKind::Backup, Cause::External);
            let (started, ended) = (UnixMillis(*started), UnixMillis(*ended));
            let values = params![app, kind, cause, state, started, ended, errors, bytes, snapshot];
            transaction.execute(sql, values)?;
            Ok(())
        })
    }
}
