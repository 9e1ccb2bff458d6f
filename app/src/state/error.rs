//! What can go wrong with the state, each as one line for its user.

use std::path::PathBuf;

use crate::model::Invalid;

/// Why the state cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// What was given cannot be used: what is wrong and what to write.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such app, task, schedule or policy.
    #[error("{0}")]
    NotFound(String),
    /// The name is taken, or somebody else changed the same thing meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// A task runs that excludes this.
    #[error("{0}")]
    Busy(String),
    /// The directory or a file in it is not safe to use.
    #[error("{0}")]
    Unsafe(String),
    /// The database was written by a newer version of this program.
    #[error(
        "the database {path} has version {found}, and this program knows up to {known}: use the newer plakar-opendrive that wrote it"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest known version.
        known: i64,
    },
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The database failed.
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// What the functions of the state return.
pub type Result<T> = std::result::Result<T, StateError>;

impl StateError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(Invalid(message.into()))
    }

    pub(crate) fn changed_meanwhile(what: &str, name: &str) -> Self {
        Self::Conflict(format!(
            "{what} {name} was changed meanwhile; load it again and repeat the change"
        ))
    }
}

/// Whether a unique index refused the row.
pub(super) fn is_duplicate(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}
