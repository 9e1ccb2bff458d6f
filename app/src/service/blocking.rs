//! Work on the state, off the threads that must not wait for a disk.

use super::error::{Error, Result};
use crate::state;

/// Does it on a thread of its own.
///
/// # Errors
/// Its own, or that it broke off.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> state::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal(error.to_string()))?.map_err(Error::from)
}
