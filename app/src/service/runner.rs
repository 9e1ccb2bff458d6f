//! Has Plakar do what tasks ask for.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::alarm::held_text;
use super::blocking::blocking;
use super::checks::{CheckTools, check};
use super::compare::{CompareTools, compare};
use super::drill::{DrillTools, drill};
use super::error::{Error, Problem, Result};
use super::log::TaskLog;
use super::meter::Meter;
use super::prune_plan::{MadePlan, accept, make_plan};
use super::references::{configuration_kind, in_second, store_of};
use super::second_copy;
use super::state_copy::copy_beside;
use super::store_notes::note_after;
use super::task_hooks::TaskHooks;
use super::teller::Teller;
use super::watch::{Stopped, Watch, watched};
use super::work::{RestorePlace, Work};
use super::work_result::{WorkResult, say_outcome};
use crate::model::{Expected, count_text, entries_text};
use crate::scheduler::{Job, Outcome, Runner, WatchSettings};
use crate::state::{AppId, AppKind, State, Task, TaskKind, TaskState};
use plakar_driver::{
    self, Browsers, EntryKind, Kind, Maintained, Name, Plakar, PlannedPoint, RestoreJob,
    RestoreProgress, RestoreTarget, SnapshotPath, StoreState, Verdict, Vitals,
};

/// Runs tasks.
pub(super) struct PlakarRunner {
    pub(super) plakar: Plakar,
    pub(super) browsers: Browsers,
    pub(super) state: State,
    pub(super) watch: WatchSettings,
    pub(super) teller: Teller,
}

impl Runner for PlakarRunner {
    async fn run(&self, job: Job) -> Outcome {
        self.teller.begun(&job).await;
        let asked = job.cancel.clone();
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
            teller: self.teller.clone(),
        };
        let mut hooks = TaskHooks::of(&self.state, &job).await;
        let work = async {
            let hooks = hooks.as_mut().map_err(|fault| Error::Input(fault.to_string()))?;
            match hooks.before(&runner.plakar, &job, &mut log).await? {
                Some(failed) => Ok(failed),
                None => runner.work(&job, &mut log).await,
            }
        };
        let (ended, stopped) = watched(watch, &job.cancel, work).await;
        let outcome = result_of(ended, stopped).with_spent(&vitals, &mut log).outcome(&mut log);
        let outcome = match hooks {
            Ok(hooks) => hooks.after(&self.plakar, &job, outcome, &asked, &mut log).await,
            Err(_) => outcome,
        };
        say_outcome(&outcome, &mut log);
        outcome
    }

    async fn looked(&self, only: Option<AppId>, now: DateTime<Utc>) {
        self.teller.look(only, now).await;
    }

    async fn ended(&self, task: &Task) {
        self.teller.ended(task, Utc::now()).await;
        // What changed nothing in a store has none.
        let Some(store) = &task.store else { return };
        let configured = match self.plakar.configurations(Kind::Store).await {
            Ok(configured) => configured,
            Err(error) => {
                tracing::warn!(%error, "where the store is could not be read");
                return;
            }
        };
        // What its pages show, and no reason for the task to have failed.
        if matches!(task.state, TaskState::Succeeded | TaskState::CompletedWithErrors) {
            let (of, tools) = ((task.kind, store.as_str()), (&self.state, &self.plakar));
            let noted = note_after(tools, &self.browsers, of, &configured).await;
            if let Err(error) = noted {
                tracing::warn!(%error, "what the store has now could not be read");
            }
        }
        if task.kind != TaskKind::Backup {
            return;
        }
        if let Err(error) = copy_beside(&self.state, task.app, &configured).await {
            // No reason for the backup to have failed.
            tracing::warn!(%error, "the state could not be copied beside the store");
        }
    }
}

