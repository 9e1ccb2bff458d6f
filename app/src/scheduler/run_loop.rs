//! The scheduler: queues what is due, claims it, has it run. Any number of processes may do so on
//! one state.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::clock::Clock;
use super::heartbeat::Heartbeat;
use super::runner::{Job, Outcome, Runner, ended};
use super::settings::Settings;
use crate::model::Due;
use crate::state::{
    AppId, EffectiveSchedule, NewTask, Result, State, Task, TaskFilter, TaskId, TaskState,
};

/// How often old history is removed.
const HISTORY_PRUNE_INTERVAL: TimeDelta = TimeDelta::hours(6);

/// Runs what is due. Clones are one scheduler.
#[derive(Clone)]
pub struct Scheduler<C> {
    pub(super) state: State,
    pub(super) clock: C,
    pub(super) settings: Settings,
    wake: Arc<Notify>,
}

impl<C: Clock + Clone> Scheduler<C> {
    /// A scheduler on a state.
    pub fn new(state: State, clock: C, settings: Settings) -> Self {
        Self { state, clock, settings, wake: Arc::default() }
    }

    /// One step: marks what was interrupted, queues the slots that are due, and claims up to `room`
    /// tasks that may run now, of all apps or of one. The caller runs them with
    /// [`Scheduler::run_job`].
    ///
    /// # Errors
    ///
    /// The database failed before anything was claimed.
    pub fn tick(&self, only: Option<AppId>, room: usize) -> Result<Vec<Job>> {
        let now = self.clock.now();
        self.mark_interrupted(now)?;
        let left_out = self.state.leave_out_paused(now)?;
        if left_out > 0 {
            tracing::info!(left_out, "what waited is left out: its schedules are paused");
        }
        for effective in self.state.effective_schedules(only)? {
            if effective.schedule.spec.enabled {
                self.queue(&effective, now)?;
            }
        }
        let mut jobs = Vec::new();
        while jobs.len() < room {
            match self.claim(only, now) {
                Ok(Some(job)) => jobs.push(job),
                Ok(None) => break,
                // What is claimed already is run.
                Err(error) if !jobs.is_empty() => {
                    tracing::error!(%error, "no more tasks could be claimed; it is tried again");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(jobs)
    }

    fn claim(&self, only: Option<AppId>, now: DateTime<Utc>) -> Result<Option<Job>> {
        let alone = self.settings.one_writer_per_store;
        let claimed = self.state.claim_leased(only, None, alone, now)?;
        claimed.map(|claimed| Job::new(self.state.clone(), claimed)).transpose()
    }

    fn mark_interrupted(&self, now: DateTime<Utc>) -> Result<()> {
        for task in self.state.mark_interrupted(now)? {
            tracing::warn!(task, "interrupted: its process is gone, or has given it up");
        }
        Ok(())
    }

    fn queue(&self, effective: &EffectiveSchedule, now: DateTime<Utc>) -> Result<()> {
        let spec = &effective.schedule.spec;
        let calendar = match effective.calendar() {
            Ok(calendar) => calendar,
            Err(error) => {
                tracing::error!(schedule = effective.schedule.id, %error, "schedule left out");
                return Ok(());
            }
        };
        let app = &effective.app_name;
        let due = calendar.due(effective.handled, now, spec.catch_up);
        if let Due::Run { slot, .. } | Due::Missed(slot) = due {
            // A slot in a pause is left out, also if somebody looks only after its end, and if it was
            // to begin later at random and a pause came first.
            let of_begin = || effective.pauses.until(calendar.begins(slot));
            if let Some(until) = effective.pauses.until(slot).or_else(of_begin) {
                self.state.pause_slot(effective, slot, until, now)?;
                return Ok(());
            }
            // One before it is dealt with when it is over.
            if effective.pauses.until(now).is_some() {
                return Ok(());
            }
        }
        match due {
            Due::No => {}
            Due::Run { slot, late } => {
                let slotted = self.state.enqueue_slot(effective, slot, now)?;
                tracing::info!(app, kind = spec.kind.as_str(), %slot, late, ?slotted, "due");
            }
            Due::Missed(slot) => {
                self.state.miss_slot(effective, slot, now)?;
            }
            Due::ClockSetBack => {
                tracing::warn!(app, handled = %effective.handled, "the clock was set back; the schedule goes on from now");
                self.state.set_handled(effective.app, effective.schedule.id, now)?;
            }
        }
        Ok(())
    }

    /// Starts a run that somebody asks for. The caller runs it with [`Scheduler::run_job`].
    ///
    /// # Errors
    ///
    /// Another task of the app runs.
    pub fn begin(&self, new: &NewTask) -> Result<Job> {
        let now = self.clock.now();
        // One that nobody sees to any more is in nobody's way. There may be no loop that looks.
        self.mark_interrupted(now)?;
        Job::new(self.state.clone(), self.state.begin_leased(new, now)?)
    }

    /// Takes this task, if it is queued and may run now. The caller runs it with
    /// [`Scheduler::run_job`].
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn claim_task(&self, id: TaskId) -> Result<Option<Job>> {
        let alone = self.settings.one_writer_per_store;
        let claimed = self.state.claim_leased(None, Some(id), alone, self.clock.now())?;
        claimed.map(|claimed| Job::new(self.state.clone(), claimed)).transpose()
    }

    /// Makes the loop look at once, after a change of schedules.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// The loop: runs what is due until it is stopped, then cancels what runs and waits for it. What
    /// was due is run once more, by whoever looks next.
    pub async fn run<R: Runner>(&self, runner: Arc<R>, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let mut pruned = None;
        while !stop.is_cancelled() {
            let room = self.settings.parallel.saturating_sub(running.len());
            let scheduler = self.clone();
            match blocking(move || scheduler.tick(None, room)).await {
                Ok(jobs) => {
                    for job in jobs {
                        let (scheduler, runner, stop) =
                            (self.clone(), Arc::clone(&runner), stop.clone());
                        running.spawn(async move { scheduler.run_job(runner, job, &stop).await });
                    }
                    runner.looked(None, self.clock.now()).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the scheduler could not look what is due; it tries again")
                }
            }
            let now = self.clock.now();
            if pruned.is_none_or(|at: DateTime<Utc>| (now - at).abs() >= HISTORY_PRUNE_INTERVAL) {
                let (state, keep, oldest) =
                    (self.state.clone(), self.settings.keep_tasks, now - self.settings.keep_for);
                if let Err(error) = blocking(move || state.prune_history(keep, oldest)).await {
                    tracing::error!(%error, "old tasks not removed");
                }
                pruned = Some(now);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(self.nap()) => {}
                Some(ended) = running.join_next() => say_fault(ended),
            }
        }
        while let Some(ended) = running.join_next().await {
            say_fault(ended);
        }
    }

    /// Runs what is due for one app, and what waits, to its end; for cron and the like. Gives the
    /// tasks that it ran. What is queued behind another process's task is waited for, and so is a run
    /// that begins later at random: whoever calls this at the times of the schedules calls it once.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn run_due<R: Runner>(
        &self,
        runner: Arc<R>,
        app: AppId,
        stop: &CancellationToken,
    ) -> Result<Vec<Task>> {
        let mut ran: Vec<TaskId> = Vec::new();
        while !stop.is_cancelled() {
            let scheduler = self.clone();
            let jobs = blocking(move || scheduler.tick(Some(app), 1)).await?;
            runner.looked(Some(app), self.clock.now()).await;
            let idle = jobs.is_empty();
            for job in jobs {
                ran.retain(|id| *id != job.task.id);
                ran.push(job.task.id);
                self.run_job(Arc::clone(&runner), job, stop).await?;
            }
            let state = self.state.clone();
            let some = move |wanted| {
                let filter =
                    TaskFilter { app: Some(app), state: Some(wanted), ..TaskFilter::default() };
                state.tasks(&filter).map(|tasks| !tasks.is_empty())
            };
            let scheduler = self.clone();
            let waits = move || {
                let about = scheduler.is_about_to_begin(app)?;
                Ok(about || some(TaskState::Waiting)? || some(TaskState::Queued)?)
            };
            if !blocking(waits).await? {
                break;
            }
            if idle {
                tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(self.nap()) => {} }
            }
        }
        let state = self.state.clone();
        blocking(move || ran.into_iter().map(|id| state.task(id)).collect()).await
    }

    /// Whether the slot of a run of an app was there, which begins later.
    fn is_about_to_begin(&self, app: AppId) -> Result<bool> {
        let now = self.clock.now();
        let schedules = self.state.effective_schedules(Some(app))?;
        Ok(schedules.iter().filter(|one| one.schedule.spec.enabled).any(|one| {
            let begin = || one.calendar().ok()?.about_to_begin(one.handled, now);
            one.pauses.until(now).is_none() && begin().is_some()
        }))
    }

    /// Runs a claimed task, tells the state that it lives, and writes down its end. [`State::cancel`]
    /// cancels it from any process. `stop`, by which this process is told to end, interrupts it: its
    /// slot is queued once more, as after a crash.
    ///
    /// # Errors
    ///
    /// The database failed for so long that the end is not written down; the task will be marked as
    /// interrupted.
    pub async fn run_job<R: Runner>(
        &self,
        runner: Arc<R>,
        job: Job,
        stop: &CancellationToken,
    ) -> Result<Task> {
        match self.run_to_end(Arc::clone(&runner), job, stop).await {
            Ok(task) => {
                runner.ended(&task).await;
                Ok(task)
            }
            Err(error) => {
                self.give_up().await;
                Err(error)
            }
        }
    }

    /// Marks a task as interrupted whose end could not be written down. If that fails too, the next look
    /// does it.
    pub(crate) async fn give_up(&self) {
        let scheduler = self.clone();
        let marked = blocking(move || scheduler.mark_interrupted(scheduler.clock.now())).await;
        if let Err(error) = marked {
            tracing::error!(%error, "what has no end could not be marked; the next look does it");
        }
    }

    async fn run_to_end<R: Runner>(
        &self,
        runner: Arc<R>,
        job: Job,
        stop: &CancellationToken,
    ) -> Result<Task> {
        let id = job.task.id;
        let work = job.clone();
        let mut handle = tokio::spawn(async move { runner.run(work).await });
        let mut heartbeat = Heartbeat::new(self.state.clone());
        let outcome = loop {
            tokio::select! {
                outcome = &mut handle => break outcome,
                () = stop.cancelled(), if !job.cancel.is_cancelled() => job.stop(),
                () = tokio::time::sleep(self.settings.heartbeat) => {
                    match heartbeat.beat(&job, self.clock.now()).await {
                        Ok(true) => job.cancel.cancel(),
                        Ok(false) => {}
                        Err(error) => tracing::warn!(task = id, %error, "no heartbeat"),
                    }
                }
            }
        };
        let outcome = outcome.unwrap_or_else(|error| {
            tracing::error!(task = id, %error, "the task's runner broke off");
            let verdict = "the program failed inside; its log says where".to_owned();
            Outcome::Ended { result: ended(TaskState::Failed, verdict), retry: false }
        });
        self.conclude(&job, outcome, stop).await
    }

    /// Until the next full minute, when slots begin, but never long: while the machine sleeps
    /// timers stand still.
    fn nap(&self) -> Duration {
        let now = self.clock.now();
        let into = Duration::from_secs(now.second().into())
            + Duration::from_nanos((now.nanosecond() % 1_000_000_000).into());
        let minute = Duration::from_secs(60).saturating_sub(into) + Duration::from_millis(1);
        minute.min(self.settings.max_sleep)
    }
}

/// Says that an end is not written down: nobody else hears of it.
fn say_fault(ended: std::result::Result<Result<Task>, JoinError>) {
    match ended {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "the end of a task could not be written down"),
        Err(error) => tracing::error!(%error, "the run of a task broke off"),
    }
}
