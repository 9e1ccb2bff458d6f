//! Tasks: every run, past, present or to come.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;

use super::columns::{Json, UnixMillis, words};
use super::error::{Result, StateError};
use super::ids::{AppId, ScheduleId, TaskId};
use super::process::Process;
use crate::model::{TaskFigures, TaskProgress};

words! {
    /// What a task does.
    TaskKind, "kind of task" {
        /// Makes a snapshot.
        Backup = "backup",
        /// Checks snapshots in the store.
        Check = "check",
        /// Removes snapshots that the retention does not keep.
        Prune = "prune",
        /// Writes a snapshot, or a part, to a destination.
        Restore = "restore",
        /// Tests the connection.
        Test = "test",
        /// Frees the space in the store that nothing needs any more.
        Maintenance = "maintenance",
        /// Restores some files of the newest snapshot to a folder that goes, and compares them.
        Drill = "drill",
        /// Compares the drive with the newest snapshot, by a listing and by MD5.
        Compare = "compare",
        /// Copies snapshots to the app's second store.
        Sync = "sync",
    }
}

words! {
    /// Why a task runs.
    Cause, "cause" {
        /// Somebody asked for it.
        Manual = "manual",
        /// A schedule of the app.
        Schedule = "schedule",
        /// A scheduled task failed before.
        Retry = "retry",
        /// A schedule of a policy.
        Policy = "policy",
        /// Something outside recorded it.
        External = "external",
    }
}

words! {
    /// How far a task is.
    TaskState, "state" {
        /// Its time has come.
        Queued = "queued",
        /// A process is at it.
        Running = "running",
        /// It is tried again at a later time.
        Waiting = "waiting",
        /// All went well.
        Succeeded = "succeeded",
        /// It came to its end, and some items failed.
        CompletedWithErrors = "completed with errors",
        /// It did not do what it should.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// Its process ended before it did, or was told to end.
        Interrupted = "interrupted",
        /// Its time passed without a run; the verdict says why.
        Missed = "missed",
    }
}

impl TaskState {
    /// Whether nothing more comes.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Waiting)
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Whose it is.
    pub app: AppId,
    /// What it does.
    pub kind: TaskKind,
    /// Why.
    pub cause: Cause,
    /// How far it is.
    pub state: TaskState,
    /// The schedule that caused it, which may be gone.
    pub schedule: Option<ScheduleId>,
    /// The scheduled time that it stands for.
    pub slot: Option<DateTime<Utc>>,
    /// 1, or more for a retry.
    pub attempt: u32,
    /// What it was asked, such as the snapshot to restore. No secrets.
    pub input: serde_json::Value,
    /// What it does, from where and to where, one line.
    pub about: String,
    /// The store that it writes to; of a restore drill the one that it reads.
    pub store: Option<String>,
    /// When it was queued.
    pub created: DateTime<Utc>,
    /// When it first ran.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// When it is tried again.
    pub next_try: Option<DateTime<Utc>>,
    /// The process that runs it or did.
    #[serde(skip)]
    pub runner: Option<Process>,
    /// When that was last heard.
    pub heartbeat: Option<DateTime<Utc>>,
    /// Whether somebody asked to cancel it.
    pub cancel: bool,
    /// Plakar's exit status.
    pub exit: Option<i32>,
    /// How it ended or why it waits, one line.
    pub verdict: String,
    /// Items that failed.
    pub errors: u64,
    /// Bytes that were read.
    pub bytes: Option<u64>,
    /// The snapshot that it made.
    pub snapshot: Option<String>,
    /// How far it is, one line.
    pub progress: String,
    /// The same as values, while it runs.
    pub progress_detail: Option<TaskProgress>,
    /// What it came to, in figures.
    pub figures: TaskFigures,
}

