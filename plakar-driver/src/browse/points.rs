//! Restore points and what is in them, as plakar's HTTP API tells it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::error::Result;
use crate::names::{SnapshotId, SnapshotPath};
use crate::tags::{APP_TAG, BackupScope, CLASS_TAG, is_own_tag};

/// A snapshot.
#[derive(Clone, Debug)]
pub struct RestorePoint {
    /// Its id.
    pub id: SnapshotId,
    /// When it was begun.
    pub taken: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// The app's id, if an app made it.
    pub app: Option<String>,
    /// The name it was made under.
    pub name: String,
    /// The job it was made by.
    pub job: String,
    /// The environment.
    pub environment: String,
    /// The data classes.
    pub classes: Vec<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// What of its source it is made of.
    pub scope: BackupScope,
    /// All of its tags, those of the app and the classes too.
    pub tags: Vec<String>,
    /// Where it comes from: account or host.
    pub origin: String,
    /// The path in it that was backed up.
    pub root: String,
    /// Bytes of all files.
    pub size: u64,
    /// Files in it.
    pub files: u64,
    /// Folders in it.
    pub folders: u64,
    /// Entries that failed.
    pub errors: u64,
    /// The digest of all that is in it, but for what failed: two of one store with the same have the
    /// same entries (kloset v1.1.3, snapshot/header). Two that differ may have the same, too.
    pub tree: Option<String>,
}

impl RestorePoint {
    /// One of which no more is known: nothing is in it, and its root is `/`.
    pub fn new(id: SnapshotId, taken: DateTime<Utc>) -> Self {
        Self {
            id,
            taken,
            duration: Duration::ZERO,
            app: None,
            name: String::new(),
            job: String::new(),
            environment: String::new(),
            classes: Vec::new(),
            labels: Vec::new(),
            scope: BackupScope::default(),
            tags: Vec::new(),
            origin: String::new(),
            root: "/".into(),
            size: 0,
            files: 0,
            folders: 0,
            errors: 0,
            tree: None,
        }
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

/// A file or folder in a snapshot. Its name is as hostile as its maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last part of its path.
    pub name: String,
    /// The folder that it is in.
    pub folder: String,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes; of a folder, of all files below.
    pub size: u64,
    /// When it was changed.
    pub modified: DateTime<Utc>,
    /// Where a link leads.
    pub target: String,
    /// The MIME type that plakar found; empty for folders.
    pub content_type: String,
    /// The digest of the content, comparable within a store; only of a single entry.
    pub content: Option<String>,
}

impl Entry {
    /// Its path.
    ///
    /// # Errors
    /// Its name cannot be in a path.
    pub fn path(&self) -> Result<SnapshotPath> {
        SnapshotPath::new(&self.folder)?.join(&self.name)
    }
}

/// How much a path of a snapshot has in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Folders below it.
    pub folders: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The part.
    pub items: Vec<T>,
    /// How long the whole list is, if that is known.
    pub total: Option<u64>,
    /// Whether there is more after it.
    pub more: bool,
}

#[derive(Deserialize)]
pub(crate) struct Items<T> {
    pub(crate) total: u64,
    #[serde(default = "Vec::new")]
    pub(crate) items: Vec<T>,
}

#[derive(Deserialize)]
pub(crate) struct SearchPage {
    pub(crate) has_next: bool,
    pub(crate) items: Vec<RawEntry>,
}

#[derive(Deserialize)]
pub(crate) struct Single<T> {
    pub(crate) item: T,
}

