//! Work on the state, off the threads that must not wait.

use crate::state::{Result, StateError};

/// The database waits for the disk and for other processes: not on the threads that must not wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StateError::Busy(format!("the work on the state broke off: {error}"))),
    }
}
