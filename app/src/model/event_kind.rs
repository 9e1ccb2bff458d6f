//! What somebody is told of an app, in a word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;

/// What somebody is told of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A task did not do what it should.
    #[serde(rename = "failed")]
    Failed,
    /// A task came to its end, and some items failed.
    #[serde(rename = "with errors")]
    WithErrors,
    /// What was due has not run, or the newest backup is too old.
    #[serde(rename = "overdue")]
    Overdue,
    /// A check found something damaged, or could not be done.
    #[serde(rename = "check failed")]
    CheckFailed,
    /// Nothing is pruned until somebody has looked.
    #[serde(rename = "prune held")]
    PruneHeld,
    /// Nothing of that any more.
    #[serde(rename = "recovered")]
    Recovered,
    /// Nothing happened: somebody tries whether messages arrive.
    #[serde(rename = "test")]
    Test,
}

impl EventKind {
    /// All that comes by itself.
    pub const ALL: [Self; 6] = [
        Self::Failed,
        Self::WithErrors,
        Self::Overdue,
        Self::CheckFailed,
        Self::PruneHeld,
        Self::Recovered,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::WithErrors => "with errors",
            Self::Overdue => "overdue",
            Self::CheckFailed => "check failed",
            Self::PruneHeld => "prune held",
            Self::Recovered => "recovered",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            let text: String = text.escape_debug().take(60).collect();
            Invalid(format!("\"{text}\" is not an event; write one of: {words}"))
        })
    }
}
