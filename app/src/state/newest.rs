//! The newest tasks of an app that say how it is doing, each found by an index, whatever lies
//! between.

use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::app;
use super::app::App;
use super::columns::UnixMillis;
use super::database::State;
use super::error::Result;
use super::held::{self, HeldPrune};
use super::ids::AppId;
use super::policy::{self, Policy};
use super::task::{SELECT, Task, TaskKind, from_row};
use crate::model::PolicyPromise;

/// The newest tasks of an app, of those that say something. What was missed or cancelled does not.
#[derive(Clone, Debug, PartialEq)]
pub struct NewestTasks {
    /// What runs now, or is about to.
    pub open: Vec<Task>,
    /// The newest backup that made a restore point, with errors or without.
    pub last: Option<Task>,
    /// The newest backup without errors.
    pub last_success: Option<Task>,
    /// The newest backup that ended, also one that failed or was interrupted.
    pub tried: Option<Task>,
    /// The newest check that came to its end or failed.
    pub check: Option<Task>,
    /// The newest prune of these.
    pub prune: Option<Task>,
    /// The newest maintenance of these.
    pub maintenance: Option<Task>,
    /// The newest restore of these.
    pub restore: Option<Task>,
    /// The newest restore drill of these.
    pub drill: Option<Task>,
    /// The newest restore drill without errors.
    pub proven: Option<Task>,
    /// The newest comparison with the drive of these.
    pub compare: Option<Task>,
    /// The newest copy to a second store that ended, also one that failed or was interrupted.
    pub sync: Option<Task>,
    /// The newest one without errors.
    pub last_sync: Option<Task>,
    /// The restore points that were damaged when they were checked last, by their whole ids.
    pub damaged: Vec<String>,
    /// What policies promise of the app.
    pub promises: Vec<PolicyPromise>,
    /// When its backups ended without errors, as far as they are known; only if anything is
    /// promised.
    pub good_backups: Vec<DateTime<Utc>>,
    /// Tasks from here on are all known.
    pub known_since: DateTime<Utc>,
    /// The change alarms that hold its prunes, the newest first.
    pub held: Vec<HeldPrune>,
}

/// The states of tasks of which the newest is looked for; each has an index of its own, which a
/// statement finds by these very words.
const SUCCEEDED: &str = "state = 'succeeded'";
const MADE: &str = "state IN ('succeeded', 'completed with errors')";
const ENDED: &str = "state IN ('succeeded', 'completed with errors', 'failed')";
const TRIED: &str = "state IN ('succeeded', 'completed with errors', 'failed', 'interrupted')";

pub(super) const OPEN_OF: &str =
    "WHERE app = ?1 AND state IN ('queued', 'running', 'waiting') ORDER BY id";

const DAMAGED: &str = "SELECT snapshot FROM checked WHERE app = ?1 AND errors > 0";

/// How many of an app's newest tasks are there in any case: fewer than its history has.
const SURELY_KEPT_TASKS: u32 = 400;

const GOOD: &str =
    "SELECT ended FROM task WHERE app = ?1 AND kind = 'backup' AND state = 'succeeded'";

const OLDEST_KEPT: &str =
    "SELECT created FROM task WHERE app = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2";

/// A condition for all tasks that are the newest of their app, kind and states: history does not
/// forget them.
pub(super) fn not_the_newest() -> String {
    let newest = |states| format!("SELECT max(id) FROM task WHERE {states} GROUP BY app, kind");
    let all = [SUCCEEDED, MADE, ENDED, TRIED].map(newest);
    format!("id NOT IN ({})", all.join(" UNION ALL "))
}

/// The end of a statement that gives the newest task of an app and kind in these states.
fn newest(states: &str) -> String {
    format!("WHERE app = ?1 AND kind = ?2 AND {states} ORDER BY id DESC LIMIT 1")
}

