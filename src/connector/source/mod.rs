//! The source: what is on a remote, as records, and the bytes of its files.
//!
//! `walk.rs` lists folders side by side, depth first, so that what waits stays small; a folder
//! that the drive shows inside itself is known by its id and ends there. Records go through a
//! bounded channel, so a Plakar that is slow to take them stops the walk. Objects are kept until
//! their record is acknowledged.
//!
//! `read_ahead.rs` fetches files before Plakar opens them, once it is seen opening one after
//! another; a record that is acknowledged unopened stops that. The crate `ignore-rules` matches what
//! Plakar drops without a word, and `notes.rs` says so where nothing is left.

mod change_predictor;
mod fatal_error;
mod notes;
mod passed_files;
mod read_ahead;
mod reader;
mod walk;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{ConfigError, Identity, OpenError, Settings, explain, open_remote};
use crate::rclone::{Entry, Error, ErrorKind, Listing, Remote};
use fatal_error::FatalError;
use ignore_rules::IgnoreRules;
use notes::WalkNotes;
use read_ahead::ReadAhead;
pub use reader::FileReader;

/// The hash that records have, by rclone's name.
const MD5: &str = "md5";

/// A remote that is backed up.
#[derive(Debug)]
pub struct Source {
    remote: Remote,
    settings: Settings,
    /// The listing of the base that opening made, for the first walk.
    base: Mutex<Option<Listing>>,
    /// The files that were told of and not acknowledged yet.
    files: ReadAhead,
    fatal_error: Arc<FatalError>,
    /// What Plakar leaves out.
    ignore_rules: IgnoreRules,
    notes: Mutex<WalkNotes>,
}

/// What there is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// Absolute, with `/` between its parts.
    pub path: String,
    /// What it is.
    pub item: SourceItem,
}

/// A folder, a file, or why it cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceItem {
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
        /// Its MD5 in hex, if the remote lists one.
        md5: Option<String>,
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
        if settings.checksum && remote.features().hash != MD5 {
            return Err(OpenError::Config(ConfigError::new(format!(
                "option \"checksum\" is true, and {} lists no MD5 to compare: leave the option out",
                settings.identity.kind
            ))));
        }
        let base = remote.listing("").await.map_err(|error| explain(&settings, &error))?;
        let files = ReadAhead::new(settings.transfers);
        let (ignore_rules, notes) = (IgnoreRules::default(), Mutex::default());
        Ok(Self {
            remote,
            settings,
            base: Mutex::new(Some(base)),
            files,
            fatal_error: Arc::default(),
            ignore_rules,
            notes,
        })
    }

    /// For a Plakar that drops the records that these patterns match: where none is left, it is
    /// said.
    #[must_use]
    pub fn ignoring(mut self, patterns: &[String]) -> Self {
        self.ignore_rules = IgnoreRules::new(patterns);
        self
    }

    /// For a Plakar that acknowledges only what it has opened, with so many workers: what is kept
    /// of unopened files is bounded, and no more files are open at once than there are transfers.
    #[must_use]
    pub fn without_acknowledgements(mut self, workers: usize) -> Self {
        self.files.without_acknowledgements(workers);
        self
    }

    /// Whether a file counts as changed when its MD5 alone has changed.
    pub fn compares_checksums(&self) -> bool {
        self.settings.checksum
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

    /// Opens a file that the walk told of; those that are likely to be opened next are fetched
    /// ahead.
    ///
    /// # Errors
    /// `NotFound` for any other path, or for one that is acknowledged already.
    pub async fn read(&self, path: &str) -> Result<FileReader, Error> {
        let open_permit = self.files.open_permit().await;
        let reader = match self.files.open(path).await {
            Err(error) if error.kind() == ErrorKind::NotFound && self.files.may_let_go() => {
                self.read_again(path, error).await?
            }
            reader => reader?,
        };
        Ok(reader.with_run(open_permit, self.fatal_error.clone()))
    }

    /// Opens a file that was let go, if it still is what was listed: Plakar has the attributes of
    /// that. On OpenDrive these are three calls instead of one.
    async fn read_again(&self, path: &str, error: Error) -> Result<FileReader, Error> {
        let (Some(below), Some(listed)) =
            (self.identity().below(path), self.files.stamp_of_passed(path))
        else {
            return Err(error);
        };
        let Entry { object, stamp, .. } = self.remote.stat(below).await?;
        let object = object.ok_or(error)?;
        if stamp != listed {
            let why = "changed since it was listed: the next backup has it as it is then";
            return Err(Error::new(ErrorKind::Corrupt, why));
        }
        Ok(FileReader::reading(object.read(0, None).await?))
    }

    /// Waits for an error of a file's after which no other can be read: the account may not
    /// download any more today. For ever if there is none.
    pub async fn fatal_error(&self) -> Error {
        self.fatal_error.wait().await
    }

    /// Takes note that a record is dealt with: its object is let go.
    pub fn acknowledge(&self, path: &str) {
        self.files.acknowledge(path);
    }

    /// What is to be said at the end of a walk although it is no failure, one line each.
    pub fn notes(&self) -> impl Iterator<Item = String> + use<> {
        let limits = self.remote.features().limits.clone().unwrap_or_default();
        limits.into_iter().chain(std::mem::take(&mut *self.lock_notes()).lines())
    }

    fn lock_notes(&self) -> MutexGuard<'_, WalkNotes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_base_listing(&self) -> Option<Listing> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
