//! How the end of a task is written down.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::{Result, StateError};
use super::follow_up;
use super::ids::TaskId;
use super::process::Process;
use super::queue::{OURS, TaskResult, again, not_ours, one_line};
use super::task::{TaskState, load};

impl State {
    /// Ends a task, and queues the check of what it made if its app wants one. With `retry` it is
    /// tried again then, as a new task for the same slot, which is returned; not if somebody has asked
    /// to cancel it.
    ///
    /// # Errors
    ///
    /// The state is not final, or the task is not run by this process.
    pub fn finish(
        &self,
        id: TaskId,
        result: &TaskResult,
        retry: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Option<TaskId>> {
        if !result.state.is_final() {
            return Err(StateError::invalid(format!(
                "task {id}: {} is not a valid end; give a final state",
                result.state
            )));
        }
        self.write(|transaction| {
            end(transaction, self.process(), (id, result), now)?;
            let cancelled = load(transaction, id)?.cancel;
            let Some(next_try) = retry.filter(|_| !cancelled) else { return Ok(None) };
            let verdict = format!("task {id} failed and is tried again");
            again(transaction, id, TaskState::Waiting, Some(next_try), &verdict, now)
        })
    }
}

/// Writes down how a task ended that this process runs, and queues the check of what it made.
pub(super) fn end(
    connection: &Connection,
    process: &Process,
    (id, result): (TaskId, &TaskResult),
    now: DateTime<Utc>,
) -> Result<()> {
    let Process { pid, start, boot, namespace } = process;
    let TaskResult { state, exit, verdict, errors, bytes, snapshot, figures } = result;
    let update = format!(
        "UPDATE task SET state = ?6, ended = ?7, exit = ?8, verdict = ?9, errors = ?10, bytes = ?11, snapshot = ?12, figures = ?13, progress = '' \
         WHERE {OURS}"
    );
    let values = params![
        id,
        pid,
        start,
        boot,
        namespace,
        state,
        UnixMillis(now),
        exit,
        one_line(verdict),
        errors,
        bytes,
        snapshot,
        Json(figures)
    ];
    if connection.prepare_cached(&update)?.execute(values)? == 0 {
        return Err(not_ours(id));
    }
    follow_up::queue_check(connection, id, now)
}
