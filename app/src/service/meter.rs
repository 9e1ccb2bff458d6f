//! How far a task is: told by its log, and looked at by its watch.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{ProgressTracker, TaskUsage};
use crate::scheduler::Job;

/// What is known of how far a task is. Clones are one.
#[derive(Clone)]
pub(super) struct Meter {
    job: Job,
    begun: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    tracker: ProgressTracker,
    /// How many news there were.
    news: u64,
    /// The last thing that failed.
    last_failure: String,
    /// What Plakar complained of since the last entry that went well.
    complaint: String,
}

impl Meter {
    pub(super) fn new(job: &Job) -> Self {
        Self { job: job.clone(), begun: Instant::now(), inner: Arc::default() }
    }

    /// How long it has run.
    pub(super) fn ran(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How many news there were: while it changes the task lives.
    pub(super) fn news(&self) -> u64 {
        self.with_inner(|inner| inner.news)
    }

    /// Takes news of the task's.
    pub(super) fn take<T>(&self, change: impl FnOnce(&mut ProgressTracker, Duration) -> T) -> T {
        let now = self.ran();
        self.with_inner(|inner| {
            inner.news += 1;
            let result = change(&mut inner.tracker, now);
            self.job.progress(inner.tracker.progress(now));
            result
        })
    }

    /// Takes what was seen from outside: no news.
    pub(super) fn see(&self, change: impl FnOnce(&mut ProgressTracker, Duration)) {
        let now = self.ran();
        self.with_inner(|inner| {
            change(&mut inner.tracker, now);
            self.job.progress(inner.tracker.progress(now));
        });
    }

    /// Says what the task took so far.
    pub(super) fn usage(&self, usage: &TaskUsage) {
        self.job.usage(usage.clone());
    }

    /// An entry is done.
    pub(super) fn done(&self, path: &str) {
        self.take(|tracker, _| tracker.done(path));
        self.with_inner(|inner| inner.complaint.clear());
    }

    /// Plakar complains of something, which may be why it does not go on.
    pub(super) fn complained(&self, of: &str) {
        self.with_inner(|inner| of.clone_into(&mut inner.complaint));
    }

    /// What Plakar complained of since the last entry that went well; empty if of nothing.
    pub(super) fn complaint(&self) -> String {
        self.with_inner(|inner| inner.complaint.clone())
    }

    /// An entry failed.
    pub(super) fn failed(&self, what: &str) {
        self.take(|tracker, _| tracker.failed(what));
        self.with_inner(|inner| what.clone_into(&mut inner.last_failure));
    }

    /// How many entries failed in a row, and the last of them.
    pub(super) fn failures(&self) -> (u64, String) {
        self.with_inner(|inner| (inner.tracker.failures_in_a_row(), inner.last_failure.clone()))
    }

    fn with_inner<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
