//! What can go wrong, each in one clear line, and of which kind it is.

use crate::model::Invalid;
use crate::state::StateError;
use plakar_driver::schema::Fault;

/// A `Result` of the service.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Values that the connector's schema refuses; there is at least one.
    #[error("{}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("\n"))]
    Faults(Vec<Fault>),
    /// The caller's input: what was wrong and what to give instead.
    #[error("{0}")]
    Input(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The state refused or failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// Plakar refused or failed.
    #[error(transparent)]
    Plakar(#[from] plakar_driver::Error),
    /// The connection or the store was tested before anything was saved, and did not answer well; one
    /// may save without the test.
    #[error("{0}; nothing was saved")]
    Untested(String),
    /// A fault of ours.
    #[error("the program failed inside: {0}")]
    Internal(String),
}

/// What kind of problem an error is: an exit status, or a status of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The input cannot be used.
    Input,
    /// It is not there.
    NotFound,
    /// The name is taken, or it was changed meanwhile.
    Conflict,
    /// A task runs that excludes it; later it may go.
    Busy,
    /// Plakar, a connector or a store refused.
    Refused,
    /// A fault of ours or of the machine.
    Internal,
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Input(invalid.to_string())
    }
}

impl Error {
    /// Of which kind it is.
    pub fn problem(&self) -> Problem {
        use plakar_driver::Error as Plakar;
        match self {
            Self::Faults(_)
            | Self::Input(_)
            | Self::State(StateError::Invalid(_))
            | Self::Plakar(Plakar::Input(_)) => Problem::Input,
            Self::NotFound(_)
            | Self::State(StateError::NotFound(_))
            | Self::Plakar(Plakar::NotFound(_)) => Problem::NotFound,
            Self::State(StateError::Conflict(_)) => Problem::Conflict,
            Self::State(StateError::Busy(_)) => Problem::Busy,
            Self::State(_) | Self::Internal(_) | Self::Plakar(Plakar::Io(..)) => Problem::Internal,
            Self::Plakar(_) | Self::Untested(_) => Problem::Refused,
        }
    }
}
