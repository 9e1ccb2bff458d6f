//! What a restore is told, and what it tells as it goes on.

use std::path::PathBuf;

use crate::configuration::store::Store;
use crate::jobs::progress::Progress;
use crate::names::{Name, SnapshotId, SnapshotPath};

/// Where it is restored to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreTarget {
    /// A destination of Plakar's configuration.
    Destination(Name),
    /// The place of a source of Plakar's configuration.
    Origin(Name),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// What is restored.
#[derive(Clone, Debug)]
pub struct RestoreJob {
    /// The store it is in.
    pub store: Store,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// A folder, whose content is restored, or a file. The root means: what was backed up.
    pub path: SnapshotPath,
    /// Where to.
    pub to: RestoreTarget,
}

/// News of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreProgress {
    /// Of the restore itself.
    Restoring(Progress),
    /// Of reading the destination again.
    Reading(Progress),
    /// How many entries have been compared.
    Compared(u64),
}