/// How a task ended: by itself, or because its watch stopped it.
fn result_of(ended: Option<Result<WorkResult>>, stopped: Option<Stopped>) -> WorkResult {
    let ended = match (ended, stopped) {
        (ended, Some(stopped)) if ended.as_ref().is_none_or(was_cancelled) => {
            let left = ended.is_none().then(|| "what it had started may still run".to_owned());
            let kept = ended.and_then(Result::ok).map(|ended| ended.well);
            let kept = kept.filter(|kept| !kept.is_empty());
            let said = [Some(stopped.reason), left, kept].into_iter().flatten();
            let reason = said.collect::<Vec<_>>().join("; ");
            let failed = WorkResult::of(Verdict::Failed { reason });
            return WorkResult { retry: stopped.retry, ..failed };
        }
        (ended, _) => ended.unwrap_or_else(|| Ok(WorkResult::of(Verdict::Interrupted))),
    };
    match ended {
        Ok(ended) => ended,
        Err(Error::Plakar(plakar_driver::Error::Cancelled)) => WorkResult::of(Verdict::Interrupted),
        Err(Error::Plakar(plakar_driver::Error::StoreLocked(reason))) => {
            WorkResult::of(Verdict::StoreLocked { reason })
        }
        // What the input lacks it will lack at the next try too.
        Err(error) => {
            let failed = WorkResult::of(Verdict::Failed { reason: error.to_string() });
            WorkResult { retry: error.problem() != Problem::Input, ..failed }
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
        teller: Teller,
    ) -> Self {
        Self { plakar, browsers, state, watch, teller }
    }

    pub(super) fn teller(&self) -> &Teller {
        &self.teller
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
            Work::Drill(scope) => {
                let (plakar, browsers, state) = (&self.plakar, &self.browsers, &self.state);
                drill(&DrillTools { plakar, browsers, state }, job, scope, log).await
            }
            Work::Compare => {
                let (plakar, browsers, state) = (&self.plakar, &self.browsers, &self.state);
                compare(&CompareTools { plakar, browsers, state }, job, log).await
            }
            Work::Sync => {
                let (plakar, browsers, state) = (&self.plakar, &self.browsers, &self.state);
                second_copy::copy(&CheckTools { plakar, browsers, state }, job, log).await
            }
            Work::Prune { token } => self.prune(job, token.as_deref(), log).await,
            Work::Maintenance => {
                log.phase("maintaining the store");
                let store = store_of(&job.app)?;
                let ended =
                    self.plakar.maintenance(&store, &mut |news| log.news(&news), &job.cancel).await;
                let well = match ended.verdict {
                    Verdict::Succeeded => maintained(&ended.done),
                    // One that did not come to its end does not know that there is nothing to free.
                    _ if ended.done == Maintained::default() => String::new(),
                    _ => maintained(&ended.done),
                };
                Ok(WorkResult { well, ..WorkResult::of(ended.verdict) })
            }
            Work::Restore { snapshot, path, to, second, .. } => {
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
                let store = match second {
                    true => store_of(&in_second(job.app.clone())?)?,
                    false => store_of(&job.app)?,
                };
                self.restore(job, RestoreJob { store, snapshot, path, to }, log).await
            }
            Work::RestoreSeveral { snapshot, paths, to, second, .. } => {
                let store = match second {
                    true => store_of(&in_second(job.app.clone())?)?,
                    false => store_of(&job.app)?,
                };
                self.restore_several(job, (store, snapshot), &paths, (&to, &entry), log).await
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

    async fn prune(
        &self,
        job: &Job,
        token: Option<&str>,
        log: &mut TaskLog<'_>,
    ) -> Result<WorkResult> {
        let (state, app) = (self.state.clone(), job.app.id);
        let told = move || Ok((state.held_prune(app)?, state.pruning(app)?));
        let (held, (pinned, damaged)) = blocking(told).await?;
        if let Some(held) = held {
            let left_out = Some(format!("left out: {}", held_text(&job.app.spec.name, &held)));
            return Ok(WorkResult { left_out, ..WorkResult::well("") });
        }
        let MadePlan { plan, points } =
            make_plan(&self.plakar, &self.browsers, &job.app, job.retention, &pinned, &damaged)
                .await?;
        // A schedule is the consent to what it makes due; anybody else saw a plan.
        if job.task.slot.is_none() {
            accept(&plan, token.unwrap_or_default())?;
        }
        // Plakar may have taken long, and who pins one meanwhile is told that no prune removes it.
        let state = self.state.clone();
        let (pinned, _) = blocking(move || state.pruning(app)).await?;
        let of_pinned = |point: &&PlannedPoint| !point.keep && pinned.contains(point.id.as_str());
        if let Some(point) = points.iter().find(of_pinned) {
            let reason = format!(
                "the restore point {} was pinned while the plan was made: nothing was removed",
                point.id.short()
            );
            return Ok(WorkResult::of(Verdict::Failed { reason }));
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

    pub(super) async fn restore(
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
            ended.restored = Some(verified.entries);
            let as_they = if verified.entries == 1 { "as it was" } else { "as they were" };
            ended.well = format!(
                "{} restored and found {as_they} backed up",
                entries_text(verified.entries)
            );
        }
        Ok(ended)
    }
}

/// What a maintenance did, and when its space is free: plakar says no bytes.
fn maintained(done: &Maintained) -> String {
    let packfiles = |count: u64| count_text(count, "packfile");
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
