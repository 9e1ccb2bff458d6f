//! From a slot to its end: every step is one transaction, so that of two processes one does it.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::app;
use super::columns::{Json, UnixMillis};
use super::database::State;
use super::effective::{EffectiveSchedule, SET_HANDLED, ScheduleOrigin};
use super::error::{Result, StateError};
use super::ids::{AppId, TaskId};
use super::lease::Lease;
use super::maintenance;
use super::package_change;
use super::process::Process;
use super::task::load;
use super::task::{Cause, Task, TaskKind, TaskState};
use crate::model::{TaskFigures, TaskProgress};

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnqueueResult {
    /// It is queued as this task.
    Queued(TaskId),
    /// A task of its kind is still open, so it was left out; this task records that.
    Skipped(TaskId),
    /// Somebody else has dealt with it, or changed the schedule.
    Gone,
}

/// A run that somebody asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewTask {
    /// Of this app.
    pub app: AppId,
    /// What to do.
    pub kind: TaskKind,
    /// Why.
    pub cause: Cause,
    /// What exactly, such as the snapshot to restore. No secrets.
    pub input: serde_json::Value,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskResult {
    /// A final state.
    pub state: TaskState,
    /// Plakar's exit status.
    pub exit: Option<i32>,
    /// One line.
    pub verdict: String,
    /// Items that failed.
    pub errors: u64,
    /// Bytes that were read.
    pub bytes: Option<u64>,
    /// The snapshot that was made.
    pub snapshot: Option<String>,
    /// What it came to, in figures.
    pub figures: TaskFigures,
}

/// Maximum wait of a task: a later time was set by a clock that has been set back since.
const MAX_RETRY_WAIT: TimeDelta = TimeDelta::days(1);

const INSERT: &str = "INSERT INTO task (app, kind, cause, state, schedule, slot, input, store, created, verdict, ended) \
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, CASE WHEN ?2 IN ('backup', 'prune', 'maintenance', 'drill') THEN app.store WHEN ?2 = 'sync' THEN app.second_store END, ?8, ?9, ?10 FROM app WHERE app.id = ?1 \
     ON CONFLICT DO NOTHING";

/// A drill reads the store that its app has by then.
const RUN: &str = "UPDATE task SET store = CASE kind WHEN 'drill' THEN (SELECT app.store FROM app WHERE app.id = task.app) ELSE store END, \
     state = 'running', started = coalesce(started, ?2), heartbeat = ?2, next_try = NULL, verdict = '', \
     progress = '', progress_detail = NULL, usage = NULL, pid = ?3, process_start = ?4, boot = ?5, namespace = ?6 WHERE id = ?1";

/// The task's row, if this process runs it, or did so until another took it for gone.
pub(super) const OURS: &str = "id = ?1 AND state IN ('running', 'interrupted') AND pid = ?2 AND process_start = ?3 AND boot = ?4 AND namespace = ?5";

/// The open task of an app and kind.
pub(super) const OPEN: &str = "SELECT id, state FROM task WHERE app = ?1 AND kind = ?2 AND state IN ('queued', 'running', 'waiting') LIMIT 1";

pub(super) const RUNNING: &str =
    "SELECT id, kind FROM task WHERE app = ?1 AND state = 'running' AND kind <> 'test'";

/// A drill has a store, and writes nothing to it.
pub(super) const CLAIMABLE: &str = "SELECT id FROM task WHERE state IN ('queued', 'waiting') \
     AND (next_try IS NULL OR next_try <= ?1 OR next_try > ?2) AND (?3 IS NULL OR app = ?3) AND (?5 IS NULL OR id = ?5) \
     AND (kind = 'test' OR NOT EXISTS (SELECT 1 FROM task other WHERE other.app = task.app AND other.state = 'running' AND other.kind <> 'test')) \
     AND (NOT ?4 OR store IS NULL OR kind = 'drill' OR NOT EXISTS (SELECT 1 FROM task other WHERE other.state = 'running' AND other.kind <> 'drill' AND other.store = task.store)) \
     AND (kind = 'test' OR NOT EXISTS (SELECT 1 FROM task other JOIN app theirs ON theirs.id = other.app JOIN app ours ON ours.id = task.app \
       WHERE other.state = 'running' AND other.kind <> 'test' AND (task.kind = 'maintenance' OR other.kind = 'maintenance') \
       AND (rtrim(ltrim(theirs.store, '@'), '/') = rtrim(ltrim(ours.store, '@'), '/') \
         OR (task.kind = 'sync' AND rtrim(ltrim(theirs.store, '@'), '/') = rtrim(ltrim(ours.second_store, '@'), '/')) \
         OR (other.kind = 'sync' AND rtrim(ltrim(theirs.second_store, '@'), '/') = rtrim(ltrim(ours.store, '@'), '/'))))) \
     ORDER BY id LIMIT 1";

/// A task that somebody ends by its id, without a job: it counts as seen to as long as this process
/// lives.
fn kept((task, lease): (Task, Lease)) -> Task {
    lease.keep();
    task
}

pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

impl State {
    /// Queues the task of a slot, unless any process has done so before. While a task of the same
    /// kind is open the slot is left out, which a missed task records; while one of another kind
    /// runs it waits in the queue.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn enqueue_slot(
        &self,
        effective: &EffectiveSchedule,
        slot: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<EnqueueResult> {
        let (app, kind) = (effective.app, effective.schedule.spec.kind);
        self.slot(effective, slot, now, |connection| {
            let open = connection
                .prepare_cached(OPEN)?
                .query_row(params![app, kind], |row| Ok((row.get("id")?, row.get("state")?)))
                .optional()?;
            Ok(open.map(|(id, state): (TaskId, TaskState)| {
                format!("left out: task {id} ({kind}) is still {state}")
            }))
        })
    }

    /// Records that a slot was missed, for a schedule that does not catch up.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn miss_slot(
        &self,
        effective: &EffectiveSchedule,
        slot: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<EnqueueResult> {
        self.slot(effective, slot, now, |_| {
            Ok(Some(
                "missed: nothing ran the schedule at that time, and it does not catch up".into(),
            ))
        })
    }

    pub(super) fn slot(
        &self,
        effective: &EffectiveSchedule,
        slot: DateTime<Utc>,
        now: DateTime<Utc>,
        obstacle: impl FnOnce(&Connection) -> Result<Option<String>>,
    ) -> Result<EnqueueResult> {
        let (app, schedule, kind) =
            (effective.app, &effective.schedule, effective.schedule.spec.kind);
        self.write(|transaction| {
            let current = "SELECT coalesce((SELECT slot FROM handled WHERE app = ?1 AND schedule = ?2) < ?4, true) AS is_open FROM schedule \
                 WHERE id = ?2 AND revision = ?3 AND enabled AND EXISTS (SELECT 1 FROM app WHERE id = ?1)";
            let values = params![app, schedule.id, schedule.revision, UnixMillis(slot)];
            if transaction.prepare_cached(current)?.query_row(values, |row| row.get("is_open")).optional()? != Some(true) {
                return Ok(EnqueueResult::Gone);
            }
            transaction.prepare_cached(SET_HANDLED)?.execute(params![app, schedule.id, UnixMillis(slot)])?;
            let verdict = obstacle(transaction)?;
            let cause = if effective.origin == ScheduleOrigin::App { Cause::Schedule } else { Cause::Policy };
            let (state, ended) = match verdict {
                Some(_) => (TaskState::Missed, Some(UnixMillis(now))),
                None => (TaskState::Queued, None),
            };
            let left_out = verdict.is_some();
            let values =
                params![app, kind, cause, state, schedule.id, UnixMillis(slot), "{}", UnixMillis(now), verdict.unwrap_or_default(), ended];
            if transaction.prepare_cached(INSERT)?.execute(values)? == 0 {
                return Ok(EnqueueResult::Gone);
            }
            let id = transaction.last_insert_rowid();
            Ok(if left_out { EnqueueResult::Skipped(id) } else { EnqueueResult::Queued(id) })
        })
    }

    /// Starts a run that somebody asks for; this process runs it, until it ends it or ends itself. For
    /// tests; `Scheduler` uses the leased one.
    ///
    /// # Errors
    ///
    /// Another task of the app runs, or there is no such app.
    pub fn begin(&self, new: &NewTask, now: DateTime<Utc>) -> Result<Task> {
        self.begin_leased(new, now).map(kept)
    }

    /// The same, for somebody who sees to the task as long as the lease lives.
    ///
    /// # Errors
    ///
    /// As [`State::begin`].
    pub(crate) fn begin_leased(&self, new: &NewTask, now: DateTime<Utc>) -> Result<(Task, Lease)> {
        self.write(|transaction| {
            let app = app::load(transaction, new.app)?;
            let running = transaction
                .prepare_cached(RUNNING)?
                .query_row([new.app], |row| Ok((row.get("id")?, row.get("kind")?)))
                .optional()?;
            if let Some((id, kind)) = running.filter(|_| new.kind != TaskKind::Test) {
                let (id, kind): (TaskId, TaskKind) = (id, kind);
                let name = app.spec.name;
                return Err(StateError::Busy(format!(
                    "app {name}: task {id} ({kind}) is running; wait for its end, or cancel it"
                )));
            }
            package_change::not_during(transaction, self.process(), now)?;
            maintenance::not_beside(transaction, new.app, new.kind)?;
            let none = None::<i64>;
            let values = params![
                new.app,
                new.kind,
                new.cause,
                TaskState::Queued,
                none,
                none,
                Json(&new.input),
                UnixMillis(now),
                "",
                none
            ];
            transaction.prepare_cached(INSERT)?.execute(values)?;
            self.run(transaction, transaction.last_insert_rowid(), now)
        })
    }

