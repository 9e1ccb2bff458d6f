//! What pages show of the tasks, and how long tasks are kept.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params};
use serde::Deserialize;

use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::Result;
use super::ids::{AppId, TaskId};
use super::newest::not_the_newest;
use super::task::{Cause, SELECT, Task, TaskKind, TaskState, load, query};
use crate::model::{Expected, TaskProgress};

/// Maximum number of tasks of one page.
const MAX_PAGE_TASKS: u32 = 500;

/// Which tasks to list, newest first; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskFilter {
    /// Of this app.
    pub app: Option<AppId>,
    /// Of this kind.
    pub kind: Option<TaskKind>,
    /// In this state.
    pub state: Option<TaskState>,
    /// For this reason.
    pub cause: Option<Cause>,
    /// Not before this time.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// Older than this task: the last one of the page before.
    pub before: Option<TaskId>,
    /// Of apps that have this label.
    pub label: Option<String>,
    /// Maximum number of tasks; 50 if not said, never more than 500.
    pub limit: Option<u32>,
}

const EXPECTED: &str = "SELECT progress_detail, bytes FROM task WHERE app = ?1 AND kind = ?2 \
     AND state IN ('succeeded', 'completed with errors') ORDER BY id DESC LIMIT 1";

/// Apps are few: they are gone through.
const LABELLED: &str = "app IN (SELECT app.id FROM app, json_each(app.options, '$.labels') AS label WHERE label.value = ?)";

impl TaskFilter {
    /// The statement and its values. Only the conditions that are wanted are in it: so each
    /// combination finds its index.
    fn statement(&self) -> (String, Vec<Value>) {
        let word = |text: &'static str| Value::Text(text.into());
        let instant = |at: DateTime<Utc>| Value::Integer(at.timestamp_millis());
        let conditions = [
            ("app = ?", self.app.map(Value::Integer)),
            ("kind = ?", self.kind.map(|kind| word(kind.as_str()))),
            ("state = ?", self.state.map(|state| word(state.as_str()))),
            ("cause = ?", self.cause.map(|cause| word(cause.as_str()))),
            ("created >= ?", self.since.map(instant)),
            ("created < ?", self.until.map(instant)),
            ("id < ?", self.before.map(Value::Integer)),
            (LABELLED, self.label.clone().map(Value::Text)),
        ];
        let (mut sql, mut values) = (String::from(SELECT), Vec::new());
        for (condition, value) in conditions {
            let Some(value) = value else { continue };
            sql += if values.is_empty() { " WHERE " } else { " AND " };
            sql += condition;
            values.push(value);
        }
        sql += " ORDER BY id DESC LIMIT ?";
        values.push(Value::Integer(self.limit.unwrap_or(50).min(MAX_PAGE_TASKS).into()));
        (sql, values)
    }
}

impl State {
    /// One task.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn task(&self, id: TaskId) -> Result<Task> {
        self.read(|connection| load(connection, id))
    }

    /// The tasks that a filter lets through, newest first.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        let (sql, values) = filter.statement();
        self.read(|connection| query(connection, &sql, rusqlite::params_from_iter(values)))
    }

    /// How many entries the newest task of a kind had that came to its end, and their bytes: what
    /// the next one may have.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn expected(&self, app: AppId, kind: TaskKind) -> Result<Expected> {
        self.read(|connection| {
            let row = |row: &rusqlite::Row<'_>| {
                let kept: Option<Json<TaskProgress>> = row.get("progress_detail")?;
                let entries = kept.map(|Json(kept)| kept.entries).filter(|entries| *entries > 0);
                Ok(Expected { entries, bytes: row.get("bytes")? })
            };
            let found = connection
                .prepare_cached(EXPECTED)?
                .query_row(params![app, kind], row)
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    /// Removes the history beyond the newest `keep` tasks of each app, and what was made before
    /// `oldest`; never what is open, nor what says how an app is doing: of each kind the newest
    /// without errors, the newest that came to its end, and the newest that ended. Gives how many
    /// tasks were removed, with their logs.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn prune_history(&self, keep: u32, oldest: DateTime<Utc>) -> Result<usize> {
        let removed = self.write(|transaction| {
            let sql = format!(
                "DELETE FROM task WHERE id IN (SELECT id FROM \
                     (SELECT id, created, state, row_number() OVER (PARTITION BY app ORDER BY id DESC) AS place FROM task) \
                     WHERE (place > ?1 OR created < ?2) AND state NOT IN ('queued', 'running', 'waiting')) \
                 AND {} RETURNING id",
                not_the_newest()
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let ids = statement.query_map(params![keep, UnixMillis(oldest)], |row| row.get("id"))?;
            Ok(ids.collect::<rusqlite::Result<Vec<TaskId>>>()?)
        })?;
        self.remove_logs(&removed);
        Ok(removed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::{CLAIMABLE, OPEN, RUNNING};
    use super::*;

    /// A page must not read all tasks, nor sort them.
    #[test]
    fn what_pages_ask_is_answered_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        let check = |what: &str, plan: Vec<String>| {
            for line in &plan {
                let by_rowid_alone = line == "SCAN task" && what == "no filter";
                assert!(
                    by_rowid_alone || !(line.starts_with("SCAN") || line.contains("B-TREE")),
                    "{what}: {plan:?}"
                );
            }
        };
        for (what, sql) in [("open of a kind", OPEN), ("running", RUNNING), ("expected", EXPECTED)]
        {
            check(what, state.explain(sql).unwrap());
        }
        let claim = state.explain(CLAIMABLE).unwrap().join("\n");
        assert!(
            !claim.contains("SCAN")
                && claim.contains("USING INDEX task_state (state=?)")
                && claim.contains("USING INDEX task_one_running (app=?)"),
            "{claim}"
        );
        check("no filter", state.explain(&TaskFilter::default().statement().0).unwrap());
        let (app, kind, state_is) = (Some(1), Some(TaskKind::Backup), Some(TaskState::Failed));
        for (what, filter) in [
            ("app", TaskFilter { app, ..TaskFilter::default() }),
            ("app and kind", TaskFilter { app, kind, ..TaskFilter::default() }),
            ("app and page", TaskFilter { app, before: Some(7), ..TaskFilter::default() }),
            ("kind", TaskFilter { kind, ..TaskFilter::default() }),
            ("state", TaskFilter { state: state_is, ..TaskFilter::default() }),
            (
                "state and kind",
                TaskFilter { state: state_is, kind, before: Some(7), ..TaskFilter::default() },
            ),
        ] {
            check(what, state.explain(&filter.statement().0).unwrap());
        }
    }
}
