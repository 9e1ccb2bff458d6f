//! What can go wrong on a remote.

use std::fmt;
use std::io;

use serde::Deserialize;

use terminal::text;

/// What sort of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file or folder does not exist.
    NotFound,
    /// Something of that name is there already.
    Exists,
    /// A folder was expected and a file is there.
    IsFile,
    /// The server refused the credentials.
    Authentication,
    /// Nothing in a folder can be decrypted with the password.
    Undecryptable,
    /// The account may not do this.
    Permission,
    /// The server asks to slow down.
    RateLimited,
    /// The remote cannot hold a name of this length.
    NameTooLong,
    /// The remote is full.
    NoSpace,
    /// The remote has less room left than this file takes; a smaller one may fit.
    TooLarge,
    /// The account may not download any more today.
    VolumeUsedUp,
    /// Nothing has come from the server for a while, whatever it was asked.
    #[serde(rename = "away")]
    Unreachable,
    /// The server or the network did not answer in time.
    Timeout,
    /// Size or hash differ from what they should be.
    Corrupt,
    /// The caller gave up.
    Cancelled,
    /// The configuration is wrong.
    Config,
    /// A handle that is closed already: a bug on our side.
    Handle,
    /// The backend cannot do this.
    Unsupported,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// An error from a remote: its kind, what it was about and what the server said, in one line.
///
/// Passwords and session ids are redacted before they get here (go/fault/redact.go).
#[derive(Debug, Clone, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    path: Option<String>,
    status: Option<u16>,
    retry: bool,
}

impl Error {
    /// An error of a kind, with one line that says what is wrong.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, status: None, retry: false }
    }

    /// The same error, about a path, if it does not name one yet.
    pub(crate) fn at(mut self, path: &str) -> Self {
        if self.path.is_none() && !path.is_empty() {
            self.path = Some(path.to_owned());
        }
        self
    }

    /// Reads an error of the bridge (`Error` in go/fault/errors.go) or of librclone.
    pub(super) fn from_json(text: &str) -> Self {
        #[derive(Deserialize)]
        struct BridgeError {
            kind: ErrorKind,
            message: String,
            #[serde(default)]
            path: Option<String>,
            #[serde(default)]
            status: Option<u16>,
            #[serde(default)]
            retry: bool,
        }
        #[derive(Deserialize)]
        struct LibrcloneError {
            error: String,
        }
        if let Ok(BridgeError { kind, message, path, status, retry }) = serde_json::from_str(text) {
            return Self { kind, message: text::line(&message), path, status, retry };
        }
        match serde_json::from_str(text) {
            Ok(LibrcloneError { error }) => {
                // librclone's own calls give no kind; these two texts are constants of rclone's fs
                // package.
                let missing =
                    error.contains("object not found") || error.contains("directory not found");
                Self::new(
                    if missing { ErrorKind::NotFound } else { ErrorKind::Other },
                    text::line(&error),
                )
            }
            Err(_) => Self::new(
                ErrorKind::Other,
                text::line(&format!("a reply of the bridge that is not understood: {text}")),
            ),
        }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, without the path.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The path that it was about, relative to the remote's base.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The HTTP status that the server gave.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        self.retry
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(formatter, "{}: {}", text::quoted(path), self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::Exists => io::ErrorKind::AlreadyExists,
            ErrorKind::IsFile => io::ErrorKind::NotADirectory,
            ErrorKind::Authentication | ErrorKind::Undecryptable | ErrorKind::Permission => {
                io::ErrorKind::PermissionDenied
            }
            ErrorKind::NoSpace | ErrorKind::TooLarge => io::ErrorKind::StorageFull,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Corrupt => io::ErrorKind::InvalidData,
            ErrorKind::Cancelled => io::ErrorKind::Interrupted,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// A result with an [`Error`] of a remote.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_errors_of_the_bridge_and_of_librclone() {
        let error = Error::from_json(
            r#"{"kind":"rateLimited","message":"slow down","path":"a b","status":429,"retry":true}"#,
        );
        assert_eq!(
            (error.kind(), error.status(), error.is_temporary()),
            (ErrorKind::RateLimited, Some(429), true)
        );
        assert_eq!(error.to_string(), r#""a b": slow down"#);

        let error =
            Error::from_json(r#"{"error":"error in ListJSON: directory not found","status":404}"#);
        assert_eq!(error.kind(), ErrorKind::NotFound);

        assert_eq!(Error::from_json(r#"{"kind":"new","message":"m"}"#).kind(), ErrorKind::Other);
        assert_eq!(Error::from_json("nonsense").kind(), ErrorKind::Other);
    }

    #[test]
    fn a_path_is_quoted_so_that_it_cannot_break_the_line() {
        let error = Error::new(ErrorKind::NotFound, "object not found").at("a\nb");
        assert_eq!(error.to_string(), r#""a\nb": object not found"#);
    }
}
