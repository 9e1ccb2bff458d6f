//! What Plakar is told when something goes wrong.

use tonic::{Code, Status};

use crate::connector::OpenError;
use crate::connector::destination::RestoreError;
use crate::rclone::{Error, ErrorKind};

/// The status for a connector that cannot start.
pub(super) fn open_status(error: &OpenError) -> Status {
    let code = match error {
        OpenError::Config(_) => Code::InvalidArgument,
        OpenError::Remote { kind, .. } => code(*kind),
    };
    Status::new(code, error.to_string())
}

/// The status for a file; Plakar names the path itself.
pub(super) fn file_status(error: &Error) -> Status {
    Status::new(code(error.kind()), error.message())
}

/// The status for a run that has to end: not for the sake of one file, so without its path.
pub(super) fn run_status(error: &Error) -> Status {
    file_status(error)
}

/// The status for an entry that is not restored. Unavailable and Canceled are codes that Plakar has
/// its own words for.
pub(super) fn restore_status(reason: &RestoreError) -> Status {
    Status::unknown(reason.to_string())
}

/// The status for a store's resource, with its path: Plakar names it by its MAC at best.
pub(super) fn resource_status(error: &Error) -> Status {
    Status::new(code(error.kind()), error.to_string())
}

/// The status for a call that needs a connector, when there is none.
pub(super) fn not_initialised() -> Status {
    Status::failed_precondition("Init has not been called, or has failed")
}

/// The status for an Init that comes again.
pub(super) fn initialised_twice() -> Status {
    Status::failed_precondition("Init has been called before")
}

/// Plakar shows the bare message of a status, except for Unavailable and Canceled, for which it
/// has words of its own (integration-grpc v1.1.0, importer/importer.go): these two are not used.
fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Exists => Code::AlreadyExists,
        ErrorKind::IsFile => Code::FailedPrecondition,
        ErrorKind::Authentication | ErrorKind::Undecryptable => Code::Unauthenticated,
        ErrorKind::Permission => Code::PermissionDenied,
        ErrorKind::RateLimited
        | ErrorKind::NoSpace
        | ErrorKind::TooLarge
        | ErrorKind::VolumeUsedUp => Code::ResourceExhausted,
        ErrorKind::NameTooLong | ErrorKind::Config => Code::InvalidArgument,
        ErrorKind::Timeout | ErrorKind::Unreachable => Code::DeadlineExceeded,
        ErrorKind::Corrupt => Code::DataLoss,
        ErrorKind::Unsupported => Code::Unimplemented,
        ErrorKind::Cancelled => Code::Aborted,
        _ => Code::Unknown,
    }
}
