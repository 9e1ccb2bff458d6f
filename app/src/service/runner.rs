//! Has Plakar do what tasks ask for.

use super::error::{Error, Problem, Result};
use super::log::TaskLog;
use super::prune_plan::{MadePlan, accept, make_plan};
use super::references::{configuration_kind, store_of};
use super::state_copy::copy_beside;
use super::work::{RestorePlace, Work};
use crate::scheduler::{Job, Outcome, Runner};
use crate::state::{AppKind, State, Task, TaskKind, TaskResult, TaskState};
use plakar_driver::{
    self, BackupJob, Browsers, CheckTarget, Failure, Name, Plakar, RestoreJob, RestoreProgress,
    RestoreTarget, SnapshotId, StoreState, Verdict,
};

/// Runs tasks.
pub(super) struct PlakarRunner {
    plakar: Plakar,
    browsers: Browsers,
    state: State,
}

/// How a task ended, before it is put into words.
struct WorkResult {
    verdict: Verdict,
    snapshot: Option<SnapshotId>,
    bytes: Option<u64>,
    /// What is said when all went well.
    well: String,
}

impl Runner for PlakarRunner {
    async fn run(&self, job: Job) -> Outcome {
        let mut log = TaskLog::new(&job);
        let ended = match self.work(&job, &mut log).await {
            Ok(ended) => ended,
            Err(Error::Plakar(plakar_driver::Error::Cancelled)) => {
                WorkResult::of(Verdict::Interrupted)
            }
            Err(Error::Plakar(plakar_driver::Error::StoreLocked(reason))) => {
                WorkResult::of(Verdict::StoreLocked { reason })
            }
            // What the input lacks it will lack at the next try too.
            Err(error) => {
                return outcome(
                    WorkResult::of(Verdict::Failed { reason: error.to_string() }),
                    error.problem() != Problem::Input,
                    &mut log,
                );
            }
        };
        outcome(ended, true, &mut log)
    }

    async fn ended(&self, task: &Task) {
        if task.kind != TaskKind::Backup {
            return;
        }
        if let Err(error) = copy_beside(&self.state, &self.plakar, task.app).await {
            // No reason for the backup to have failed.
            tracing::warn!(%error, "the state could not be copied beside the store");
        }
    }
}

impl WorkResult {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, snapshot: None, bytes: None, well: String::new() }
    }

    fn well(well: impl Into<String>) -> Self {
        Self { well: well.into(), ..Self::of(Verdict::Succeeded) }
    }
}

fn outcome(ended: WorkResult, retry: bool, log: &mut TaskLog<'_>) -> Outcome {
    let (state, errors, verdict) = match ended.verdict {
        Verdict::Succeeded => (TaskState::Succeeded, 0, ended.well),
        Verdict::Errors { count, failed } => {
            failed
                .iter()
                .for_each(|Failure { path, reason }| log.say(&format!("failed: {path} {reason}")));
            let one = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
            (TaskState::CompletedWithErrors, count, format!("{one} failed; the log lists them"))
        }
        Verdict::Failed { reason } => (TaskState::Failed, 0, reason),
        Verdict::Interrupted => (TaskState::Cancelled, 0, "cancelled".to_owned()),
        Verdict::StoreLocked { reason } => {
            log.say(&format!("the store is locked: {reason}"));
            return Outcome::StoreLocked(reason);
        }
    };
    log.say(&format!("{state}: {verdict}"));
    let snapshot = ended.snapshot.map(|id| id.to_string());
    Outcome::Ended {
        result: TaskResult {
            state,
            exit: log.exit(),
            verdict,
            errors,
            bytes: ended.bytes,
            snapshot,
        },
        retry,
    }
}

impl PlakarRunner {
    pub(super) fn new(plakar: Plakar, browsers: Browsers, state: State) -> Self {
        Self { plakar, browsers, state }
    }

    async fn work(&self, job: &Job, log: &mut TaskLog<'_>) -> Result<WorkResult> {
        let work = Work::of(&job.task)?;
        let entry = Name::new(&job.app.spec.entry)?;
        match work {
            Work::Test => self.test(job, &entry).await,
            Work::Backup => self.backup(job, entry, log).await,
            Work::Check(snapshot) => {
                let what = snapshot.map_or_else(
                    || CheckTarget::Latest(job.app.key.clone()),
                    CheckTarget::Snapshot,
                );
                log.phase("checking");
                let verdict = self
                    .plakar
                    .check(&store_of(&job.app)?, &what, &mut |news| log.news(&news), &job.cancel)
                    .await?;
                Ok(WorkResult {
                    well: "all data was read and is whole".into(),
                    ..WorkResult::of(verdict)
                })
            }
            Work::Prune { token } => self.prune(job, token.as_deref(), log).await,
            Work::Maintenance => {
                log.phase("maintaining the store");
                let store = store_of(&job.app)?;
                let verdict = self
                    .plakar
                    .maintenance(&store, &mut |news| log.news(&news), &job.cancel)
                    .await?;
                let well = "what nothing needed any more was removed or marked".into();
                Ok(WorkResult { well, ..WorkResult::of(verdict) })
            }
            Work::Restore { snapshot, path, to } => {
                let to = match to {
                    RestorePlace::Source => RestoreTarget::Origin(entry),
                    RestorePlace::Destination(name) => {
                        let state = self.state.clone();
                        let found = tokio::task::spawn_blocking(move || {
                            state.app_named(AppKind::Destination, &name)
                        })
                        .await;
                        let destination =
                            found.map_err(|error| Error::Internal(error.to_string()))??;
                        RestoreTarget::Destination(Name::new(&destination.spec.entry)?)
                    }
                    RestorePlace::Folder(folder) => RestoreTarget::Folder(folder),
                };
                self.restore(
                    job,
                    RestoreJob { store: store_of(&job.app)?, snapshot, path, to },
                    log,
                )
                .await
            }
        }
    }

