//! The end of a run that cannot go on.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

use crate::rclone::{Error, ErrorKind};

/// Whether a run has come to an error after which no other file can be read.
#[derive(Debug, Default)]
pub(super) struct FatalError {
    error: OnceLock<Error>,
    recorded: CancellationToken,
}

impl FatalError {
    /// Takes note of the error of a file.
    pub(super) fn record(&self, error: &Error) {
        if error.kind() == ErrorKind::VolumeUsedUp {
            // The first one is told.
            let _ = self.error.set(error.clone());
            self.recorded.cancel();
        }
    }

    /// Waits for such an error, for ever if there is none.
    pub(super) async fn wait(&self) -> Error {
        self.recorded.cancelled().await;
        self.error.get().cloned().unwrap_or_else(|| {
            Error::new(ErrorKind::Other, "a bug: the end of a run without a reason")
        })
    }
}
