//! How the end of a task is written down, also where the database fails for some time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::blocking::blocking;
use super::clock::Clock;
use super::run_loop::Scheduler;
use super::runner::{Job, Outcome, ended};
use crate::state::{Result, StateError, Task, TaskState};

/// Wait after an end could not be written down for the first time; each further one is twice as long.
const FIRST_END_WAIT: Duration = Duration::from_secs(1);

/// Maximum wait before an end is tried to be written down again.
const MAX_END_WAIT: Duration = Duration::from_secs(60);

/// Maximum time for which that is tried. A disk that is full for some minutes must not make an
/// interrupted task of a good backup; after an hour somebody else has to see to the disk.
const MAX_END_TIME: Duration = Duration::from_secs(60 * 60);

impl<C: Clock + Clone> Scheduler<C> {
    /// Writes down how a task ended, and gives it as it is then. While the database fails that is
    /// tried again, for [`MAX_END_TIME`], or once more after this process was told to end.
    pub(super) async fn conclude(
        &self,
        job: &Job,
        outcome: Outcome,
        stop: &CancellationToken,
    ) -> Result<Task> {
        // It ended now, however late that is written down.
        let (now, id) = (self.clock.now(), job.task.id);
        let (mut wait, mut waited) = (FIRST_END_WAIT, Duration::ZERO);
        // An end is written once. If it cannot be read then, only that is tried again.
        let written = Arc::new(AtomicBool::new(false));
        loop {
            let is_last = stop.is_cancelled() || waited >= MAX_END_TIME;
            let (scheduler, tried, outcome) = (self.clone(), job.clone(), outcome.clone());
            let is_written = Arc::clone(&written);
            let write = move || {
                if !is_written.load(Ordering::Acquire) {
                    scheduler.write_end(&tried, outcome, now)?;
                    is_written.store(true, Ordering::Release);
                }
                scheduler.state.task(id)
            };
            match blocking(write).await {
                Ok(task) => return Ok(task),
                Err(error) if is_last || !matches!(error, StateError::Database(_)) => {
                    return Err(error);
                }
                Err(error) => {
                    let written = written.load(Ordering::Acquire);
                    tracing::warn!(task = id, written, %error, "its end cannot be written down, or not be read then; it is tried again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
            waited += wait;
            wait = (wait * 2).min(MAX_END_WAIT);
        }
    }

    /// One try: a single change of the state, so that it can be repeated.
    fn write_end(&self, job: &Job, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
        self.write_last_figures(job);
        let (id, task) = (job.task.id, &job.task);
        // The end of this process is nobody's wish to be without the task.
        let is_cancelled = job.cancel.is_cancelled() && !job.is_stopped();
        match job.ended(outcome) {
            Outcome::StoreLocked(line) => {
                let waited = now - task.started.unwrap_or(now);
                let late = waited >= self.settings.lock_timeout;
                let cancelled = "cancelled while the store was locked";
                let cancelled = || ended(TaskState::Cancelled, cancelled.to_owned());
                let result = if is_cancelled {
                    Some(cancelled())
                } else if late {
                    let minutes = waited.num_minutes();
                    let verdict = format!("the store stayed locked for {minutes} minutes: {line}");
                    Some(ended(TaskState::Failed, verdict))
                } else {
                    let next_try = now + self.settings.lock_retry;
                    let verdict = format!("waiting for store lock: {line}");
                    // It may have been cancelled after the last heartbeat.
                    let waits = self.state.wait(id, next_try, &verdict)?;
                    (!waits).then(cancelled)
                };
                if let Some(result) = result {
                    self.state.finish(id, &result, None, now)?;
                }
            }
            Outcome::Ended { result, .. } if result.state == TaskState::Interrupted => {
                if let Some(again) = self.state.interrupt(id, &result, now)? {
                    tracing::info!(task = id, again, "interrupted; it is queued once more");
                }
            }
            Outcome::Ended { result, retry } => {
                let again = retry
                    && result.state == TaskState::Failed
                    && task.slot.is_some()
                    && task.attempt < self.settings.attempts
                    && !is_cancelled;
                let next_try = again.then(|| now + self.settings.backoff(task.attempt + 1));
                self.state.finish(id, &result, next_try, now)?;
            }
        }
        Ok(())
    }

    /// Writes down how much it was: the next run compares with it. What fails is kept for the next
    /// try, and is no reason to be without the end.
    fn write_last_figures(&self, job: &Job) {
        let id = job.task.id;
        if let Some(progress) = job.take_progress()
            && let Err(error) = self.state.heartbeat(id, Some(&progress), self.clock.now())
        {
            tracing::warn!(task = id, %error, "how far it came is not written down");
            job.progress(progress);
        }
        if let Some(usage) = job.take_usage()
            && let Err(error) = self.state.note_usage(id, &usage)
        {
            tracing::warn!(task = id, %error, "what it took is not written down");
            job.usage(usage);
        }
    }
}
