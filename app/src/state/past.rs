//! What past backups of an app took.

use rusqlite::params;

use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::Result;
use super::ids::AppId;
use crate::model::{PastBackup, TaskFigures};

/// Maximum number of backups that an estimate goes by.
const MAX_PAST_BACKUPS: u32 = 5;

/// By the index that the newest backup is found by, too.
const PAST: &str = "SELECT started, ended, bytes, figures FROM task WHERE app = ?1 AND kind = 'backup' \
     AND state IN ('succeeded', 'completed with errors') ORDER BY id DESC LIMIT ?2";

impl State {
    /// What the last backups of an app took, the newest first.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn past_backups(&self, app: AppId) -> Result<Vec<PastBackup>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(PAST)?;
            let backups = statement.query_map(params![app, MAX_PAST_BACKUPS], |row| {
                let instant = |name: &str| row.get::<_, Option<UnixMillis>>(name);
                let took = instant("started")?.zip(instant("ended")?);
                let figures: Json<TaskFigures> = row.get("figures")?;
                Ok(PastBackup {
                    took: took.map(|(from, to)| to.0 - from.0),
                    bytes: row.get("bytes")?,
                    files: figures.0.files,
                    folders: figures.0.folders,
                    calls: figures.0.calls,
                })
            })?;
            Ok(backups.collect::<rusqlite::Result<_>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_backups_are_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        let plan = state.explain(PAST).unwrap().join("\n");
        assert!(plan.contains("task_made") && !plan.contains("SCAN"), "{plan}");
    }
}
