//! Has Plakar do what tasks ask for.

use std::time::Duration;

use super::blocking::blocking;
use super::checks::{CheckTools, check};
use super::error::{Error, Problem, Result};
use super::log::TaskLog;
use super::meter::Meter;
use super::prune_plan::{MadePlan, accept, make_plan};
use super::references::{configuration_kind, store_of};
use super::state_copy::copy_beside;
use super::watch::{Watch, watched};
use super::work::{RestorePlace, Work};
use super::work_result::WorkResult;
use crate::model::{Expected, count_text};
use crate::scheduler::{Job, Outcome, Runner, WatchSettings};
use crate::state::{AppKind, State, Task, TaskKind};
use plakar_driver::{
    self, BackupJob, Browsers, EntryKind, Maintained, Name, Plakar, RestoreJob, RestoreProgress,
    RestoreTarget, SnapshotPath, StoreState, Verdict, Vitals,
};

/// Runs tasks.
pub(super) struct PlakarRunner {
    plakar: Plakar,
    browsers: Browsers,
    state: State,
    watch: WatchSettings,
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
                let failed = WorkResult::of(Verdict::Failed { reason });
                return WorkResult { retry: stopped.retry, ..failed }.outcome(&mut log);
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
                let failed = WorkResult::of(Verdict::Failed { reason: error.to_string() });
                WorkResult { retry: error.problem() != Problem::Input, ..failed }
            }
        };
        ended.outcome(&mut log)
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

/// Whether it ended because it was told to.
fn was_cancelled(ended: &Result<WorkResult>) -> bool {
    match ended {
        Ok(ended) => ended.verdict == Verdict::Interrupted,
        Err(error) => matches!(error, Error::Plakar(plakar_driver::Error::Cancelled)),
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
            Work::Check(scope) => {
                log.phase("checking");
                let (plakar, browsers, state) = (&self.plakar, &self.browsers, &self.state);
                check(&CheckTools { plakar, browsers, state }, job, &scope, log).await
            }
            Work::Prune { token } => self.prune(job, token.as_deref(), log).await,
            Work::Maintenance => {
                log.phase("maintaining the store");
                let store = store_of(&job.app)?;
                let ended =
                    self.plakar.maintenance(&store, &mut |news| log.news(&news), &job.cancel).await;
                Ok(WorkResult { well: maintained(&ended.done), ..WorkResult::of(ended.verdict) })
            }
            Work::Restore { snapshot, path, to, .. } => {
                let to = match to {
                    RestorePlace::Source => RestoreTarget::Origin(entry),
                    RestorePlace::Destination(name) => {
                        let state = self.state.clone();
                        let destination =
                            blocking(move || state.app_named(AppKind::Destination, &name)).await?;
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
                    let files = count_text(point.files, "file");
                    ended.well = format!("restore point {} with {files}", id.short());
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
        let (pinned, damaged) = blocking(move || state.pruning(app)).await?;
        let MadePlan { plan, points } =
            make_plan(&self.plakar, &self.browsers, &job.app, job.retention, &pinned, &damaged)
                .await?;
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
        blocking(move || state.forget_checked(app, &gone)).await?;
        Ok(WorkResult::well(format!(
            "{} kept, {} removed",
            count_text(plan.kept() as u64, "restore point"),
            plan.removed()
        )))
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

/// What a maintenance did, and when its space is free: plakar says no bytes.
fn maintained(done: &Maintained) -> String {
    let packfiles = |count: u64| match count {
        1 => "1 packfile".to_owned(),
        count => format!("{count} packfiles"),
    };
    let mut said = Vec::new();
    if done.removed > 0 {
        said.push(format!("{} removed, their space is free", packfiles(done.removed)));
    }
    if done.marked > 0 {
        let grace = match done.grace.as_deref() {
            Some("7d") | None => "7 days",
            Some(grace) => grace,
        };
        said.push(format!(
            "{} marked that no restore point needs: a maintenance in {grace} or later removes them, and only then their space is free",
            packfiles(done.marked)
        ));
    }
    if said.is_empty() {
        return "nothing to free: each packfile is needed by a restore point, at least a part of it, or was marked less than 7 days ago".into();
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_free_only_when_packfiles_are_removed() {
        let of = |marked, removed| {
            let grace = (marked > 0).then(|| "7d".to_owned());
            maintained(&Maintained { marked, grace, removed })
        };
        assert!(of(0, 0).starts_with("nothing to free"));
        assert_eq!(of(0, 2), "2 packfiles removed, their space is free");
        assert_eq!(
            of(1, 1),
            "1 packfile removed, their space is free; 1 packfile marked that no restore point needs: \
             a maintenance in 7 days or later removes them, and only then their space is free"
        );
    }
}
