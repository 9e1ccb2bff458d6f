//! The wish to cancel a task.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::TaskId;
use super::task::{TaskState, load};

/// What became of the wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelResult {
    /// It had not begun, and will not.
    Now,
    /// It runs; its process was asked to stop.
    Asked,
    /// It was over already.
    Over,
}

impl State {
    /// Cancels a task: at once if it has not begun, else by asking its process.
    ///
    /// # Errors
    ///
    /// There is no such task.
    pub fn cancel(&self, id: TaskId, now: DateTime<Utc>) -> Result<CancelResult> {
        self.write(|transaction| match load(transaction, id)?.state {
            TaskState::Running => {
                transaction.execute("UPDATE task SET cancel = 1 WHERE id = ?1", [id])?;
                Ok(CancelResult::Asked)
            }
            TaskState::Queued | TaskState::Waiting => {
                let update =
                    "UPDATE task SET state = 'cancelled', ended = ?2, next_try = NULL, verdict = 'cancelled before it began' WHERE id = ?1";
                transaction.execute(update, params![id, UnixMillis(now)])?;
                Ok(CancelResult::Now)
            }
            _ => Ok(CancelResult::Over),
        })
    }
}
