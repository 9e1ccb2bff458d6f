//! Has Plakar do what tasks ask for.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::blocking::blocking;
use super::checks::check;
use super::compare::compare;
use super::drill::drill;
use super::error::{Error, Result};
use super::log::TaskLog;
use super::meter::Meter;
use super::references::{configuration_kind, in_second, store_of};
use super::second_copy;
use super::state_copy::copy_beside;
use super::store_notes::note_after;
use super::task_hooks::TaskHooks;
use super::teller::Teller;
use super::tools::Tools;
use super::watch::{Stopped, Watch, watched};
use super::work::{RestorePlace, Work};
use super::work_result::{WorkResult, say_outcome};
use crate::scheduler::{Job, Outcome, Runner, WatchSettings};
use crate::state::{AppId, AppKind, State, Task, TaskKind, TaskState};
use plakar_driver::{
    self, Browsers, Kind, Name, Plakar, RestoreJob, RestoreTarget, StoreState, Verdict, Vitals,
};

/// What the verdict of a task says whose work was left before it ended.
pub(super) const LEFT_RUNNING: &str = "what it had started may still run";

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
        let outcome = job.ended(outcome);
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
        let changes_store = task.kind != TaskKind::Drill;
        let Some(store) = task.store.as_ref().filter(|_| changes_store) else { return };
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
            let left = ended.is_none().then(|| LEFT_RUNNING.to_owned());
            let kept = ended.and_then(Result::ok).map(|ended| ended.well);
            let kept = kept.filter(|kept| !kept.is_empty());
            let said = [Some(stopped.reason), left, kept].into_iter().flatten();
            let reason = said.collect::<Vec<_>>().join("; ");
            let failed = WorkResult::of(Verdict::Failed { reason });
            return WorkResult { retry: stopped.retry, ..failed };
        }
        (ended, _) => ended.unwrap_or_else(|| Ok(WorkResult::of(Verdict::Interrupted))),
    };
    ended.unwrap_or_else(WorkResult::of_error)
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

    fn tools(&self) -> Tools<'_> {
        Tools { plakar: &self.plakar, browsers: &self.browsers, state: &self.state }
    }

    async fn work(&self, job: &Job, log: &mut TaskLog<'_>) -> Result<WorkResult> {
        let work = Work::of(&job.task)?;
        let entry = Name::new(&job.app.spec.entry)?;
        match work {
            Work::Test => self.test(job, &entry).await,
            Work::Backup => self.backup(job, entry, log).await,
            Work::Check(scope) => {
                log.phase("checking");
                check(&self.tools(), job, &scope, log).await
            }
            Work::Drill(scope) => drill(&self.tools(), job, scope, log).await,
            Work::Compare => compare(&self.tools(), job, log).await,
            Work::Sync => second_copy::copy(&self.tools(), job, log).await,
            Work::Prune { token } => self.prune(job, token.as_deref(), log).await,
            Work::Maintenance => self.maintain(job, log).await,
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
                    reason: format!("{answered}, but the store {place} cannot be opened: {reason}"),
                }))
            }
        }
    }
}
