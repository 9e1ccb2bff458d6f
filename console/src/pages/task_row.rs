//! A task in a table, on the page of all tasks and on its app's.

use super::format::{self, Badge, DisplayTime};
use source_app::state::{AppId, Cause, Task, TaskId, TaskKind};

/// A task in a table.
pub struct TaskRow {
    pub id: TaskId,
    pub app: AppId,
    pub app_name: String,
    pub kind: TaskKind,
    pub cause: Cause,
    pub badge: Badge,
    /// Its end, or else its beginning.
    pub at: DisplayTime,
    pub start: DisplayTime,
    pub duration: String,
    pub size: String,
    /// Of what came to its end.
    pub errors: Option<u64>,
    pub verdict: String,
    /// What it does, from where and to where.
    pub about: String,
    /// The restore point that it made: its id, and the short form.
    pub point: Option<(String, String)>,
}

impl TaskRow {
    /// Of a task of the app of this name.
    pub fn of(task: &Task, app_name: &str) -> Self {
        let start = task.started.unwrap_or(task.created);
        Self {
            id: task.id,
            app: task.app,
            app_name: app_name.to_owned(),
            kind: task.kind,
            cause: task.cause,
            badge: Badge::of(task.state),
            at: DisplayTime(task.ended.unwrap_or(start)),
            start: DisplayTime(start),
            duration: format::task_duration(task).unwrap_or_default(),
            size: task.bytes.map(format::size).unwrap_or_default(),
            errors: format::errors(task),
            verdict: if task.state.is_final() || task.progress.is_empty() {
                task.verdict.clone()
            } else {
                task.progress.clone()
            },
            about: task.about.clone(),
            point: task.snapshot.as_ref().map(|id| (id.clone(), id.chars().take(8).collect())),
        }
    }

    /// Where to cancel it.
    pub fn cancel_address(&self) -> String {
        format!("/tasks/{}/cancel", self.id)
    }

    /// Where to start it again.
    pub fn retry_address(&self) -> String {
        format!("/tasks/{}/retry", self.id)
    }
}