    /// Takes the oldest queued task that may run now, of all or of an app; from then on this process
    /// runs it, until it ends it or ends itself. For tests; `Scheduler` uses the leased one.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn claim(
        &self,
        only: Option<AppId>,
        one_writer_per_store: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Task>> {
        Ok(self.claim_leased(only, None, one_writer_per_store, now)?.map(kept))
    }

    /// Takes this task, if it is queued and may run now; from then on this process runs it, until it
    /// ends it or ends itself. For tests; `Scheduler` uses the leased one.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn claim_task(
        &self,
        id: TaskId,
        one_writer_per_store: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Task>> {
        Ok(self.claim_leased(None, Some(id), one_writer_per_store, now)?.map(kept))
    }

    /// Takes the oldest queued task that may run now, of all or of an app, or this one alone, for
    /// somebody who sees to it as long as the lease lives.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub(crate) fn claim_leased(
        &self,
        only: Option<AppId>,
        task: Option<TaskId>,
        one_writer_per_store: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<(Task, Lease)>> {
        self.write(|transaction| {
            if package_change::is_on(transaction, self.process(), now)? {
                return Ok(None);
            }
            let latest = UnixMillis(now + MAX_RETRY_WAIT);
            let values = params![UnixMillis(now), latest, only, one_writer_per_store, task];
            let id = transaction
                .prepare_cached(CLAIMABLE)?
                .query_row(values, |row| row.get("id"))
                .optional()?;
            id.map(|id| self.run(transaction, id, now)).transpose()
        })
    }

    /// Makes a task one that this process runs. Its lease is there before anybody can see that it runs,
    /// and goes if the change is not committed.
    fn run(
        &self,
        connection: &Connection,
        id: TaskId,
        now: DateTime<Utc>,
    ) -> Result<(Task, Lease)> {
        let lease = Lease::of(self.directory(), id);
        let Process { pid, start, boot, namespace } = self.process();
        let values = params![id, UnixMillis(now), pid, start, boot, namespace];
        connection.prepare_cached(RUN)?.execute(values)?;
        Ok((load(connection, id)?, lease))
    }

    /// Says that this process still runs a task, and how far it is (`None`: as before). Tells
    /// whether somebody asked to cancel it.
    ///
    /// # Errors
    ///
    /// The task is no longer this process's.
    pub fn heartbeat(
        &self,
        id: TaskId,
        progress: Option<&TaskProgress>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let Process { pid, start, boot, namespace } = self.process();
        let (line, detail) =
            (progress.map(|progress| one_line(&progress.line())), progress.map(Json));
        self.write(|transaction| {
            let update = format!(
                "UPDATE task SET heartbeat = ?6, progress = coalesce(?7, progress), progress_detail = coalesce(?8, progress_detail) \
                 WHERE {OURS} RETURNING cancel"
            );
            let values = params![id, pid, start, boot, namespace, UnixMillis(now), line, detail];
            let cancel = transaction.prepare_cached(&update)?.query_row(values, |row| row.get("cancel")).optional()?;
            cancel.ok_or_else(|| not_ours(id))
        })
    }

    /// Puts a task back until `next_try`: the store is locked. Gives `false`, and does nothing, if
    /// somebody has asked to cancel it.
    ///
    /// # Errors
    ///
    /// The task is not run by this process.
    pub fn wait(&self, id: TaskId, next_try: DateTime<Utc>, verdict: &str) -> Result<bool> {
        let Process { pid, start, boot, namespace } = self.process();
        self.write(|transaction| {
            if load(transaction, id)?.cancel {
                return Ok(false);
            }
            let update = format!(
                "UPDATE task SET state = 'waiting', next_try = ?6, verdict = ?7, progress = '', ended = NULL, pid = NULL, process_start = NULL, \
                 boot = NULL, namespace = NULL WHERE {OURS}"
            );
            let values = params![id, pid, start, boot, namespace, UnixMillis(next_try), one_line(verdict)];
            match transaction.prepare_cached(&update)?.execute(values)? {
                0 => Err(not_ours(id)),
                _ => Ok(true),
            }
        })
    }
}

/// The slot of a task once more, as a new task; none if its next attempt is there already.
pub(super) fn again(
    connection: &Connection,
    id: TaskId,
    state: TaskState,
    next_try: Option<DateTime<Utc>>,
    verdict: &str,
    now: DateTime<Utc>,
) -> Result<Option<TaskId>> {
    let sql = "INSERT INTO task (app, kind, cause, state, schedule, slot, attempt, input, store, created, next_try, verdict) \
         SELECT app, kind, ?2, ?3, schedule, slot, attempt + 1, input, store, ?4, ?5, ?6 FROM task WHERE id = ?1 \
         ON CONFLICT DO NOTHING";
    let values =
        params![id, Cause::Retry, state, UnixMillis(now), next_try.map(UnixMillis), verdict];
    let added = connection.prepare_cached(sql)?.execute(values)?;
    Ok((added > 0).then(|| connection.last_insert_rowid()))
}

pub(super) fn not_ours(id: TaskId) -> StateError {
    StateError::Conflict(format!("task {id} is not run by this process"))
}