pub(super) const SELECT: &str = "SELECT id, app, kind, cause, state, schedule, slot, attempt, input, store, created, \
     started, ended, next_try, pid, process_start, boot, namespace, heartbeat, cancel, exit, verdict, errors, bytes, snapshot, progress, progress_detail, figures, \
     (SELECT name FROM app WHERE app.id = task.app) AS app_name, (SELECT protocol FROM app WHERE app.id = task.app) AS app_protocol, \
     (SELECT store FROM app WHERE app.id = task.app) AS app_store, \
     (SELECT second_store FROM app WHERE app.id = task.app) AS app_second_store FROM task";

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Task> {
    let instant = |name: &str| {
        row.get::<_, Option<UnixMillis>>(name).map(|instant| instant.map(|UnixMillis(at)| at))
    };
    let runner = match row.get("pid")? {
        Some(pid) => Some(Process {
            pid,
            start: row.get("process_start")?,
            boot: row.get("boot")?,
            namespace: row.get("namespace")?,
        }),
        None => None,
    };
    let (kind, state) = (row.get("kind")?, row.get("state")?);
    let input = row.get::<_, Json<serde_json::Value>>("input")?.0;
    let text = |name: &str| row.get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let (name, protocol, store) =
        (text("app_name")?, text("app_protocol")?, row.get::<_, Option<String>>("app_store")?);
    let second: Option<String> = row.get("app_second_store")?;
    let facts = TaskFacts {
        kind,
        input: &input,
        app: &name,
        protocol: &protocol,
        store: store.as_deref(),
        second: second.as_deref(),
    };
    let about = facts.about();
    let progress_detail = match state {
        TaskState::Running => row.get::<_, Option<Json<TaskProgress>>>("progress_detail")?,
        _ => None,
    };
    Ok(Task {
        id: row.get("id")?,
        app: row.get("app")?,
        kind,
        cause: row.get("cause")?,
        state,
        schedule: row.get("schedule")?,
        slot: instant("slot")?,
        attempt: row.get("attempt")?,
        input,
        about,
        store: row.get("store")?,
        created: row.get::<_, UnixMillis>("created")?.0,
        started: instant("started")?,
        ended: instant("ended")?,
        next_try: instant("next_try")?,
        runner,
        heartbeat: instant("heartbeat")?,
        cancel: row.get("cancel")?,
        exit: row.get("exit")?,
        verdict: row.get("verdict")?,
        errors: row.get("errors")?,
        bytes: row.get("bytes")?,
        snapshot: row.get("snapshot")?,
        progress: row.get("progress")?,
        progress_detail: progress_detail.map(|Json(progress)| progress),
        figures: row.get::<_, Json<TaskFigures>>("figures")?.0,
    })
}

pub(super) fn load(connection: &Connection, id: TaskId) -> Result<Task> {
    let task = connection
        .prepare_cached(&format!("{SELECT} WHERE id = ?1"))?
        .query_row([id], from_row)
        .optional()?;
    task.ok_or_else(|| StateError::NotFound(format!("there is no task {id}")))
}

/// The tasks that a statement gives.
pub(super) fn query(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Task>> {
    let mut statement = connection.prepare_cached(sql)?;
    let tasks = statement.query_map(values, from_row)?;
    Ok(tasks.collect::<rusqlite::Result<_>>()?)
}

/// What is known of a task and its app.
struct TaskFacts<'a> {
    kind: TaskKind,
    input: &'a Value,
    /// The app's name, protocol and store.
    app: &'a str,
    protocol: &'a str,
    store: Option<&'a str>,
    /// The app's second store.
    second: Option<&'a str>,
}

