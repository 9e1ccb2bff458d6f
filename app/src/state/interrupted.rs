//! Tasks whose process is gone, has given them up, or was told to end.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::UnixMillis;
use super::database::State;
use super::ended::end;
use super::error::Result;
use super::ids::TaskId;
use super::lease::is_held;
use super::process::{Process, is_recent};
use super::queue::{OPEN, TaskResult, again};
use super::task::{SELECT, Task, TaskState, load, query};

/// An earlier attempt of a slot that was interrupted.
const INTERRUPTED_BEFORE: &str = "SELECT 1 AS before FROM task WHERE app = ?1 AND schedule = ?2 AND slot = ?3 AND attempt < ?4 \
     AND state = 'interrupted' LIMIT 1";

/// The verdict on a task whose process is gone.
const PROCESS_GONE: &str = "interrupted: the process that ran it ended before it did";

/// The verdict on a task that this very process ran. How it went nobody knows any more.
const GIVEN_UP: &str =
    "interrupted: the process that ran it could not go on with it, or not write down how it ended";

impl State {
    /// Marks tasks as interrupted whose process is gone, and those that this process has given up, and
    /// gives their ids. Those of a schedule are queued once more; a slot that is interrupted again is
    /// left at that, as whatever ends the process may be the task itself.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn mark_interrupted(&self, now: DateTime<Utc>) -> Result<Vec<TaskId>> {
        let sql = format!("{SELECT} WHERE state = 'running'");
        let is_gone = |task: &Task| !self.is_seen_to(task, now);
        if !self.read(|connection| query(connection, &sql, []))?.iter().any(is_gone) {
            return Ok(Vec::new());
        }
        self.write(|transaction| {
            let mut gone = query(transaction, &sql, [])?;
            gone.retain(is_gone);
            for task in &gone {
                let update = "UPDATE task SET state = 'interrupted', ended = ?2, progress = '', verdict = ?3 \
                     WHERE id = ?1";
                let values = params![task.id, UnixMillis(now), self.why_gone(task)];
                transaction.prepare_cached(update)?.execute(values)?;
                once_more(transaction, task, now)?;
            }
            Ok(gone.iter().map(|task| task.id).collect())
        })
    }

    /// Whether somebody sees to a task that runs, as far as this process can tell.
    fn is_seen_to(&self, task: &Task, now: DateTime<Utc>) -> bool {
        let (Some(process), Some(heartbeat)) = (&task.runner, task.heartbeat) else { return false };
        let here = self.process();
        if process != here {
            return process.is_alive(here, heartbeat, now);
        }
        // It may be another one's that looks the same.
        let may_be_anothers = !process.is_unique() && is_recent(heartbeat, now);
        is_held(self.directory(), task.id) || may_be_anothers
    }

    /// Whether this process ran a task and sees to it no more, though it is written down as running:
    /// how it ended could not be written down.
    ///
    /// # Errors
    ///
    /// There is no such task.
    pub fn is_given_up(&self, id: TaskId) -> Result<bool> {
        self.read(|connection| {
            // With the connection in hand: nobody here writes an end down meanwhile.
            let task = load(connection, id)?;
            let is_ours = task.runner.as_ref() == Some(self.process());
            Ok(task.state == TaskState::Running && is_ours && !is_held(self.directory(), id))
        })
    }

    /// What is said of a task that nobody sees to.
    fn why_gone(&self, task: &Task) -> &'static str {
        let is_ours = |process: &Process| process == self.process() && process.is_unique();
        if task.runner.as_ref().is_some_and(is_ours) { GIVEN_UP } else { PROCESS_GONE }
    }

    /// Ends a task that this process ran until it was told to end itself: as interrupted, and its slot
    /// is queued once more, which is returned, as that of a process that is gone. If somebody has asked
    /// to cancel the task, it is cancelled.
    ///
    /// # Errors
    ///
    /// The task is not run by this process.
    pub fn interrupt(
        &self,
        id: TaskId,
        result: &TaskResult,
        now: DateTime<Utc>,
    ) -> Result<Option<TaskId>> {
        self.write(|transaction| {
            let task = load(transaction, id)?;
            let (state, verdict) = match task.cancel {
                true => (TaskState::Cancelled, "cancelled".to_owned()),
                false => (TaskState::Interrupted, result.verdict.clone()),
            };
            let result = TaskResult { state, verdict, ..result.clone() };
            end(transaction, self.process(), (id, &result), now)?;
            once_more(transaction, &task, now)
        })
    }
}

/// Queues the slot of an interrupted task again, unless it was interrupted before or a task of its
/// kind is open, which does the same work.
fn once_more(connection: &Connection, task: &Task, now: DateTime<Utc>) -> Result<Option<TaskId>> {
    let (Some(schedule), Some(slot)) = (task.schedule, task.slot) else { return Ok(None) };
    let values = params![task.app, schedule, UnixMillis(slot), task.attempt];
    let mut before = connection.prepare_cached(INTERRUPTED_BEFORE)?;
    let mut open = connection.prepare_cached(OPEN)?;
    if before.query_row(values, |_| Ok(())).optional()?.is_some()
        || open.query_row(params![task.app, task.kind], |_| Ok(())).optional()?.is_some()
        || task.cancel
    {
        return Ok(None);
    }
    let verdict = format!("task {} was interrupted and is run once more", task.id);
    again(connection, task.id, TaskState::Queued, None, &verdict, now)
}
