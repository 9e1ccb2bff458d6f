//! Who does the work of a task, and what it says at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::model::{Expected, Retention, TaskFigures, TaskProgress, TaskUsage};
use crate::state::{App, AppId, Lease, LogWriter, Result, State, Task, TaskResult, TaskState};

/// Does the work. The scheduler knows nothing of Plakar; tests use one that only pretends.
pub trait Runner: Send + Sync + 'static {
    /// Runs a task to its end, which may be that it was cancelled: then soon, and without leaving
    /// processes behind.
    fn run(&self, job: Job) -> impl Future<Output = Outcome> + Send;

    /// Is told that it was looked what is due, of all apps or of one, at this time.
    fn looked(&self, _: Option<AppId>, _: DateTime<Utc>) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Is told of a task whose end is written down.
    fn ended(&self, _: &Task) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// A task that this process has claimed, with all that is needed to run it. When the last clone is
/// dropped and the task's end is not written down, nobody sees to it any more: it counts as interrupted
/// from then on.
#[derive(Clone)]
pub struct Job {
    /// The task.
    pub task: Task,
    /// Its app.
    pub app: App,
    /// What the app keeps, its policies included.
    pub retention: Retention,
    /// Somebody asked to stop.
    pub cancel: CancellationToken,
    stopped: Arc<AtomicBool>,
    pub(super) state: State,
    pub(super) progress: Arc<Mutex<Option<TaskProgress>>>,
    pub(super) usage: Arc<Mutex<Option<TaskUsage>>>,
    /// Only its end matters.
    _lease: Arc<Lease>,
}

impl Job {
    pub(super) fn new(state: State, (task, lease): (Task, Lease)) -> Result<Self> {
        let app = state.app(task.app)?;
        let retention = state.effective_retention(task.app)?;
        Ok(Self {
            task,
            app,
            retention,
            cancel: CancellationToken::new(),
            stopped: Arc::default(),
            state,
            progress: Arc::default(),
            usage: Arc::default(),
            _lease: Arc::new(lease),
        })
    }

    /// Cancels the task as its process was told to end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.cancel.cancel();
    }

    /// Whether it was cancelled as its process was told to end: nobody wanted to be without it.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// How the task ended, which a runner that was cancelled cannot tell alone: what its process did
    /// not let come to its end is interrupted.
    #[must_use]
    pub fn ended(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Ended { mut result, retry }
                if self.is_stopped() && result.state == TaskState::Cancelled =>
            {
                result.state = TaskState::Interrupted;
                result.verdict = "the process that ran it was told to end".to_owned();
                Outcome::Ended { result, retry }
            }
            outcome => outcome,
        }
    }

    /// The same task, for somebody who may stop it without anybody having asked: what is asked of
    /// this one stops that one too.
    #[must_use]
    pub fn to_be_stopped(&self) -> Self {
        Self { cancel: self.cancel.child_token(), ..self.clone() }
    }

    /// The task's log, to append to.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub fn log(&self) -> Result<LogWriter> {
        self.state.log_writer(self.task.id)
    }

    /// Says how far the task is. Costs nothing: it is written down with the next heartbeat.
    pub fn progress(&self, progress: TaskProgress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// Says what the task took so far. Costs nothing: it is written down with a heartbeat.
    pub fn usage(&self, usage: TaskUsage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
    }

    /// What the newest task of its kind had that came to its end.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn expected(&self) -> Result<Expected> {
        self.state.expected(self.app.id, self.task.kind)
    }

    pub(super) fn take_progress(&self) -> Option<TaskProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn take_usage(&self) -> Option<TaskUsage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What a runner says at the end.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one for each task that ends")]
pub enum Outcome {
    /// The task is over.
    Ended {
        /// How.
        result: TaskResult,
        /// Whether the same may go well later: a scheduled task that failed is then tried again.
        retry: bool,
    },
    /// Another process holds the store, as this line says: to be tried again soon.
    StoreLocked(String),
}

/// A result that says only how a task ended.
pub(super) fn ended(state: TaskState, verdict: String) -> TaskResult {
    let figures = TaskFigures::default();
    TaskResult { state, exit: None, verdict, errors: 0, bytes: None, snapshot: None, figures }
}
