//! Starting tasks, watching and cancelling them.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

use super::blocking::blocking;
use super::compare::can_be_compared;
use super::error::{Error, Problem, Result};
use super::handle::Service;
use super::prune_plan::accept;
use super::references::{in_second, no_second_store, store_of};
use super::runner::LEFT_RUNNING;
use super::work::{CheckScope, DrillScope, RestorePlace, Work};
use crate::model::{MAX_DRILL_FILES, TaskUsage, count_text, size_text};
use crate::scheduler::Job;
use crate::state::{
    AppId, CancelResult, Cause, LogPart, NewTask, Task, TaskFilter, TaskId, TaskKind, TaskState,
};
use plakar_driver::{SnapshotId, SnapshotPath, Store, restore_folder};

/// Maximum number of restore points that a check is told; all are 0.
const MAX_POINTS: u32 = 1000;

impl Service {
    /// Starts a task of an app in the background; [`Service::watch`] tells how it goes on.
    ///
    /// # Errors
    /// Another task of the app runs, or the work is not for this app.
    pub async fn start(&self, app: AppId, work: &Work) -> Result<Task> {
        let mut input = work.input();
        input.taken = self.possible(app, work).await?.map(|taken| taken.trunc_subsecs(0));
        let input =
            serde_json::to_value(input).map_err(|error| Error::Internal(error.to_string()))?;
        let new = NewTask { app, kind: work.kind(), cause: Cause::Manual, input };
        self.to_the_end(|service| async move { service.begin(new).await }).await
    }

    /// From here on the task is one that runs: left alone it would be interrupted.
    async fn begin(&self, new: NewTask) -> Result<Task> {
        let scheduler = self.scheduler.clone();
        let job = blocking(move || scheduler.begin(&new)).await?;
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
        self.to_the_end(|service| async move { service.follow_up(backup).await }).await
    }

    async fn follow_up(&self, backup: Task) -> Result<Option<Task>> {
        let Some(check) = self.state(move |state| state.follow_up(&backup)).await? else {
            return Ok(None);
        };
        let (scheduler, id) = (self.scheduler.clone(), check.id);
        if let Some(job) = blocking(move || scheduler.claim_task(id)).await? {
            self.run_in_background(job);
        } else if self.task(id).await?.state == TaskState::Queued {
            // It has to wait for a maintenance; whoever runs the schedules goes on with it.
            return Ok(None);
        }
        Ok(Some(check))
    }

    /// What would fail anyway is told before a task is made of it. Gives when the restore point was
    /// made that it is about.
    async fn possible(&self, app: AppId, work: &Work) -> Result<Option<DateTime<Utc>>> {
        match work {
            Work::Test => drop(self.app(app).await?),
            Work::Backup | Work::Maintenance => drop(self.source(app).await?),
            Work::Prune { token } => {
                self.prunes_are_free(app).await?;
                let plan = self.prune_plan(app).await?;
                let token = token.as_deref().ok_or_else(|| {
                    Error::Input("a prune begins with its plan; look at it first".into())
                })?;
                accept(&plan, token)?;
            }
            Work::Check(CheckScope::Point(snapshot)) => {
                return Ok(Some(self.point(app, snapshot).await?.point.taken));
            }
            Work::Check(CheckScope::Points(points)) if *points > MAX_POINTS => {
                return Err(Error::Input(format!(
                    "{points} restore points are too many for a check; write 0 (all) to {MAX_POINTS}"
                )));
            }
            Work::Drill(DrillScope { files: Some(files), .. })
                if !(1..=MAX_DRILL_FILES).contains(files) =>
            {
                return Err(Error::Input(format!(
                    "a restore drill of {files} files is not possible; write 1 to {MAX_DRILL_FILES}"
                )));
            }
            Work::Compare => can_be_compared(&self.source(app).await?)?,
            Work::Drill(_) => drop(self.source(app).await?),
            Work::Check(_) => drop(self.source(app).await?),
            Work::Sync => {
                let spec = self.source(app).await?.spec;
                if spec.second_store.is_none() {
                    return Err(no_second_store(&spec.name));
                }
            }
            Work::Restore { snapshot, path, to, second, replace } => {
                let opened = match second {
                    true => self.second_point(app, snapshot).await?,
                    false => self.point(app, snapshot).await?,
                };
                opened.entry(path).await?;
                match to {
                    RestorePlace::Source if !replace => {
                        let question = self.restore_question(app, snapshot, path, *second).await?;
                        return Err(Error::Input(format!("{question}; confirm that you want it")));
                    }
                    RestorePlace::Source => {}
                    RestorePlace::Destination(name) => drop(self.destination(name).await?),
                    RestorePlace::Folder(path) => {
                        restore_folder(path)?;
                        self.not_into_its_store(app, path).await?;
                    }
                }
                return Ok(Some(opened.point.taken));
            }
            Work::RestoreSeveral { snapshot, paths, to, second, replace } => {
                return self
                    .possible_several(app, (snapshot, *second), paths, (to, *replace))
                    .await;
            }
        }
        Ok(None)
    }

