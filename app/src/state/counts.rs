//! How many tasks there are.

use super::database::State;
use super::error::Result;
use super::ids::AppId;
use super::task::{TaskKind, TaskState};

/// So many tasks of an app are of a kind and in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskCount {
    /// Of this app.
    pub app: AppId,
    /// Of this kind.
    pub kind: TaskKind,
    /// In this state.
    pub state: TaskState,
    /// So many.
    pub count: u64,
}

impl State {
    /// How many tasks are kept, by app, kind and state.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn task_counts(&self) -> Result<Vec<TaskCount>> {
        self.read(|connection| {
            let sql = "SELECT app, kind, state, count(*) AS count FROM task GROUP BY app, kind, state ORDER BY app, kind, state";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(TaskCount {
                    app: row.get("app")?,
                    kind: row.get("kind")?,
                    state: row.get("state")?,
                    count: row.get("count")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
