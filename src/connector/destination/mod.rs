//! The destination: a snapshot's folders and files, put on a remote.
//!
//! Entries come one after another, each file's bytes right behind it. Folders are made and files
//! uploaded by tasks while the stream goes on, bounded in number and in bytes.
//!
//! Modification times of files are kept, to the second on OpenDrive. Those of folders are not: the
//! drive has no call for them. Owners, modes and extended attributes have no place there either.
//!
//! Small files are taken in whole and uploaded side by side, large ones are streamed; folders are
//! made ahead, each once. `context.rs` is what the tasks share, `folder.rs` knows what is in each
//! folder and which names are taken, `folder_walk.rs` goes to one and `incoming.rs` takes a file
//! in, by stream and by call alike; `summary.rs` is what is said at the end. Plakar exits with 0
//! whatever the results say, so failures end the stream with an error.
//!
//! What a crash leaves: on OpenDrive an empty file under the name of one that was being uploaded;
//! the next restore replaces it. Nothing else is removed, because nothing tells a leftover from a
//! file of the user's.

mod call_restore;
mod content_comparer;
mod context;
mod error;
mod folder;
mod folder_walk;
mod hollow_folders;
mod incoming;
mod leftovers;
mod paths;
mod stream_restore;
mod summary;
mod upload;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;

use super::paths::join;
use super::{Identity, OpenError, Settings, explain, open_remote};
use crate::rclone::{Entry, Error, ErrorKind, Rclone, Remote, RemoteConfig};

pub use call_restore::{CallRestore, ReceivingFile};
pub use error::{PathError, RestoreError};
pub use stream_restore::StreamRestore;
pub use summary::{LeftOut, RestoreSummary};

/// A remote that is restored to.
#[derive(Debug)]
pub struct Destination {
    remote: Remote,
    settings: Settings,
}

/// An entry of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRecord {
    /// Absolute, `/` being the base of the destination.
    pub path: String,
    /// What it is.
    pub item: RestoreItem,
    /// Whether it has extended attributes.
    pub attributes: bool,
}

/// What a [`RestoreRecord`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreItem {
    /// A folder.
    Folder,
    /// A file, whose bytes follow.
    File {
        /// Bytes; `None` if it is not known beforehand.
        size: Option<u64>,
        /// When it was modified last.
        modified: SystemTime,
    },
    /// Something that a drive has no notion of.
    Other(LeftOut),
    /// It cannot be restored, whatever the remote: one line that says why.
    Failed(String),
}

/// What became of a folder or a file. There is one for each of them, in any order.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What the caller gave along with the record.
    pub ticket: T,
    /// `Ok` if it is on the remote, size and hash compared; else why it is not.
    pub result: Result<(), RestoreError>,
}

impl Destination {
    /// Opens the remote. The base need not be there.
    ///
    /// # Errors
    /// One line that says what is wrong: the configuration, the login, or a base that is a file.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let remote = open_remote(&settings).await?;
        Ok(Self { remote, settings })
    }

    /// Where this is.
    pub fn identity(&self) -> &Identity {
        &self.settings.identity
    }

    /// Checks that the base is there or can be made, and makes nothing.
    ///
    /// # Errors
    /// If the remote does not answer, or a file is where the base or a folder above it must be.
    pub async fn ping(&self) -> Result<(), OpenError> {
        self.base().await.map(drop).map_err(|error| explain(&self.settings, &error))
    }

    /// Begins to restore a tree. Outcomes go to the channel, which must be received from all the
    /// time.
    pub fn restore<T: Send + 'static>(
        self: &Arc<Self>,
        outcomes: mpsc::Sender<Outcome<T>>,
    ) -> StreamRestore<T> {
        StreamRestore::new(self.clone(), outcomes)
    }

    /// Begins to restore a tree by one call for each entry.
    pub fn restore_by_calls(self: &Arc<Self>) -> CallRestore {
        CallRestore::new(self.clone())
    }

    /// What is in the base; `None` if there is no base yet and nothing is in its way.
    async fn base(&self) -> Result<Option<Vec<Entry>>, Error> {
        match self.remote.list("").await {
            Ok(entries) => return Ok(Some(entries)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // A remote shows nothing above its base, so the way there is looked at from the root.
        let base = &self.settings.remote.path;
        let root = if base.starts_with('/') { "/" } else { "" };
        let root =
            Remote::open(&RemoteConfig { path: root.to_owned(), ..self.settings.remote.clone() })
                .await?;
        let mut above = String::new();
        for part in base.split('/').filter(|part| !part.is_empty()) {
            let entries = match root.list(&above).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                entries => entries?,
            };
            let same = |name: &str| {
                name == part || (root.features().case_insensitive && fold(name) == fold(part))
            };
            let mut folders = entries.iter().filter(|entry| same(&entry.name) && entry.is_folder());
            let found = folders.next();
            if let (Some(first), Some(second)) = (found, folders.next()) {
                let [first, second] = [first, second].map(|folder| join(&above, &folder.name));
                let problem = format!(
                    "the folders {first:?} and {second:?} are there side by side under one name"
                );
                return Err(Error::new(
                    ErrorKind::Exists,
                    format!("{problem}: rename or remove one of them"),
                ));
            }
            let Some(found) = found else {
                return match entries.iter().find(|entry| same(&entry.name)) {
                    Some(file) => Err(Error::new(
                        ErrorKind::Exists,
                        format!(
                            "there is a file at {:?}, where a folder must be: move it, or write another location",
                            join(&above, &file.name)
                        ),
                    )),
                    None => Ok(None),
                };
            };
            above = join(&above, &found.name);
        }
        Ok(None)
    }
}

/// The form in which names are compared where case does not count, nor how accents are composed. A
/// drive may fold fewer characters than this; what it would keep apart is then refused, never
/// merged.
fn fold(name: &str) -> String {
    Rclone::get().name_key(name)
}
