//! How a task's work ended, put into words.

use super::error::{Error, Problem};
use super::log::TaskLog;
use crate::model::{TaskFigures, count_text, entries_text, size_text};
use crate::scheduler::Outcome;
use crate::state::{TaskResult, TaskState};
use plakar_driver::{DriveSpent, Failure, SnapshotId, Verdict, Vitals};

/// How a task ended, before it is put into words.
pub(super) struct WorkResult {
    pub(super) verdict: Verdict,
    pub(super) snapshot: Option<SnapshotId>,
    pub(super) figures: TaskFigures,
    pub(super) bytes: Option<u64>,
    /// How many entries were restored, and found as they were backed up.
    pub(super) restored: Option<u64>,
    /// What is said when all went well.
    pub(super) well: String,
    /// What is said when entries failed, and are in the log already.
    pub(super) errors: Option<String>,
    /// What is said besides, however it ended.
    pub(super) also: String,
    /// Why nothing was done, if it was not to be.
    pub(super) left_out: Option<String>,
    /// Whether the same may go well later, if it failed.
    pub(super) retry: bool,
}

impl WorkResult {
    pub(super) fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            snapshot: None,
            figures: TaskFigures::default(),
            bytes: None,
            restored: None,
            well: String::new(),
            errors: None,
            also: String::new(),
            left_out: None,
            retry: true,
        }
    }

    /// How work ends that could not go on.
    pub(super) fn of_error(error: Error) -> Self {
        match error {
            Error::Plakar(plakar_driver::Error::Cancelled) => Self::of(Verdict::Interrupted),
            Error::Plakar(plakar_driver::Error::StoreLocked(reason)) => {
                Self::of(Verdict::StoreLocked { reason })
            }
            // What the input lacks it will lack at the next try too.
            error => {
                let failed = Self::of(Verdict::Failed { reason: error.to_string() });
                Self { retry: error.problem() != Problem::Input, ..failed }
            }
        }
    }

    pub(super) fn well(well: impl Into<String>) -> Self {
        Self { well: well.into(), ..Self::of(Verdict::Succeeded) }
    }

    /// With what the connectors of all its runs of Plakar asked of the drive, if they said so.
    pub(super) fn with_spent(mut self, vitals: &Vitals, log: &mut TaskLog<'_>) -> Self {
        if let Some(DriveSpent { calls, waits, down, up }) = vitals.spent() {
            log.say(&format!(
                "{} to the drive, {} for 429, {} downloaded, {} uploaded",
                count_text(calls, "call"),
                count_text(waits, "wait"),
                size_text(down),
                size_text(up)
            ));
            self.figures.calls = Some(calls);
            self.figures.waits = Some(waits);
            self.figures.read = Some(down);
        }
        self
    }

    /// In words. What failed goes into the log.
    pub(super) fn outcome(self, log: &mut TaskLog<'_>) -> Outcome {
        let (state, errors, mut verdict) = match self.verdict {
            Verdict::Succeeded if self.left_out.is_some() => {
                (TaskState::Missed, 0, self.left_out.unwrap_or_default())
            }
            Verdict::Succeeded => (TaskState::Succeeded, 0, self.well),
            Verdict::Errors { count, failed } => {
                let said = self.errors.unwrap_or_else(|| {
                    failed.iter().for_each(|failure| log.list_failure(failure));
                    some_failed(count, &failed)
                });
                (TaskState::CompletedWithErrors, count, said)
            }
            Verdict::Failed { reason } => (TaskState::Failed, 0, reason),
            Verdict::Interrupted => (TaskState::Cancelled, 0, "cancelled".to_owned()),
            Verdict::StoreLocked { reason } => return Outcome::StoreLocked(reason),
        };
        if !self.also.is_empty() {
            verdict = format!("{verdict}; {}", self.also);
        }
        let snapshot = self.snapshot.map(|id| id.to_string());
        Outcome::Ended {
            result: TaskResult {
                state,
                exit: log.exit(),
                verdict,
                errors,
                bytes: self.bytes,
                snapshot,
                figures: self.figures,
            },
            retry: self.retry,
        }
    }
}

/// Writes the end of a task into its log.
pub(super) fn say_outcome(outcome: &Outcome, log: &mut TaskLog<'_>) {
    match outcome {
        Outcome::Ended { result, .. } => {
            log.say(&format!("{}: {}", result.state, result.verdict));
        }
        Outcome::StoreLocked(reason) => log.say(&format!("the store is locked: {reason}")),
    }
}

fn some_failed(count: u64, failed: &[Failure]) -> String {
    let one = entries_text(count);
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
