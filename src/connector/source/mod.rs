//! The source: what is on a remote, as records, and the bytes of its files.

mod walk;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use tokio::sync::mpsc;

use super::{Identity, OpenError, Settings, explain, open_remote};
use crate::rclone::{Entry, Error, ErrorKind, Object, Reader, Remote};

/// A remote that is backed up.
#[derive(Debug)]
pub struct Source {
    remote: Remote,
    settings: Settings,
    /// The listing of the base that opening made, for the first walk.
    base: Mutex<Option<Vec<Entry>>>,
    /// The objects of the files that were told of and not acknowledged yet, by path.
    kept: Mutex<HashMap<String, Arc<Object>>>,
}

/// What there is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Absolute, with `/` between its parts.
    pub path: String,
    /// What it is.
    pub item: Item,
}

/// A folder, a file, or why it cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A folder; its time if the remote has one.
    Folder {
        /// When its contents changed last.
        modified: Option<SystemTime>,
    },
    /// A file.
    File {
        /// Bytes; `None` if the remote does not know beforehand.
        size: Option<u64>,
        /// When it was modified last.
        modified: Option<SystemTime>,
    },
    /// It could not be examined: one line that says why.
    Failed(String),
}

impl Source {
    /// Opens the remote and lists its base.
    ///
    /// # Errors
    /// One line that says what is wrong: the configuration, the login, or a base that does not
    /// exist or is a file.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let remote = open_remote(&settings).await?;
        let base = remote.list("").await.map_err(|error| explain(&settings, &error))?;
        Ok(Self { remote, settings, base: Mutex::new(Some(base)), kept: Mutex::default() })
    }

    /// Where this is.
    pub fn identity(&self) -> &Identity {
        &self.settings.identity
    }

    /// Asks the remote whether the base is still there: logs in and lists it.
    ///
    /// # Errors
    /// As for [`Source::open`].
    pub async fn ping(&self) -> Result<(), OpenError> {
        self.remote.list("").await.map(drop).map_err(|error| explain(&self.settings, &error))
    }

    /// Walks the whole tree: the root, every folder down to the base, and all that is below, each
    /// folder before what is in it. Ends early when the receiver is dropped.
    ///
    /// # Errors
    /// If the base itself cannot be listed. Any other folder that cannot is a record.
    pub async fn walk(&self, records: mpsc::Sender<Record>) -> Result<(), OpenError> {
        walk::run(self, records).await.map_err(|error| explain(&self.settings, &error))
    }

    /// Opens a file that the walk told of.
    ///
    /// # Errors
    /// `NotFound` for any other path, or for one that is acknowledged already.
    pub async fn read(&self, path: &str) -> Result<Reader, Error> {
        let object = self.kept().get(path).cloned();
        let object = object.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such file was listed, or it is done with"))?;
        object.read(0, None).await
    }

    /// Takes note that a record is dealt with: its object is let go.
    pub fn acknowledge(&self, path: &str) {
        let object = self.kept().remove(path);
        // Not under the lock: letting go of an object is a call into Go.
        drop(object);
    }

    fn keep(&self, path: &str, object: Object) {
        let previous = self.kept().insert(path.to_owned(), Arc::new(object));
        drop(previous);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Arc<Object>>> {
        // No code that can panic runs under this lock.
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take_base(&self) -> Option<Vec<Entry>> {
        self.base.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}
