//! Whether a restore was proven, as the app's page shows it.

use super::format::{self, DisplayTime};
use source_app::service::ProvenRestorable;

/// The newest restore drill that went well.
pub struct ProvenCard {
    /// When it was.
    pub at: DisplayTime,
    /// The drill.
    pub task: i64,
    /// What it restored: `5 files, 12 MiB`.
    pub amount: String,
    /// How long a whole restore would take; empty if that is not known.
    pub estimate: String,
}

impl From<ProvenRestorable> for ProvenCard {
    fn from(proven: ProvenRestorable) -> Self {
        let files = format::count(proven.files, "file", "files");
        Self {
            at: DisplayTime(proven.at),
            task: proven.task,
            amount: format!("{files}, {}", format::size(proven.bytes)),
            estimate: format::capitalized(&proven.estimate()),
        }
    }
}
