//! From which restore point on the change alarm has looked at the changes of an app.

use rusqlite::{OptionalExtension, params};

use super::database::State;
use super::error::Result;
use super::ids::AppId;

impl State {
    /// The whole id of the restore point that the next one of an app is compared with; none of an
    /// app of which none was compared yet. It may be gone from the store.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn alarm_baseline(&self, app: AppId) -> Result<Option<String>> {
        self.read(|connection| {
            let sql = "SELECT snapshot FROM alarm_baseline WHERE app = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([app], |row| row.get("snapshot")).optional()?)
        })
    }

    /// Notes the restore point that the next one of an app is compared with.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn note_alarm_baseline(&self, app: AppId, snapshot: &str) -> Result<()> {
        self.write(|transaction| {
            let sql = "INSERT INTO alarm_baseline (app, snapshot) VALUES (?1, ?2) \
                 ON CONFLICT (app) DO UPDATE SET snapshot = excluded.snapshot";
            transaction.prepare_cached(sql)?.execute(params![app, snapshot])?;
            Ok(())
        })
    }
}
