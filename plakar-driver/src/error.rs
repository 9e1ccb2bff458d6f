//! What can go wrong, each in one clear line.

use std::path::PathBuf;
use std::time::Duration;

/// A `Result` of this part.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `plakar` is where it was looked for.
    #[error("no plakar is at {}: install Plakar 1.1 and put it in PATH, or name it in the variable PLAKAR", .0.display())]
    NotInstalled(PathBuf),
    /// The caller's input; says what was wrong and what to give instead.
    #[error("{0}")]
    Input(String),
    /// Plakar, or a connector through it, refused; its reason.
    #[error("{0}")]
    Refused(String),
    /// Another command holds the store; worth another try within ten minutes.
    #[error("the store is locked: {0}")]
    StoreLocked(String),
    /// The store cannot be opened, or is not there.
    #[error("{0}")]
    StoreUnavailable(String),
    /// The store is encrypted, and its passphrase is missing or wrong.
    #[error("{0}")]
    Passphrase(String),
    /// It took too long and was ended.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It was cancelled.
    #[error("interrupted")]
    Cancelled,
    /// There is no such snapshot, path or configuration.
    #[error("{0} does not exist")]
    NotFound(String),
    /// Plakar's answer is not one that is known.
    #[error("plakar gave an answer that is not understood: {0}")]
    Answer(String),
    /// A file or process operation of ours.
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
}

impl Error {
    /// For `map_err`: what was done when it happened.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io(what, error)
    }
}
