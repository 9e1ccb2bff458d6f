//! What the tasks of a restore share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc};

use super::{Destination, Outcome, Summary};
use crate::rclone::{Error, ErrorKind};

/// After so many failures in a row that are not about a file the rest is not tried.
const HOPELESS: u32 = 16;

/// What all tasks of a restore share.
pub(super) struct Scene {
    pub(super) destination: Arc<Destination>,
    pub(super) transfers: Semaphore,
    pub(super) checkers: Semaphore,
    summary: Mutex<Summary>,
    mood: Mutex<Mood>,
}

/// Whether it makes sense to go on.
#[derive(Default)]
struct Mood {
    failures: u32,
    hopeless: Option<String>,
}

impl Scene {
    pub(super) fn new(destination: Arc<Destination>) -> Self {
        Self {
            transfers: Semaphore::new(destination.settings.transfers),
            checkers: Semaphore::new(destination.settings.checkers),
            destination,
            summary: Mutex::default(),
            mood: Mutex::default(),
        }
    }

    /// Why nothing more is tried, if so.
    pub(super) fn hopeless(&self) -> Option<String> {
        self.mood().hopeless.clone()
    }

    /// Learns from how an upload ended.
    pub(super) fn learn(&self, failure: Option<&Error>) {
        let mut mood = self.mood();
        let Some(error) = failure else {
            mood.failures = 0;
            return;
        };
        let lasting = match error.kind() {
            ErrorKind::NoSpace => Some(format!("the destination is full: {}", error.message())),
            ErrorKind::Authentication => Some(format!("the destination refuses the login: {}", error.message())),
            ErrorKind::Timeout | ErrorKind::RateLimited | ErrorKind::Other => {
                mood.failures += 1;
                (mood.failures >= HOPELESS)
                    .then(|| format!("not tried any more after {HOPELESS} failures in a row, the last of which was: {}", error.message()))
            }
            _ => None,
        };
        if mood.hopeless.is_none() {
            mood.hopeless = lasting;
        }
    }

    /// Gives an outcome, and takes note of a failure.
    pub(super) async fn tell<T>(&self, outcomes: &mpsc::Sender<Outcome<T>>, path: &str, ticket: T, result: Result<(), String>) {
        if let Err(reason) = &result {
            self.summary().fail(path, reason);
        }
        // Whoever wanted to know may be gone.
        let _ = outcomes.send(Outcome { ticket, result }).await;
    }

    /// Takes note of a task that ended as none should.
    pub(super) fn check(&self, task: Result<(), tokio::task::JoinError>) {
        if let Err(error) = task {
            self.summary().fail("?", &format!("a bug: {error}"));
        }
    }

    pub(super) fn summary(&self) -> MutexGuard<'_, Summary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
