//! How a task's work ended, put into words.

use super::log::TaskLog;
use crate::scheduler::Outcome;
use crate::state::{TaskResult, TaskState};
use plakar_driver::{Failure, SnapshotId, Verdict};

/// How a task ended, before it is put into words.
pub(super) struct WorkResult {
    pub(super) verdict: Verdict,
    pub(super) snapshot: Option<SnapshotId>,
    pub(super) bytes: Option<u64>,
    /// What is said when all went well.
    pub(super) well: String,
    /// What is said when entries failed, and are in the log already.
    pub(super) errors: Option<String>,
    /// Whether the same may go well later, if it failed.
    pub(super) retry: bool,
}

impl WorkResult {
    pub(super) fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            snapshot: None,
            bytes: None,
            well: String::new(),
            errors: None,
            retry: true,
        }
    }

    pub(super) fn well(well: impl Into<String>) -> Self {
        Self { well: well.into(), ..Self::of(Verdict::Succeeded) }
    }

    /// Writes the end into the log.
    pub(super) fn outcome(self, log: &mut TaskLog<'_>) -> Outcome {
        let (state, errors, verdict) = match self.verdict {
            Verdict::Succeeded => (TaskState::Succeeded, 0, self.well),
            Verdict::Errors { count, failed } => {
                let said = self.errors.unwrap_or_else(|| {
                    failed.iter().for_each(|Failure { path, reason }| {
                        log.say(&format!("failed: {path} {reason}"));
                    });
                    some_failed(count, &failed)
                });
                (TaskState::CompletedWithErrors, count, said)
            }
            Verdict::Failed { reason } => (TaskState::Failed, 0, reason),
            Verdict::Interrupted => (TaskState::Cancelled, 0, "cancelled".to_owned()),
            Verdict::StoreLocked { reason } => {
                log.say(&format!("the store is locked: {reason}"));
                return Outcome::StoreLocked(reason);
            }
        };
        log.say(&format!("{state}: {verdict}"));
        let snapshot = self.snapshot.map(|id| id.to_string());
        Outcome::Ended {
            result: TaskResult {
                state,
                exit: log.exit(),
                verdict,
                errors,
                bytes: self.bytes,
                snapshot,
            },
            retry: self.retry,
        }
    }
}

fn some_failed(count: u64, failed: &[Failure]) -> String {
    let one = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    let first = failed.iter().find(|failed| !failed.path.is_empty());
    // What went wrong is no entry.
    if let (None, Some(Failure { reason, .. })) = (first, failed.first()) {
        let reason: String = reason.chars().take(200).collect();
        return if count == 1 {
            format!("1 error: {reason}")
        } else {
            format!("{count} errors; the log lists them; the first is: {reason}")
        };
    }
    let such_as = first.map_or_else(String::new, |failed| {
        let path: String = failed.path.chars().take(100).collect();
        if count == 1 { format!(" ({path})") } else { format!(" ({path} is the first)") }
    });
    format!("{one} failed{such_as}; the log lists them")
}
