//! What the errors of the connectors and of rclone mean for a command.

use terminal::exit::{Exit, Failure};

use crate::connector::{ConfigError, Identity, OpenError, Settings, explain};
use crate::rclone::{Error, ErrorKind};

/// The exit status of an error of this kind.
fn exit(kind: ErrorKind, temporary: bool) -> Exit {
    match kind {
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Authentication | ErrorKind::Undecryptable | ErrorKind::Permission => {
            Exit::Refused
        }
        ErrorKind::RateLimited
        | ErrorKind::Timeout
        | ErrorKind::Unreachable
        | ErrorKind::VolumeUsedUp => Exit::Temporary,
        ErrorKind::Config => Exit::Configuration,
        _ if temporary => Exit::Temporary,
        _ => Exit::Failed,
    }
}

/// An error that ends a command whatever it was about.
pub(super) fn failure(error: &Error) -> Failure {
    Failure::new(exit(error.kind(), error.is_temporary()), error.message())
}

/// An error about the base of a remote.
pub(super) fn remote_failure(settings: &Settings, error: &Error) -> Failure {
    explain(settings, error).into()
}

/// An error about a file, the last part of the path of a remote.
pub(super) fn file_failure(settings: &Settings, error: &Error) -> Failure {
    let Identity { origin, kind, root } = &settings.identity;
    let message = match error.kind() {
        ErrorKind::NotFound => format!("there is no file {root} on {kind} ({origin})"),
        ErrorKind::Exists => format!("{root} on {kind} ({origin}) is a folder, not a file"),
        _ => format!("cannot read {root} on {kind} ({origin}): {}", error.message()),
    };
    Failure::new(exit(error.kind(), error.is_temporary()), message)
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let exit = match &error {
            OpenError::Config(_) => Exit::Configuration,
            OpenError::Remote { kind, temporary, .. } => exit(*kind, *temporary),
        };
        Self::new(exit, error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Configuration, error.to_string())
    }
}

/// Whether a remote did not open because its base is a file.
pub(super) fn is_file(error: &OpenError) -> bool {
    matches!(error, OpenError::Remote { kind: ErrorKind::IsFile, .. })
}
