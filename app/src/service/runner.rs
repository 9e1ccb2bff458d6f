//! Has Plakar do what tasks ask for.

use std::time::Duration;

use super::error::{Error, Problem, Result};
use super::log::TaskLog;
use super::meter::Meter;
use super::references::{configuration_kind, store_of};
use super::watch::{Watch, watched};
use super::work::{RestorePlace, Work};
use crate::model::Expected;
use crate::scheduler::{Job, Outcome, Runner, WatchSettings};
use crate::state::{AppKind, State, TaskKind, TaskResult, TaskState};
use plakar_driver::{
    self, BackupJob, Browsers, CheckTarget, EntryKind, Failure, Name, Plakar, RestoreJob,
    RestoreProgress, RestoreTarget, SnapshotId, SnapshotPath, StoreState, Verdict, Vitals,
};

/// Runs tasks.
pub(super) struct PlakarRunner {
    plakar: Plakar,
    browsers: Browsers,
    state: State,
    watch: WatchSettings,
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
        let job = job.to_be_stopped();
        let (meter, vitals) = (Meter::new(&job), Vitals::default());
        let mut log = TaskLog::new(&job, &meter);
        let minutes = job.app.spec.protection.time_limit_minutes;
        let mut settings = self.watch.clone();
        if !matches!(job.task.kind, TaskKind::Backup | TaskKind::Restore) {
            // What a check finds damaged is its result, however much it is.
            settings.max_failures_in_a_row = u64::MAX;
        }
        let watch = Watch {
            settings,
            time_limit: (minutes > 0).then(|| Duration::from_secs(60 * u64::from(minutes))),
            meter,
            vitals: vitals.clone(),
        };
        let runner = Self {
            plakar: self.plakar.watched(&vitals),
            browsers: self.browsers.clone(),
            state: self.state.clone(),
            watch: self.watch.clone(),
        };
        let (ended, stopped) = watched(watch, &job.cancel, runner.work(&job, &mut log)).await;
        let ended = match (ended, stopped) {
            (ended, Some(stopped)) if ended.as_ref().is_none_or(was_cancelled) => {
                let left = if ended.is_none() { "; what it had started may still run" } else { "" };
                let kept = ended.and_then(Result::ok).map(|ended| ended.well).unwrap_or_default();
                let reason = [stopped.reason.as_str(), left, &kept].concat();
                return outcome(
                    WorkResult::of(Verdict::Failed { reason }),
                    stopped.retry,
                    &mut log,
                );
            }
            (ended, _) => ended.unwrap_or_else(|| Ok(WorkResult::of(Verdict::Interrupted))),
        };
        let ended = match ended {
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
}

impl WorkResult {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, snapshot: None, bytes: None, well: String::new() }
    }

    fn well(well: impl Into<String>) -> Self {
        Self { well: well.into(), ..Self::of(Verdict::Succeeded) }
    }
}

/// Whether it ended because it was told to.
fn was_cancelled(ended: &Result<WorkResult>) -> bool {
    match ended {
        Ok(ended) => ended.verdict == Verdict::Interrupted,
        Err(error) => matches!(error, Error::Plakar(plakar_driver::Error::Cancelled)),
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
    pub(super) fn new(
        plakar: Plakar,
        browsers: Browsers,
        state: State,
        watch: WatchSettings,
    ) -> Self {
        Self { plakar, browsers, state, watch }
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
            Work::Prune => self.prune(job, log).await,
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
            Work::Restore { snapshot, path, to, .. } => {
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
        let last = job.clone();
        // Only to show how far it is.
        if let Ok(Ok(expected)) = tokio::task::spawn_blocking(move || last.expected()).await {
            log.expect(expected);
            if expected.entries.is_some() {
                let (plakar, browsers) = (self.plakar.clone(), self.browsers.clone());
                let (store, app) = (store.clone(), job.app.key.clone());
                log.sizes(async move {
                    let browser = browsers.of(&plakar, &store).await?;
                    let last = browser.restore_points(Some(&app)).await?.into_iter().next();
                    Ok(last.map(|last| (browser, last.id, SnapshotPath::root())))
                });
            }
        }
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

    async fn prune(&self, job: &Job, log: &mut TaskLog<'_>) -> Result<WorkResult> {
        let plan = self.plakar.prune(&store_of(&job.app)?, &job.app.key, job.retention).await?;
        for point in &plan {
            log.say(&format!(
                "{} {} of {}",
                if point.keep { "kept" } else { "removed" },
                point.id,
                point.taken
            ));
        }
        let kept = plan.iter().filter(|point| point.keep).count();
        Ok(WorkResult::well(format!("{kept} restore points kept, {} removed", plan.len() - kept)))
    }

    async fn restore(
        &self,
        job: &Job,
        restore: RestoreJob,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        log.steps(&[("restoring", 50), ("reading again", 40), ("comparing", 10)]);
        let amount = async {
            let browser = self.browsers.of(&self.plakar, &restore.store).await?;
            browser.amount(&restore.snapshot, &restore.path).await
        };
        // Only to show how far it is.
        let expected = amount.await.map_or_else(
            |_| Expected::default(),
            |amount| Expected {
                // Plakar counts the folder itself, too.
                entries: Some(amount.files + amount.folders + 1),
                bytes: Some(amount.bytes),
            },
        );
        log.phase("restoring");
        log.expect(expected);
        let (plakar, browsers, asked) =
            (self.plakar.clone(), self.browsers.clone(), restore.clone());
        log.sizes(async move {
            let browser = browsers.of(&plakar, &asked.store).await?;
            let kind = browser.entry(&asked.snapshot, &asked.path).await?.kind;
            let base = match kind {
                // The root means what was backed up, which may be deep below it.
                EntryKind::Folder if asked.path == SnapshotPath::root() => {
                    SnapshotPath::new(&browser.restore_point(&asked.snapshot).await?.root)?
                }
                EntryKind::Folder => asked.path,
                _ => asked.path.parent(),
            };
            Ok(Some((browser, asked.snapshot, base)))
        });
        let mut news = |news| match news {
            RestoreProgress::Restoring(news) => {
                log.news(&news);
            }
            RestoreProgress::Reading(news) => {
                log.phase("reading again");
                log.expect(expected);
                log.news(&news);
            }
            RestoreProgress::Compared(entries) => {
                log.phase("comparing");
                log.expect(expected);
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