struct Statements<'a> {
    open: CachedStatement<'a>,
    succeeded: CachedStatement<'a>,
    made: CachedStatement<'a>,
    ended: CachedStatement<'a>,
    tried: CachedStatement<'a>,
    damaged: CachedStatement<'a>,
    good: CachedStatement<'a>,
    oldest: CachedStatement<'a>,
    /// Those that promise something.
    policies: Vec<Policy>,
    held: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn new(connection: &'a Connection) -> Result<Self> {
        let prepare = |end: &str| connection.prepare_cached(&format!("{SELECT} {end}"));
        let mut policies = policy::load_all(connection)?;
        policies.retain(|policy| policy.spec.promise.is_some());
        Ok(Self {
            open: prepare(OPEN_OF)?,
            succeeded: prepare(&newest(SUCCEEDED))?,
            made: prepare(&newest(MADE))?,
            ended: prepare(&newest(ENDED))?,
            tried: prepare(&newest(TRIED))?,
            damaged: connection.prepare_cached(DAMAGED)?,
            good: connection.prepare_cached(GOOD)?,
            oldest: connection.prepare_cached(OLDEST_KEPT)?,
            policies,
            held: connection.prepare_cached(held::HELD)?,
        })
    }

    fn of(&mut self, of: &App) -> Result<NewestTasks> {
        let app = of.id;
        let promises: Vec<PolicyPromise> = self
            .policies
            .iter()
            .filter(|policy| policy.spec.applies_to(of))
            .filter_map(|policy| {
                let since = policy.since.max(policy.promise_since).max(of.since);
                let (policy, promise) = (policy.spec.name.clone(), policy.spec.promise?);
                Some(PolicyPromise { policy, promise, since })
            })
            .collect();
        let instant = |row: &rusqlite::Row<'_>, name: &str| Ok(row.get::<_, UnixMillis>(name)?.0);
        let (mut good_backups, mut known_since) = (Vec::new(), None);
        if !promises.is_empty() {
            let times = self.good.query_map([app], |row| instant(row, "ended"))?;
            good_backups = times.collect::<rusqlite::Result<_>>()?;
            let oldest = params![app, SURELY_KEPT_TASKS - 1];
            let created = self.oldest.query_row(oldest, |row| instant(row, "created"));
            known_since = created.optional()?;
        }
        let one = |statement: &mut CachedStatement<'_>, kind: TaskKind| {
            statement.query_row(params![app, kind], from_row).optional()
        };
        Ok(NewestTasks {
            open: self.open.query_map([app], from_row)?.collect::<rusqlite::Result<_>>()?,
            last: one(&mut self.made, TaskKind::Backup)?,
            last_success: one(&mut self.succeeded, TaskKind::Backup)?,
            tried: one(&mut self.tried, TaskKind::Backup)?,
            check: one(&mut self.ended, TaskKind::Check)?,
            prune: one(&mut self.ended, TaskKind::Prune)?,
            maintenance: one(&mut self.ended, TaskKind::Maintenance)?,
            restore: one(&mut self.ended, TaskKind::Restore)?,
            drill: one(&mut self.ended, TaskKind::Drill)?,
            compare: one(&mut self.ended, TaskKind::Compare)?,
            proven: one(&mut self.succeeded, TaskKind::Drill)?,
            sync: one(&mut self.tried, TaskKind::Sync)?,
            last_sync: one(&mut self.succeeded, TaskKind::Sync)?,
            damaged: self
                .damaged
                .query_map([app], |row| row.get("snapshot"))?
                .collect::<rusqlite::Result<_>>()?,
            promises,
            good_backups,
            known_since: known_since.unwrap_or_default(),
            held: self.held.query_map([app], held::from_row)?.collect::<rusqlite::Result<_>>()?,
        })
    }
}

impl State {
    /// The newest tasks of an app.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn newest_tasks(&self, app: AppId) -> Result<NewestTasks> {
        self.read(|connection| {
            let app = app::load(connection, app)?;
            Statements::new(connection)?.of(&app)
        })
    }

    /// The newest task of a kind that ended without errors.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn last_success(&self, app: AppId, kind: TaskKind) -> Result<Option<Task>> {
        self.read(|connection| {
            let sql = format!("{SELECT} {}", newest(SUCCEEDED));
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row(params![app, kind], from_row).optional()?)
        })
    }

    /// The newest backups of apps that made restore points, of all of them together, newest first.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn newest_points(&self, apps: &[AppId], count: u32) -> Result<Vec<Task>> {
        self.read(|connection| {
            let sql = format!(
                "{SELECT} WHERE app = ?1 AND kind = 'backup' AND {MADE} ORDER BY id DESC LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut points = Vec::new();
            for app in apps {
                let found = statement.query_map(params![app, count], from_row)?;
                points.extend(found.collect::<rusqlite::Result<Vec<Task>>>()?);
            }
            points.sort_by_key(|task| std::cmp::Reverse(task.id));
            points.retain(|task| task.snapshot.is_some());
            points.truncate(count as usize);
            Ok(points)
        })
    }

    /// Every app by name, with its newest tasks.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn overview(&self) -> Result<Vec<(App, NewestTasks)>> {
        self.read(load_overview)
    }
}

pub(super) fn load_overview(connection: &Connection) -> Result<Vec<(App, NewestTasks)>> {
    let mut statements = Statements::new(connection)?;
    let apps = app::load_all(connection)?.into_iter();
    apps.map(|app| statements.of(&app).map(|newest| (app, newest))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_newest_task_is_found_by_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        for (states, index) in [
            (SUCCEEDED, "task_success"),
            (MADE, "task_made"),
            (ENDED, "task_ended"),
            (TRIED, "task_tried"),
        ] {
            let plan = state.explain(&format!("{SELECT} {}", newest(states))).unwrap().join("\n");
            // The rest of it finds the app, by its id.
            assert!(
                plan.starts_with(&format!("SEARCH task USING INDEX {index} (app=? AND kind=?)"))
                    && !plan.contains("SCAN"),
                "{plan}"
            );
        }
        for sql in [GOOD, OLDEST_KEPT] {
            let plan = state.explain(sql).unwrap().join("\n");
            assert!(!plan.contains("SCAN") && !plan.contains("B-TREE"), "{plan}");
        }
        let plan = state.explain(&format!("{SELECT} {OPEN_OF}")).unwrap().join("\n");
        assert!(!plan.contains("SCAN") && !plan.contains("B-TREE"), "{plan}");
    }
}
