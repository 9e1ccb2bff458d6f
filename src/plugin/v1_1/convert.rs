//! Between the connectors' types and the messages of plugin API v1.1.0.

use std::time::{SystemTime, UNIX_EPOCH};

use tonic::{Code, Status};

use super::proto::connectors;
use crate::connector::OpenError;
use crate::connector::source::{Item, Record};
use crate::rclone::{Error, ErrorKind};

/// Go's `fs.ModeDir`.
const MODE_FOLDER: u32 = 1 << 31;

/// A cloud drive knows no modes. What comes back from a backup is its owner's alone.
const FOLDER_PERMISSIONS: u32 = 0o700;
const FILE_PERMISSIONS: u32 = 0o600;

/// A record as Plakar wants it. Everything in it is the same on every run for an unchanged file:
/// Plakar takes a file for changed when any member of its file info differs (kloset v1.1.3,
/// objects/fileinfo.go).
pub(super) fn record(record: Record) -> connectors::Record {
    let path = record.path;
    match record.item {
        Item::Folder { modified } => {
            let file_info = file_info(&path, 0, MODE_FOLDER | FOLDER_PERMISSIONS, modified);
            connectors::Record { file_info: Some(file_info), pathname: path, ..Default::default() }
        }
        Item::File { size, modified } => {
            // -1 is Plakar's word for a size that shows only when it is read.
            let size = size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX));
            let file_info = file_info(&path, size, FILE_PERMISSIONS, modified);
            connectors::Record { has_reader: true, file_info: Some(file_info), pathname: path, ..Default::default() }
        }
        Item::Failed(error) => connectors::Record { error, pathname: path, ..Default::default() },
    }
}

fn file_info(path: &str, size: i64, mode: u32, modified: Option<SystemTime>) -> connectors::FileInfo {
    let name = match path.rsplit_once('/') {
        Some((_, "")) | None => "/",
        Some((_, name)) => name,
    };
    connectors::FileInfo {
        name: name.to_owned(),
        size,
        mode,
        // A time that is not known is the same one on every run.
        mod_time: Some(prost_types::Timestamp::from(modified.unwrap_or(UNIX_EPOCH))),
        nlink: 1,
        ..Default::default()
    }
}

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

/// The status for a store's resource, with its path: Plakar names it by its MAC at best.
pub(super) fn resource_status(error: &Error) -> Status {
    Status::new(code(error.kind()), error.to_string())
}

/// Plakar shows the bare message of a status, except for Unavailable and Canceled, for which it
/// has words of its own (integration-grpc v1.1.0, importer/importer.go): these two are not used.
fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Exists => Code::AlreadyExists,
        ErrorKind::IsFile => Code::FailedPrecondition,
        ErrorKind::Authentication => Code::Unauthenticated,
        ErrorKind::Permission => Code::PermissionDenied,
        ErrorKind::RateLimited | ErrorKind::NoSpace => Code::ResourceExhausted,
        ErrorKind::NameTooLong | ErrorKind::Config => Code::InvalidArgument,
        ErrorKind::Timeout => Code::DeadlineExceeded,
        ErrorKind::Corrupt => Code::DataLoss,
        ErrorKind::Unsupported => Code::Unimplemented,
        ErrorKind::Cancelled => Code::Aborted,
        _ => Code::Unknown,
    }
}
