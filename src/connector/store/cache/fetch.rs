//! Where the cache gets its bytes.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::panics::caught;
use crate::rclone::{Error, ErrorKind, Result, Urgency};

/// Where the bytes of a file come from.
pub trait Fetch: Send + Sync + 'static {
    /// The size of the file in bytes; always the same.
    fn size(&self) -> u64;

    /// Reads exactly `length` bytes from `offset` on, as urgently as is told; never beyond the end.
    fn fetch(
        self: Arc<Self>,
        offset: u64,
        length: usize,
        urgency: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes>>;
}

/// Reads exactly `length` bytes; anything else is an error, and so is a panic.
pub(super) async fn whole<F: Fetch>(
    source: &Arc<F>,
    start: u64,
    length: u64,
    urgency: &Arc<Urgency>,
) -> Result<Bytes> {
    let fetch =
        source.clone().fetch(start, usize::try_from(length).unwrap_or(usize::MAX), urgency.clone());
    let bytes = caught(fetch).await.unwrap_or_else(|bug| Err(Error::new(ErrorKind::Other, bug)))?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(Error::new(
            ErrorKind::Corrupt,
            format!("{} bytes came from offset {start}, {length} were expected", bytes.len()),
        )),
    }
}
