//! What a task took of processors and memory: beside the task, as lists do not show it.

use rusqlite::{OptionalExtension, params};

use super::columns::Json;
use super::database::State;
use super::error::{Result, StateError};
use super::ids::TaskId;
use super::process::Process;
use super::queue::OURS;
use crate::model::TaskUsage;

impl State {
    /// Keeps what a task of this process has taken so far; of another process's it keeps nothing.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn note_usage(&self, id: TaskId, usage: &TaskUsage) -> Result<()> {
        let Process { pid, start, boot, namespace } = self.process();
        self.write(|transaction| {
            let sql = format!("UPDATE task SET usage = ?6 WHERE {OURS}");
            let values = params![id, pid, start, boot, namespace, Json(usage)];
            transaction.prepare_cached(&sql)?.execute(values)?;
            Ok(())
        })
    }

    /// What a task took of processors and memory over its run; nothing if that was not measured.
    ///
    /// # Errors
    ///
    /// There is no such task, or the database failed.
    pub fn usage(&self, id: TaskId) -> Result<TaskUsage> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT usage FROM task WHERE id = ?1")?;
            let found = statement
                .query_row([id], |row| row.get::<_, Option<Json<TaskUsage>>>("usage"))
                .optional()?;
            let found =
                found.ok_or_else(|| StateError::NotFound(format!("there is no task {id}")))?;
            Ok(found.map(|Json(usage)| usage).unwrap_or_default())
        })
    }
}
