//! What the tasks of a restore share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc};

use super::error::{MAX_FAILURES_IN_A_ROW, RestoreError};
use super::hollow_folders::HollowFolders;
use super::{Destination, Outcome, RestoreSummary};
use crate::rclone::{Error, ErrorKind};

/// What all tasks of a restore share.
pub(super) struct RestoreContext {
    pub(super) destination: Arc<Destination>,
    pub(super) transfers: Semaphore,
    pub(super) checkers: Semaphore,
    summary: Mutex<RestoreSummary>,
    /// `None` where a folder may be empty.
    hollow: Option<Mutex<HollowFolders>>,
    failures: Mutex<FailureTracker>,
}

/// Whether it makes sense to go on, by how uploads have ended.
#[derive(Default)]
struct FailureTracker {
    in_a_row: u32,
    /// Why nothing more is tried.
    give_up: Option<RestoreError>,
}

impl FailureTracker {
    fn record(&mut self, failure: Option<&Error>) {
        let Some(error) = failure else {
            self.in_a_row = 0;
            return;
        };
        // What does not pass is about one file: the drive may dislike its name, for example.
        let may_pass = match error.kind() {
            ErrorKind::Timeout | ErrorKind::RateLimited => true,
            ErrorKind::Other => error.is_temporary(),
            _ => false,
        };
        let lasting = match error.kind() {
            ErrorKind::NoSpace => Some(RestoreError::NoSpace(error.clone())),
            ErrorKind::Authentication => Some(RestoreError::LoginRefused(error.clone())),
            _ if may_pass => {
                self.in_a_row += 1;
                (self.in_a_row >= MAX_FAILURES_IN_A_ROW)
                    .then(|| RestoreError::GivenUp(error.clone()))
            }
            _ => None,
        };
        if self.give_up.is_none() {
            self.give_up = lasting;
        }
    }
}

impl RestoreContext {
    pub(super) fn new(destination: Arc<Destination>) -> Self {
        Self {
            transfers: Semaphore::new(destination.settings.transfers),
            checkers: Semaphore::new(destination.settings.checkers),
            hollow: (!destination.remote.features().empty_folders).then(Mutex::default),
            destination,
            summary: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// Why nothing more is tried, if so.
    pub(super) fn give_up(&self) -> Option<RestoreError> {
        self.failures().give_up.clone()
    }

    /// Learns from how an upload ended.
    pub(super) fn record_upload(&self, failure: Option<&Error>) {
        self.failures().record(failure);
    }

    /// Gives an outcome, and takes note of a failure.
    pub(super) async fn report<T>(
        &self,
        outcomes: &mpsc::Sender<Outcome<T>>,
        path: &str,
        ticket: T,
        result: Result<(), RestoreError>,
    ) {
        if let Err(reason) = &result {
            self.summary().fail(path, &reason.to_string());
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

    /// Takes note of a folder that is restored, before anything in it is.
    pub(super) fn folder_comes(&self, path: &str) {
        self.with_hollow(|hollow| hollow.add(path));
    }

    /// Takes note that a folder has something in it.
    pub(super) fn folder_has_something(&self, path: &str) {
        self.with_hollow(|hollow| hollow.fill(path));
    }

    fn with_hollow(&self, act: impl FnOnce(&mut HollowFolders)) {
        if let Some(hollow) = &self.hollow {
            act(&mut hollow.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// All that is to be told, when everything has come to an end; nothing of it a second time.
    pub(super) fn take_summary(&self) -> RestoreSummary {
        let mut summary = self.summary();
        self.with_hollow(|hollow| hollow.tell(&mut summary));
        std::mem::take(&mut *summary)
    }

    pub(super) fn summary(&self) -> MutexGuard<'_, RestoreSummary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, FailureTracker> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gives_up(kinds: &[Option<ErrorKind>]) -> Option<String> {
        let mut failures = FailureTracker::default();
        for kind in kinds {
            failures.record(kind.map(|kind| Error::new(kind, "no")).as_ref());
        }
        failures.give_up.map(|reason| reason.to_string())
    }

    #[test]
    fn what_lasts_ends_it_at_once_and_what_may_pass_after_many_in_a_row() {
        assert_eq!(
            gives_up(&[Some(ErrorKind::NoSpace), Some(ErrorKind::Authentication)]).unwrap(),
            "the destination is full: no"
        );
        let many = [Some(ErrorKind::Timeout); MAX_FAILURES_IN_A_ROW as usize];
        assert_eq!(
            gives_up(&many).unwrap(),
            "not tried any more after 16 failures in a row, the last of which was: no"
        );
        assert_eq!(gives_up(&many[1..]), None);
        let interrupted: Vec<_> =
            many[1..].iter().copied().chain([None, Some(ErrorKind::Timeout)]).collect();
        assert_eq!(gives_up(&interrupted), None);
        for kind in [ErrorKind::NameTooLong, ErrorKind::TooLarge, ErrorKind::Other] {
            assert_eq!(gives_up(&[Some(kind); 40]), None, "{kind:?}: about one file each");
        }
    }
}