    async fn test(&self, job: &Job, entry: &Name) -> Result<WorkResult> {
        let begun = std::time::Instant::now();
        let kind = configuration_kind(job.app.spec.kind);
        self.plakar.ping(kind, entry, &job.cancel).await?;
        let answered = format!("it answered in {:.1} s", begun.elapsed().as_secs_f64());
        if job.app.spec.kind == AppKind::Destination {
            return Ok(WorkResult::well(answered));
        }
        let place = job.app.spec.store.as_deref().unwrap_or_default();
        match self.plakar.store_state(&store_of(&job.app)?).await? {
            StoreState::Ready => {
                Ok(WorkResult::well(format!("{answered}; the store {place} is ready")))
            }
            StoreState::Unavailable(reason) | StoreState::BadPassphrase(reason) => {
                Ok(WorkResult::of(Verdict::Failed {
                    reason: format!("{answered}, but the store {place} can't be opened: {reason}"),
                }))
            }
        }
    }

    async fn backup(&self, job: &Job, entry: Name, log: &mut TaskLog<'_>) -> Result<WorkResult> {
        let (spec, store) = (&job.app.spec, store_of(&job.app)?);
        let backup = BackupJob {
            store: store.clone(),
            source: entry,
            app: job.app.key.clone(),
            name: spec.name.clone(),
            job: format!("task-{}", job.task.id),
            environment: spec.environment.clone(),
            classes: spec.data_classes.clone(),
        };
        log.phase("backing up");
        let made = self
            .plakar
            .backup(&self.browsers, &backup, &mut |news| log.news(&news), &job.cancel)
            .await?;
        let mut ended =
            WorkResult { snapshot: made.snapshot.clone(), ..WorkResult::of(made.verdict) };
        if let Some(id) = &made.snapshot {
            // The backup is made; its size is for the pages only.
            let point =
                async { self.browsers.of(&self.plakar, &store).await?.restore_point(id).await };
            match point.await {
                Ok(point) => {
                    ended.bytes = Some(point.size);
                    ended.well = format!("restore point {} with {} files", id.short(), point.files);
                }
                Err(error) => log.say(&format!("the new restore point can't be read yet: {error}")),
            }
        }
        Ok(ended)
    }

    async fn prune(
        &self,
        job: &Job,
        token: Option<&str>,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let (state, app) = (self.state.clone(), job.app.id);
        let pinned = tokio::task::spawn_blocking(move || state.pinned(app)).await;
        let pinned = pinned.map_err(|error| Error::Internal(error.to_string()))??;
        let pinned = pinned.into_keys().collect();
        let MadePlan { plan, points } =
            make_plan(&self.plakar, &self.browsers, &job.app, job.retention, &pinned).await?;
        // A schedule is the consent to what it makes due; anybody else saw a plan.
        if job.task.slot.is_none() {
            accept(&plan, token.unwrap_or_default())?;
        }
        for point in &plan.points {
            log.say(&format!(
                "{} {} of {}: {}",
                if point.keep { "keeps" } else { "removes" },
                point.id.short(),
                point.taken.format("%Y-%m-%d %H:%M UTC"),
                point.rule
            ));
        }
        let store = store_of(&job.app)?;
        self.plakar.prune(&self.browsers, &store, &job.app.key, &points).await?;
        let gone = points.iter().filter(|point| !point.keep).map(|point| point.id.to_string());
        let (state, gone) = (self.state.clone(), gone.collect::<Vec<_>>());
        let forgotten = tokio::task::spawn_blocking(move || state.forget_checked(app, &gone)).await;
        forgotten.map_err(|error| Error::Internal(error.to_string()))??;
        Ok(WorkResult::well(format!(
            "{} restore points kept, {} removed",
            plan.kept(),
            plan.removed()
        )))
    }

    async fn restore(
        &self,
        job: &Job,
        restore: RestoreJob,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let mut news = |news| match news {
            RestoreProgress::Restoring(news) => {
                log.phase("restoring");
                log.news(&news);
            }
            RestoreProgress::Reading(news) => {
                log.phase("reading again");
                log.news(&news);
            }
            RestoreProgress::Compared(entries) => {
                log.phase("comparing");
                log.compared(entries);
            }
        };
        let restored =
            self.plakar.restore(&self.browsers, &restore, &mut news, &job.cancel).await?;
        let mut ended = WorkResult::of(restored.verdict);
        if let Some(verified) = restored.verified {
            ended.bytes = Some(verified.bytes);
            ended.well =
                format!("{} entries restored and found as they were backed up", verified.entries);
        }
        Ok(ended)
    }
}