    /// What Plakar took of processors and memory over a task's run; no points if that was not
    /// measured, as on other systems than Linux.
    ///
    /// # Errors
    /// There is no such task.
    pub async fn usage(&self, id: TaskId) -> Result<TaskUsage> {
        self.state(move |state| state.usage(id)).await
    }

    /// What a restore to the source's own place would do, in numbers, for whoever has to confirm
    /// it.
    ///
    /// # Errors
    /// It is not there, or the store cannot be read.
    pub async fn restore_question(
        &self,
        app: AppId,
        snapshot: &SnapshotId,
        path: &SnapshotPath,
        second: bool,
    ) -> Result<String> {
        let opened = match second {
            true => self.second_point(app, snapshot).await?,
            false => self.point(app, snapshot).await?,
        };
        let source = self.source(app).await?.spec.name;
        let point = &opened.point;
        let what = if path.as_str() == "/" { "all".to_owned() } else { path.to_string() };
        let amount = opened.amount(path).await?;
        let files = |count: u64| count_text(count, "file");
        let mut question = format!(
            "restoring {what} of {} ({}) writes {} with {} to the source {source}, and replaces what has the same names there",
            point.taken.format("%Y-%m-%d %H:%M UTC"),
            point.id.short(),
            files(amount.files),
            size_text(amount.bytes),
        );
        // What the place has now only a listing of the drive could tell.
        let points = if second { self.second_points(app).await? } else { self.points(app).await? };
        if let Some(newest) = points.first().filter(|newest| newest.id != point.id) {
            let newest_opened = match second {
                true => self.second_point(app, &newest.id).await?,
                false => self.point(app, &newest.id).await?,
            };
            let there = match newest_opened.amount(path).await {
                Ok(amount) => amount.files,
                Err(error) if error.problem() == Problem::NotFound => 0,
                Err(error) => return Err(error),
            };
            question = format!(
                "{question}; the newest restore point, of {}, has {} there",
                newest.taken.format("%Y-%m-%d %H:%M UTC"),
                files(there)
            );
        }
        Ok(question)
    }

    /// Removes what restores left that did not come to their end: their entries of Plakar's
    /// configuration, and what is in their stores of those of the last month. Nothing while a
    /// restore runs. What they and drills restored into folders that were to go does so in any case.
    /// For a process that stays, when it begins.
    ///
    /// # Errors
    /// Plakar cannot be run, or such a store cannot be opened, or a folder stays.
    pub async fn remove_leftovers(&self) -> Result<()> {
        let folders = self.plakar.remove_left_folders().await;
        // Before it is looked what runs: what begins later has none of these. Of restores of another
        // state, which are not known here, there are none either.
        let entries = self.plakar.temporary_entries().await?;
        let since = Some(Utc::now() - chrono::TimeDelta::days(30));
        let restores = async |state, since| {
            let (kind, state) = (Some(TaskKind::Restore), Some(state));
            self.tasks(TaskFilter { kind, state, since, ..TaskFilter::default() }).await
        };
        let mut left = restores(TaskState::Interrupted, since).await?;
        let failed = restores(TaskState::Failed, since).await?;
        left.extend(failed.into_iter().filter(|task| task.verdict.contains(LEFT_RUNNING)));
        if (entries.is_empty() && left.is_empty())
            || !restores(TaskState::Running, None).await?.is_empty()
        {
            return Ok(folders?);
        }
        let mut stores = Vec::new();
        for task in left {
            // The app may have no second store any more.
            let Ok(store) = self.store_of_restore(&task).await else { continue };
            if !stores.contains(&store) {
                stores.push(store);
            }
        }
        self.plakar.remove_leftovers(&entries, &self.browsers, &stores).await?;
        Ok(folders?)
    }

    /// The store that a restore reads.
    async fn store_of_restore(&self, task: &Task) -> Result<Store> {
        let app = self.app(task.app).await?;
        match Work::of(task)? {
            Work::Restore { second: true, .. } | Work::RestoreSeveral { second: true, .. } => {
                store_of(&in_second(app)?)
            }
            _ => store_of(&app),
        }
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

    /// Whether this process ran a task and gave it up, as how it ended could not be written down: it
    /// stays as it is until that can be.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn is_given_up(&self, id: TaskId) -> Result<bool> {
        self.state(move |state| state.is_given_up(id)).await
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
        let work = Work::of(&task)?;
        if let Work::Restore { to: RestorePlace::Source, .. }
        | Work::RestoreSeveral { to: RestorePlace::Source, .. } = work
        {
            return Err(Error::Input(format!(
                "task {id} wrote to the source, which has to be confirmed anew; begin at the restore point"
            )));
        }
        self.start(task.app, &work).await
    }
}
