//! Tasks whose process is gone.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::TaskId;
use super::task::{SELECT, Task, query};

impl State {
    /// Marks tasks as interrupted whose process is gone, and gives their ids.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn mark_interrupted(&self, now: DateTime<Utc>) -> Result<Vec<TaskId>> {
        let here = self.process();
        let sql = format!("{SELECT} WHERE state = 'running'");
        let is_gone = |task: &Task| match (&task.runner, task.heartbeat) {
            (Some(process), Some(heartbeat)) => !process.is_alive(here, heartbeat, now),
            _ => true,
        };
        if !self.read(|connection| query(connection, &sql, []))?.iter().any(is_gone) {
            return Ok(Vec::new());
        }
        self.write(|transaction| {
            let gone: Vec<TaskId> = query(transaction, &sql, [])?.iter().filter(|task| is_gone(task)).map(|task| task.id).collect();
            for id in &gone {
                let update = "UPDATE task SET state = 'interrupted', ended = ?2, progress = '', \
                     verdict = 'interrupted: the process that ran it ended before it did' WHERE id = ?1";
                transaction.prepare_cached(update)?.execute(params![id, UnixMillis(now)])?;
            }
            Ok(gone)
        })
    }
}