impl TaskFacts<'_> {
    /// The line, such as `restore /Documents of 2026-05-01 02:00 UTC (1a2b3c4d) from the store
    /// /srv/vault to folder:/tmp/x`.
    fn about(&self) -> String {
        let Self { kind, app, protocol, .. } = self;
        let second = self.second.unwrap_or_default();
        // A restore may be from the second one.
        let store = match self.input.get("second") {
            Some(Value::Bool(true)) => second,
            _ => self.store.unwrap_or_default(),
        };
        let source = format!("{app} ({protocol})");
        match kind {
            TaskKind::Test if store.is_empty() => format!("test the connection to {source}"),
            TaskKind::Test => format!("test the connection to {source} and the store {store}"),
            TaskKind::Backup => format!("back up {source} to the store {store}"),
            TaskKind::Check => match self.point() {
                Some(point) => {
                    format!("check the restore point {point} of {app} in the store {store}")
                }
                None => format!("check restore points of {app} in the store {store}"),
            },
            TaskKind::Prune => format!(
                "remove the restore points of {app} that its retention does not keep from the store {store}"
            ),
            TaskKind::Maintenance => {
                format!("free the space in the store {store} that nothing needs any more")
            }
            TaskKind::Drill => {
                format!("restore some files of {app} from the store {store} and compare them")
            }
            TaskKind::Compare => {
                format!("compare {source} with its newest restore point in the store {store}")
            }
            TaskKind::Sync => {
                format!("copy the restore points of {app} from the store {store} to {second}")
            }
            TaskKind::Restore => {
                let several = self.input.get("paths").and_then(Value::as_array);
                let several = several.map(|paths| format!("{} entries", paths.len()));
                let path = match (&several, self.text("path").unwrap_or("/")) {
                    (Some(several), _) => several,
                    (None, "/") => "all",
                    (None, path) => path,
                };
                let point = self.point().unwrap_or_default();
                format!("restore {path} of {point} from the store {store} to {}", self.place())
            }
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.input.get(key)?.as_str()
    }

    /// The restore point that it was asked for: `2026-05-01 02:00 UTC (1a2b3c4d)`.
    fn point(&self) -> Option<String> {
        let short: String = self.text("snapshot")?.chars().take(8).collect();
        let taken = self
            .text("taken")
            .and_then(|taken| taken.parse::<chrono::DateTime<chrono::Utc>>().ok());
        Some(match taken {
            Some(taken) => format!("{} ({short})", taken.format("%Y-%m-%d %H:%M UTC")),
            None => short,
        })
    }

    /// Where a restore goes, as it is written on the command line.
    fn place(&self) -> String {
        match self.input.get("to") {
            Some(Value::Object(one)) => one
                .iter()
                .map(|(kind, name)| format!("{kind}:{}", name.as_str().unwrap_or_default()))
                .collect(),
            _ => format!("the source {}", self.app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_says_what_from_where_and_to_where() {
        let about = |kind, input: &Value| {
            TaskFacts {
                kind,
                input,
                app: "mine",
                protocol: "opendrive",
                store: Some("/srv/vault"),
                second: Some("away"),
            }
            .about()
        };
        let id = "1a2b3c4d".repeat(8);
        let part = json!({ "snapshot": id, "taken": "2026-05-01T02:00:00Z", "path": "/Documents",
            "to": { "folder": "/tmp/x" } });
        assert_eq!(
            about(TaskKind::Restore, &part),
            "restore /Documents of 2026-05-01 02:00 UTC (1a2b3c4d) from the store /srv/vault to folder:/tmp/x"
        );
        let whole = json!({ "snapshot": id, "path": "/", "to": "source" });
        assert_eq!(
            about(TaskKind::Restore, &whole),
            "restore all of 1a2b3c4d from the store /srv/vault to the source mine"
        );
        assert_eq!(
            about(TaskKind::Backup, &json!({})),
            "back up mine (opendrive) to the store /srv/vault"
        );
        assert_eq!(
            about(TaskKind::Check, &json!({ "snapshot": id })),
            "check the restore point 1a2b3c4d of mine in the store /srv/vault"
        );
        assert_eq!(
            about(TaskKind::Sync, &json!({})),
            "copy the restore points of mine from the store /srv/vault to away"
        );
        let second = json!({ "snapshot": id, "path": "/", "to": "source", "second": true });
        assert!(about(TaskKind::Restore, &second).contains("from the store away to"));
        for kind in TaskKind::ALL {
            assert!(!about(*kind, &json!({ "to": 7, "snapshot": null })).is_empty());
        }
    }
}
