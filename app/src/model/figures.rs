//! What a task came to, in figures.

use serde::{Deserialize, Serialize};

use super::changes::ChangeFigures;
use super::comparison::ComparisonFigures;
use super::drill::DrillFigures;

/// What a task came to, in figures; what is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskFigures {
    /// Calls that were made to the drive, each time that one was made again too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// How often the drive said to wait (429). Where `calls` is not known it is how often the
    /// connector told of one, once in two seconds at most, so there may have been more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<u64>,
    /// Bytes of files that came from the drive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// Bytes that were written to the store, which is what was new in them, compressed; to three
    /// digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// Whether it was told that the account's daily volume of downloads is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_used_up: Option<bool>,
    /// Files of the restore point that a backup made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Folders of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folders: Option<u64>,
    /// The same of two backups with the same patterns and folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
    /// What a backup found changed since the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeFigures>,
    /// What a restore drill came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillFigures>,
    /// What a comparison with the drive found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonFigures>,
    /// Of a copy to a second store: restore points of the app in its first store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<u64>,
    /// How many of them the second store has whole, as far as they were read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_in_both: Option<u64>,
    /// How many of them were not copied, as the app's range leaves them out; only of an app that has
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_left_out: Option<u64>,
    /// How many of them were copied by this task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_copied: Option<u64>,
    /// How many of them this task read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_read: Option<u64>,
}
