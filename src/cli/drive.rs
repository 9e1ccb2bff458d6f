//! Running what speaks with drives.

use std::future::Future;
use std::time::Duration;

use terminal::exit::Failure;
use terminal::runtime::{on_runtime, or_signal};

use crate::plugin::all_streams_closed;

/// How long what is under way may take to clean up after a failure or a signal.
const FAREWELL: Duration = Duration::from_secs(3);

/// Runs what speaks with drives to its end, or until a signal comes. What was cut off is removed by
/// then, as far as a few seconds do for it.
pub(super) fn drive<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    on_runtime(async {
        let outcome = or_signal(work).await;
        let _ = tokio::time::timeout(FAREWELL, all_streams_closed()).await;
        outcome
    })
}
