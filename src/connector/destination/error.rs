//! Why an entry is not restored.

use std::sync::Arc;

use crate::connector::MAX_PATH_BYTES;
use crate::rclone::{Error, ErrorKind};

/// Maximum number of failures in a row that are not about a single file; the rest is not tried
/// then.
pub(super) const MAX_FAILURES_IN_A_ROW: u32 = 16;

/// Why an entry is not restored, or only in part. Shown, it is one line.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Its path cannot be one below the base.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It is a file and has the path of the base.
    #[error("a file where the folder restored to must be")]
    BaseIsFile,
    /// Something else of this restore has its name, as the remote sees names.
    #[error("{0}")]
    NameTaken(String),
    /// The remote has its name in another form only, or twice: which of the two is meant nobody can
    /// tell.
    #[error("{0}")]
    Ambiguous(String),
    /// The remote has a file of its name.
    #[error("there is a file of this name, where the folder must be: move it and restore again")]
    NotAFolder,
    /// The remote has a folder of its name.
    #[error("there is a folder of this name, where the file must be: move it and restore again")]
    NotAFile,
    /// A folder on its way is not there.
    #[error("its folder {folder:?} is not there: {reason}")]
    ParentMissing {
        /// The topmost folder that is not there, absolute.
        folder: String,
        /// Why it is not.
        reason: Arc<Self>,
    },
    /// Its bytes ended before its end.
    #[error("the stream ended within the file")]
    CutShort,
    /// Fewer bytes came than the snapshot says.
    #[error("{came} bytes came, the snapshot says {expected}")]
    TooShort {
        /// How many came.
        came: u64,
        /// How many should have come.
        expected: u64,
    },
    /// More bytes came than the snapshot says.
    #[error("{came} bytes or more came, the snapshot says {expected}")]
    TooLong {
        /// How many came, at least.
        came: u64,
        /// How many should have come.
        expected: u64,
    },
    /// What the remote has was changed by somebody else meanwhile.
    #[error("the file that is there changed meanwhile: restore again")]
    Changed,
    /// There is no file of this restore at a path that was to be changed or copied.
    #[error("there is no file {0:?}")]
    NotFound(String),
    /// The remote cannot hold a name of this length.
    #[error(
        "its name is too long for the destination: at most 255 bytes on OpenDrive, 143 where crypt encrypts names"
    )]
    NameTooLong,
    /// The remote is full.
    #[error("the destination is full: {}", .0.message())]
    NoSpace(Error),
    /// The server refuses the login.
    #[error("the destination refuses the login: {}", .0.message())]
    LoginRefused(Error),
    /// So many uploads have failed, one after another, that no other is tried.
    #[error("not tried any more after {MAX_FAILURES_IN_A_ROW} failures in a row, the last of which was: {}", .0.message())]
    GivenUp(Error),
    /// The folder cannot be made.
    #[error("the folder cannot be made: {}", .0.message())]
    MakeFolder(Error),
    /// The folder that is there cannot be listed.
    #[error("the folder that is there cannot be listed: {}", .0.message())]
    ListFolder(Error),
    /// The upload failed in a way that may pass, and its bytes are gone.
    #[error("{}; it is too large to be kept for another try: restore it again", .0.message())]
    TooLargeToRetry(Error),
    /// The file that it is a hard link to cannot be read.
    #[error("the file that it is a hard link to cannot be read: {}", .0.message())]
    LinkTarget(Error),
    /// The file that it is a hard link to has no known size.
    #[error("the file that it is a hard link to has no known size")]
    LinkTargetSize,
    /// Anything else that the remote says.
    #[error("{}", .0.message())]
    Remote(Error),
    /// The record came with this error, or without what belongs to it.
    #[error("{0}")]
    Record(String),
    /// A bug of ours, told in one line.
    #[error("{0}")]
    Bug(String),
}

/// Why a path cannot be one below the base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("a path that does not begin at the root of what is restored")]
    NotAbsolute,
    /// It is too long: its length in bytes.
    #[error("a path of {0} bytes: at most {MAX_PATH_BYTES} can be restored")]
    TooLong(usize),
    /// It has two slashes in a row, or ends in one.
    #[error("a path with an empty name in it")]
    EmptyName,
    /// It has a `.` or a `..` in it.
    #[error("a path that leads elsewhere by a {0:?}")]
    LeadsElsewhere(String),
    /// It has a NUL byte in it.
    #[error("a name with a NUL byte, which no remote can hold")]
    NulByte,
}

impl From<Error> for RestoreError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::NameTooLong => Self::NameTooLong,
            ErrorKind::NoSpace => Self::NoSpace(error),
            _ => Self::Remote(error),
        }
    }
}
