//! What a task is asked to do, and how the state keeps it.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::state::{Task, TaskKind};
use plakar_driver::{SnapshotId, SnapshotPath};

/// What a task is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Test Connection.
    Test,
    /// Create Backup.
    Backup,
    /// Read all of some restore points.
    Check(CheckScope),
    /// Remove what the retention does not keep.
    Prune {
        /// That of the plan that somebody saw; a schedule needs none.
        token: Option<String>,
    },
    /// Free the space in the store that nothing needs any more.
    Maintenance,
    /// Restore some files of the newest restore point to a folder that goes, and compare them.
    Drill(DrillScope),
    /// Compare the drive with the newest restore point, by a listing and by MD5.
    Compare,
    /// Copy restore points to the second store, and read them back there.
    Sync,
    /// Restore and verify.
    Restore {
        /// The restore point.
        snapshot: SnapshotId,
        /// A folder, whose content is restored, or a file; the root is all that was backed up.
        path: SnapshotPath,
        /// Where to.
        to: RestorePlace,
        /// Whether it is taken from the app's second store.
        second: bool,
        /// Whoever asks knows that what is in the source's own place is replaced. Nothing is
        /// restored to it without.
        replace: bool,
    },
    /// Restore several files and folders together, and verify each.
    RestoreSeveral {
        /// The restore point.
        snapshot: SnapshotId,
        /// Files, and folders, which keep their names.
        paths: Vec<SnapshotPath>,
        /// Where to: the source, or a folder.
        to: RestorePlace,
        /// Whether they are taken from the app's second store.
        second: bool,
        /// As for [`Work::Restore`].
        replace: bool,
    },
}

/// Which restore points a check reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckScope {
    /// As many as the app's protection says, those first whose last check is the longest ago.
    Due,
    /// So many, in the same order; 0 for all.
    Points(u32),
    /// This one.
    Point(SnapshotId),
}

/// What a drill is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrillScope {
    /// How many files; as many as the app is set to if it is not said.
    pub files: Option<u32>,
    /// What they are chosen by; at random if it is not said.
    pub seed: Option<u32>,
}

/// Where a restore goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestorePlace {
    /// The place that the source app backs up.
    Source,
    /// The destination app of this name.
    Destination(String),
    /// A folder of this machine, as an absolute path.
    Folder(PathBuf),
}

/// As it is kept in a task's input.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) snapshot: Option<String>,
    /// When that restore point was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) taken: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) points: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<RestorePlace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    /// How many files a drill takes, and by which seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) files: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) second: Option<bool>,
}

impl Work {
    /// The kind of task.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Test => TaskKind::Test,
            Self::Backup => TaskKind::Backup,
            Self::Check(_) => TaskKind::Check,
            Self::Prune { .. } => TaskKind::Prune,
            Self::Maintenance => TaskKind::Maintenance,
            Self::Drill(_) => TaskKind::Drill,
            Self::Compare => TaskKind::Compare,
            Self::Sync => TaskKind::Sync,
            Self::Restore { .. } | Self::RestoreSeveral { .. } => TaskKind::Restore,
        }
    }

    pub(super) fn input(&self) -> Input {
        match self {
            Self::Check(CheckScope::Point(snapshot)) => {
                Input { snapshot: Some(snapshot.to_string()), ..Input::default() }
            }
            Self::Check(CheckScope::Points(points)) => {
                Input { points: Some(*points), ..Input::default() }
            }
            Self::Restore { snapshot, path, to, second, .. } => Input {
                snapshot: Some(snapshot.to_string()),
                path: Some(path.to_string()),
                to: Some(to.clone()),
                second: second.then_some(true),
                ..Input::default()
            },
            Self::RestoreSeveral { snapshot, paths, to, second, .. } => Input {
                snapshot: Some(snapshot.to_string()),
                paths: paths.iter().map(ToString::to_string).collect(),
                to: Some(to.clone()),
                second: second.then_some(true),
                ..Input::default()
            },
            Self::Drill(DrillScope { files, seed }) => {
                Input { files: *files, seed: *seed, ..Input::default() }
            }
            Self::Prune { token } => Input { token: token.clone(), ..Input::default() },
            Self::Check(CheckScope::Due)
            | Self::Test
            | Self::Backup
            | Self::Maintenance
            | Self::Compare
            | Self::Sync => Input::default(),
        }
    }

    /// What a task was asked.
    pub(super) fn of(task: &Task) -> Result<Self> {
        let input: Input = serde_json::from_value(task.input.clone())
            .map_err(|error| Error::Internal(error.to_string()))?;
        let snapshot = input.snapshot.as_deref().map(SnapshotId::new).transpose()?;
        Ok(match task.kind {
            TaskKind::Test => Self::Test,
            TaskKind::Backup => Self::Backup,
            TaskKind::Check => Self::Check(match (snapshot, input.points) {
                (Some(snapshot), _) => CheckScope::Point(snapshot),
                (None, Some(points)) => CheckScope::Points(points),
                (None, None) => CheckScope::Due,
            }),
            TaskKind::Prune => Self::Prune { token: input.token },
            TaskKind::Maintenance => Self::Maintenance,
            TaskKind::Compare => Self::Compare,
            TaskKind::Drill => Self::Drill(DrillScope { files: input.files, seed: input.seed }),
            TaskKind::Sync => Self::Sync,
            TaskKind::Restore if !input.paths.is_empty() => {
                let (Some(snapshot), Some(to)) = (snapshot, input.to) else {
                    return Err(Error::Internal(format!(
                        "task {} does not say what to restore",
                        task.id
                    )));
                };
                let paths: plakar_driver::Result<_> =
                    input.paths.iter().map(|path| SnapshotPath::new(path)).collect();
                let (paths, second) = (paths?, input.second.unwrap_or(false));
                Self::RestoreSeveral { snapshot, paths, to, second, replace: false }
            }
            TaskKind::Restore => {
                let (Some(snapshot), Some(path), Some(to)) = (snapshot, input.path, input.to)
                else {
                    return Err(Error::Internal(format!(
                        "task {} does not say what to restore",
                        task.id
                    )));
                };
                // It is asked anew each time.
                let (path, second) = (SnapshotPath::new(&path)?, input.second.unwrap_or(false));
                Self::Restore { snapshot, path, to, second, replace: false }
            }
        })
    }
}
