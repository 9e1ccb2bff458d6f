//! Starting tasks, watching and cancelling them.

use std::sync::Arc;

use super::error::{Error, Result};
use super::handle::Service;
use super::prune_plan::accept;
use super::references::store_of;
use super::work::{CheckScope, RestorePlace, Work};
use crate::scheduler::Job;
use crate::state::{
    AppId, CancelResult, Cause, LogPart, NewTask, Task, TaskFilter, TaskId, TaskKind, TaskState,
};
use plakar_driver::restore_folder;

/// Maximum number of restore points that a check is told; all are 0.
const MAX_POINTS: u32 = 1000;

impl Service {
    /// Starts a task of an app in the background; [`Service::watch`] tells how it goes on.
    ///
    /// # Errors
    /// Another task of the app runs, or the work is not for this app.
    pub async fn start(&self, app: AppId, work: &Work) -> Result<Task> {
        self.possible(app, work).await?;
        let input = serde_json::to_value(work.input())
            .map_err(|error| Error::Internal(error.to_string()))?;
        let (scheduler, kind) = (self.scheduler.clone(), work.kind());
        let begun = tokio::task::spawn_blocking(move || {
            scheduler.begin(&NewTask { app, kind, cause: Cause::Manual, input })
        })
        .await;
        let job = begun.map_err(|error| Error::Internal(error.to_string()))??;
        let task = job.task.clone();
        self.run_in_background(job);
        Ok(task)
    }

    fn run_in_background(&self, job: Job) {
        let (scheduler, runner, stop) =
            (self.scheduler.clone(), Arc::clone(&self.runner), self.stop.clone());
        self.running.spawn(async move {
            if let Err(error) = scheduler.run_job(runner, job, &stop).await {
                tracing::error!(%error, "the end of a task could not be written down");
            }
            scheduler.wake();
        });
    }

    /// The check that follows a backup that has ended, if its app wants one: started here in the
    /// background, unless another process has taken it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start_follow_up(&self, backup: &Task) -> Result<Option<Task>> {
        let backup = backup.clone();
        let Some(check) = self.state(move |state| state.follow_up(&backup)).await? else {
            return Ok(None);
        };
        let (scheduler, id) = (self.scheduler.clone(), check.id);
        let claimed = tokio::task::spawn_blocking(move || scheduler.claim_task(id)).await;
        if let Some(job) = claimed.map_err(|error| Error::Internal(error.to_string()))?? {
            self.run_in_background(job);
        } else if self.task(id).await?.state == TaskState::Queued {
            // It has to wait for a maintenance; whoever runs the schedules goes on with it.
            return Ok(None);
        }
        Ok(Some(check))
    }

    /// What would fail anyway is told before a task is made of it.
    async fn possible(&self, app: AppId, work: &Work) -> Result<()> {
        match work {
            Work::Test => self.app(app).await.map(drop),
            Work::Backup | Work::Maintenance => self.source(app).await.map(drop),
            Work::Prune { token } => {
                let plan = self.prune_plan(app).await?;
                let token = token.as_deref().ok_or_else(|| {
                    Error::Input("a prune begins with its plan; look at it first".into())
                })?;
                accept(&plan, token)
            }
            Work::Check(CheckScope::Point(snapshot)) => self.point(app, snapshot).await.map(drop),
            Work::Check(CheckScope::Points(points)) if *points > MAX_POINTS => {
                Err(Error::Input(format!(
                    "{points} restore points are too many for a check; write 0 (all) to {MAX_POINTS}"
                )))
            }
            Work::Check(_) => self.source(app).await.map(drop),
            Work::Restore { snapshot, path, to } => {
                self.point(app, snapshot).await?.entry(path).await?;
                match to {
                    RestorePlace::Source => Ok(()),
                    RestorePlace::Destination(name) => self.destination(name).await.map(drop),
                    RestorePlace::Folder(path) => Ok(restore_folder(path).map(drop)?),
                }
            }
        }
    }

    /// Removes what restores left in their stores that were killed in the last month; for a process
    /// that stays, when it begins.
    ///
    /// # Errors
    /// Plakar can't be run, or such a store can't be opened.
    pub async fn remove_leftovers(&self) -> Result<()> {
        let restores = |state| TaskFilter {
            kind: Some(TaskKind::Restore),
            state: Some(state),
            ..TaskFilter::default()
        };
        let since = Some(chrono::Utc::now() - chrono::TimeDelta::days(30));
        let interrupted =
            self.tasks(TaskFilter { since, ..restores(TaskState::Interrupted) }).await?;
        if interrupted.is_empty() || !self.tasks(restores(TaskState::Running)).await?.is_empty() {
            return Ok(());
        }
        let mut stores = Vec::new();
        for task in interrupted {
            let store = store_of(&self.app(task.app).await?)?;
            if !stores.contains(&store) {
                stores.push(store);
            }
        }
        Ok(self.plakar.remove_leftovers(&self.browsers, &stores).await?)
    }

    /// Does what is due for one app and what waits for it, to the end; for cron, systemd and
    /// Kubernetes. Gives the tasks that ran.
    ///
    /// # Errors
    /// The database failed.
    pub async fn run_due(&self, app: AppId) -> Result<Vec<Task>> {
        Ok(self.scheduler.run_due(Arc::clone(&self.runner), app, &self.stop).await?)
    }

    /// A task.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        self.state(move |state| state.task(id)).await
    }

    /// The tasks that a filter lets through, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tasks(&self, filter: TaskFilter) -> Result<Vec<Task>> {
        self.state(move |state| state.tasks(&filter)).await
    }

    /// A task as it is now, and what is in its log from an offset on, up to `limit` bytes.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn watch(&self, id: TaskId, offset: u64, limit: usize) -> Result<(Task, LogPart)> {
        // The task first: of one that has ended the log is whole.
        self.state(move |state| Ok((state.task(id)?, state.read_log(id, offset, limit)?))).await
    }

    /// Asks to cancel a task, whichever process runs it.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn cancel(&self, id: TaskId) -> Result<CancelResult> {
        self.state(move |state| state.cancel(id, chrono::Utc::now())).await
    }

    /// Starts a task again that has ended, with the same input.
    ///
    /// # Errors
    /// It is not over, or as [`Service::start`].
    pub async fn retry(&self, id: TaskId) -> Result<Task> {
        let task = self.task(id).await?;
        if !task.state.is_final() {
            return Err(Error::Input(format!(
                "task {id} is still {}; wait for its end, or cancel it",
                task.state
            )));
        }
        self.start(task.app, &Work::of(&task)?).await
    }
}
