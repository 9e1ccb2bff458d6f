//! What runs now, as pages show it and the script keeps it up to date.

use super::format::{self, Badge, DisplayTime};
use source_app::model::TaskProgress;
use source_app::state::{Task, TaskId, TaskKind, TaskState};

/// A task that is not over: `m::running`.
pub struct RunningTask {
    /// Its id.
    pub id: TaskId,
    /// What it does.
    pub kind: TaskKind,
    /// How far it is.
    pub badge: Badge,
    /// The same, as its word.
    pub state: &'static str,
    /// What it does, from where and to where.
    pub about: String,
    /// How far it is, or why it waits.
    pub progress: String,
    /// The same as values, for the bar.
    pub detail: TaskProgress,
    /// How long it runs by now.
    pub ran: String,
    /// Since when it runs.
    pub started: Option<DisplayTime>,
    /// When it is tried again.
    pub next_try: Option<DisplayTime>,
    /// Whether somebody asked to cancel it.
    pub cancelling: bool,
}

impl RunningTask {
    /// One that is not over.
    pub fn of(task: &Task) -> Self {
        let progress =
            if task.state == TaskState::Running { &task.progress } else { &task.verdict };
        Self {
            id: task.id,
            kind: task.kind,
            badge: Badge::of(task.state),
            state: task.state.as_str(),
            about: task.about.clone(),
            progress: progress.clone(),
            detail: task.progress_detail.clone().unwrap_or_default(),
            ran: format::task_duration(task)
                .filter(|_| task.state == TaskState::Running)
                .unwrap_or_default(),
            started: task.started.filter(|_| task.state == TaskState::Running).map(DisplayTime),
            next_try: task.next_try.filter(|_| task.state == TaskState::Waiting).map(DisplayTime),
            cancelling: task.cancel,
        }
    }

    /// Those of some.
    pub fn all(tasks: &[Task]) -> Vec<Self> {
        tasks.iter().filter(|task| !task.state.is_final()).map(Self::of).collect()
    }

    /// Where to ask it to stop.
    pub fn cancel_address(&self) -> String {
        format!("/tasks/{}/cancel", self.id)
    }
}
