//! What is written down of a task while it runs.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::blocking::blocking;
use super::runner::Job;
use crate::state::{Result, State};

/// A heartbeat is written at least so often; another process takes a silent one for gone after two
/// minutes.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// Writes only what is new, or that it still lives: each write costs the disk.
pub(super) struct Heartbeat {
    state: State,
    /// When something was written.
    beaten: Instant,
    /// When it was written what the task took.
    usage: Instant,
}

impl Heartbeat {
    /// Of a task that has just begun.
    pub(super) fn new(state: State) -> Self {
        Self { state, beaten: Instant::now(), usage: Instant::now() }
    }

    /// Writes what there is, and tells whether somebody asked to cancel the task.
    pub(super) async fn beat(&mut self, job: &Job, now: DateTime<Utc>) -> Result<bool> {
        let (state, id, progress) = (self.state.clone(), job.task.id, job.take_progress());
        if progress.is_none() && self.beaten.elapsed() < HEARTBEAT_INTERVAL {
            return blocking(move || Ok(state.task(id)?.cancel)).await;
        }
        self.beaten = Instant::now();
        // It changes with each measurement.
        let is_late = self.usage.elapsed() >= HEARTBEAT_INTERVAL;
        let usage = if is_late { job.take_usage() } else { None };
        if usage.is_some() {
            self.usage = self.beaten;
        }
        blocking(move || {
            if let Some(usage) = &usage {
                state.note_usage(id, usage)?;
            }
            state.heartbeat(id, progress.as_ref(), now)
        })
        .await
    }
}
