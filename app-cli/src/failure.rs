//! Why a command of the app ends early.

use std::io;

use plakar_driver::Error as PlakarError;
use source_app::service::{Error, Problem};
use terminal::exit::{Exit, Failure as TerminalFailure};
use web_console::server;

/// One line for the user and the exit status. It is a type of this package for the errors of the
/// app and of the console to become it by `?`.
#[derive(Debug)]
pub(crate) struct Failure(TerminalFailure);

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self(TerminalFailure::new(exit, message))
    }

    /// The command line says what cannot be done.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self(TerminalFailure::usage(message))
    }

    /// With what to write, for whom the message alone does not say it.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        let TerminalFailure { exit, message } = self.0;
        Self(TerminalFailure::new(exit, format!("{}; {hint}", message.unwrap_or_default())))
    }

    /// Whether these words are in it.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.0.message.as_deref().is_some_and(|message| message.contains(words))
    }

    /// Ended, and said so.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self(TerminalFailure::silent(exit))
    }
}

impl From<TerminalFailure> for Failure {
    fn from(failure: TerminalFailure) -> Self {
        Self(failure)
    }
}

impl From<Failure> for TerminalFailure {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Faults(_) | Error::Plakar(PlakarError::NotInstalled(_)) => Exit::Configuration,
            Error::Plakar(PlakarError::Passphrase(_)) => Exit::Refused,
            Error::Plakar(PlakarError::StoreLocked(_) | PlakarError::TimedOut(_)) => {
                Exit::Temporary
            }
            _ => match error.problem() {
                Problem::Input => Exit::Usage,
                Problem::NotFound => Exit::NotFound,
                Problem::Busy => Exit::Temporary,
                Problem::Conflict | Problem::Refused | Problem::Internal => Exit::Failed,
            },
        };
        let message = match &error {
            Error::Faults(faults) => {
                faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            other => other.to_string(),
        };
        Self::new(exit, message)
    }
}

impl From<server::ServerError> for Failure {
    fn from(error: server::ServerError) -> Self {
        let exit = match &error {
            server::ServerError::Invalid(_) => Exit::Usage,
            server::ServerError::File { .. } => Exit::Configuration,
            server::ServerError::Bind { .. } => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}