#[derive(Deserialize)]
pub(crate) struct RawError {
    pub(crate) name: String,
    pub(crate) error: String,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Header {
    identifier: String,
    timestamp: DateTime<Utc>,
    duration: u64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    job: String,
    #[serde(default)]
    environment: String,
    tags: Option<Vec<String>>,
    #[serde(default)]
    sources: Vec<HeaderSource>,
}

#[derive(Clone, Deserialize)]
struct HeaderSource {
    importer: Importer,
    summary: Summary,
    #[serde(default)]
    root: Tree,
}

#[derive(Clone, Default, Deserialize)]
struct Tree {
    root: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Importer {
    origin: String,
    directory: String,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Summary {
    directory: Counts,
    below: Counts,
}

#[derive(Clone, Deserialize)]
struct Counts {
    #[serde(default)]
    size: u64,
    #[serde(default)]
    files: u64,
    #[serde(default)]
    directories: u64,
    #[serde(default)]
    errors: u64,
}

impl Summary {
    fn sum(&self, of: impl Fn(&Counts) -> u64) -> u64 {
        of(&self.directory).saturating_add(of(&self.below))
    }
}

impl Header {
    pub(crate) fn restore_point(self) -> Result<RestorePoint> {
        let id = SnapshotId::new(&self.identifier)?;
        let tags = self.tags.unwrap_or_default();
        let with = |prefix: &str| -> Vec<String> {
            tags.iter().filter_map(|tag| tag.strip_prefix(prefix).map(str::to_owned)).collect()
        };
        let sum =
            |of: fn(&Counts) -> u64| self.sources.iter().map(|source| source.summary.sum(of)).sum();
        let first = self.sources.first().map(|source| source.importer.clone());
        let tree = match &self.sources[..] {
            [only] => only.root.root.clone().filter(|digest| !digest.is_empty()),
            _ => None,
        };
        Ok(RestorePoint {
            id,
            taken: self.timestamp,
            duration: Duration::from_nanos(self.duration),
            app: with(APP_TAG).pop(),
            classes: with(CLASS_TAG),
            labels: tags.iter().filter(|tag| !is_own_tag(tag)).cloned().collect(),
            origin: first.as_ref().map(|importer| importer.origin.clone()).unwrap_or_default(),
            root: first.map(|importer| importer.directory).unwrap_or_default(),
            size: sum(|counts| counts.size),
            files: sum(|counts| counts.files),
            folders: sum(|counts| counts.directories),
            errors: sum(|counts| counts.errors),
            tree,
            scope: BackupScope::of(&tags),
            tags: tags.clone(),
            name: self.name,
            job: self.job,
            environment: self.environment,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct RawEntry {
    parent_path: String,
    file_info: FileInfo,
    summary: Option<Summary>,
    #[serde(default)]
    symlink_target: String,
    #[serde(default)]
    content_type: String,
    object: Option<ContentObject>,
}

#[derive(Deserialize)]
struct FileInfo {
    name: String,
    size: i64,
    mode: u32,
    mod_time: DateTime<Utc>,
}

#[derive(Deserialize)]
struct ContentObject {
    #[serde(rename = "contentMAC")]
    content: String,
}

impl RawEntry {
    pub(crate) fn amount(&self) -> Amount {
        match &self.summary {
            Some(summary) => Amount {
                files: summary.sum(|counts| counts.files),
                folders: summary.sum(|counts| counts.directories),
                bytes: summary.sum(|counts| counts.size),
            },
            None => Amount {
                files: 1,
                folders: 0,
                bytes: u64::try_from(self.file_info.size).unwrap_or_default(),
            },
        }
    }

    pub(crate) fn entry(self) -> Entry {
        // The bits are those of Go's FileMode.
        let kind = match self.file_info.mode {
            mode if mode & (1 << 31) != 0 => EntryKind::Folder,
            mode if mode & (1 << 27) != 0 => EntryKind::Link,
            mode if mode & 0x0728_0000 != 0 => EntryKind::Other,
            _ => EntryKind::File,
        };
        let own = u64::try_from(self.file_info.size).unwrap_or_default();
        Entry {
            name: self.file_info.name,
            folder: self.parent_path,
            kind,
            size: if kind == EntryKind::Folder {
                self.summary.map_or(0, |summary| summary.sum(|counts| counts.size))
            } else {
                own
            },
            modified: self.file_info.mod_time,
            target: self.symlink_target,
            content_type: self.content_type,
            content: self.object.map(|object| object.content),
        }
    }
}
