//! What follows a backup: a check of what it made, if its app wants one.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::ids::{AppId, TaskId};
use super::task::{SELECT, Task, from_row};
use super::{app, policy};

/// A task that is tried again keeps the cause of the first try, which its schedule tells.
const CHECK_OF: &str = "INSERT INTO task (app, kind, cause, state, input, created) \
     SELECT task.app, 'check', CASE task.cause WHEN 'retry' THEN coalesce( \
       (SELECT CASE WHEN schedule.policy IS NULL THEN 'schedule' ELSE 'policy' END FROM schedule WHERE schedule.id = task.schedule), \
       'schedule') ELSE task.cause END, 'queued', json_object('snapshot', task.snapshot), ?2 \
     FROM task JOIN app ON app.id = task.app WHERE task.id = ?1 AND task.kind = 'backup' AND task.snapshot IS NOT NULL \
     AND task.state IN ('succeeded', 'completed with errors') AND (?3 OR coalesce(json_extract(app.protection, '$.check_after_backup'), 0))";

/// Queues the check of what this task made, if it is a backup that made a restore point and its app
/// wants it. In one transaction with the end of the task, so that it is not lost.
pub(super) fn queue_check(connection: &Connection, id: TaskId, now: DateTime<Utc>) -> Result<()> {
    let by_policy = wanted_by_policy(connection, id)?;
    connection.prepare_cached(CHECK_OF)?.execute(params![id, UnixMillis(now), by_policy])?;
    Ok(())
}

/// Whether a policy of the app of this backup wants it to be checked.
fn wanted_by_policy(connection: &Connection, id: TaskId) -> Result<bool> {
    let app: Option<AppId> = connection
        .prepare_cached("SELECT app FROM task WHERE id = ?1 AND kind = 'backup'")?
        .query_row([id], |row| row.get("app"))
        .optional()?;
    let Some(app) = app else { return Ok(false) };
    let app = app::load(connection, app)?;
    let policies = policy::load_all(connection)?;
    let wants =
        |policy: &policy::Policy| policy.spec.check_after_backup && policy.spec.applies_to(&app);
    Ok(policies.iter().any(wants))
}

impl State {
    /// The check that follows a backup, if there is one that has not begun.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn follow_up(&self, backup: &Task) -> Result<Option<Task>> {
        let Some(snapshot) = &backup.snapshot else { return Ok(None) };
        self.read(|connection| {
            let sql = format!(
                "{SELECT} WHERE app = ?1 AND kind = 'check' AND state = 'queued' AND id > ?2 \
                 AND json_extract(input, '$.snapshot') = ?3 ORDER BY id LIMIT 1"
            );
            let values = params![backup.app, backup.id, snapshot];
            Ok(connection.prepare_cached(&sql)?.query_row(values, from_row).optional()?)
        })
    }
}
