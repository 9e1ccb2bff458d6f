//! How a job ended.

use crate::error::Error;

/// A file that is not in the backup, or not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its path in the snapshot; empty if plakar told only the reason.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it is there.
    Succeeded,
    /// A snapshot was made, or checked, but some entries failed.
    Errors {
        /// How many.
        count: u64,
        /// The first of them.
        failed: Vec<Failure>,
    },
    /// Nothing was made.
    Failed {
        /// Why.
        reason: String,
    },
    /// It was cancelled.
    Interrupted,
    /// Another command holds the store: worth another try within ten minutes.
    StoreLocked {
        /// What plakar said.
        reason: String,
    },
}

impl Verdict {
    /// What an error means for a job.
    pub(crate) fn of(error: Error) -> Self {
        match error {
            Error::Cancelled => Self::Interrupted,
            Error::StoreLocked(reason) => Self::StoreLocked { reason },
            error => Self::Failed { reason: error.to_string() },
        }
    }
}
