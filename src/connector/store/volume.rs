//! The daily volume of downloads.
//!
//! Whoever reads a store takes an error for damage (src/plugin/caller.rs says what Plakar makes of
//! one). So where the account may not download any more today, nothing that is in a packfile is
//! answered any more, and the run is ended from outside, with one line. Where that cannot be, it is
//! waited for, and one line says so. A store that is only about to be opened is refused at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::rclone::{ErrorKind, Result};

/// Interval between two tries. The bridge asks the drive less often
/// (go/drive/downloads_answers.go).
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// See [`end_runs_by`].
static RUN_ENDER: OnceLock<fn(&str) -> bool> = OnceLock::new();

/// Whether it was said that the volume is used up, and not yet that it goes on.
static REPORTED: AtomicBool = AtomicBool::new(false);

/// Has a run end by this where the daily volume is used up: it is given why, as the beginning of a
/// line that it says, and tells whether the run ends.
pub fn end_runs_by(end: fn(&str) -> bool) {
    // Only the first one counts.
    let _ = RUN_ENDER.set(end);
}

/// Reads, again and again while the volume is used up.
pub(super) async fn retry_while_used_up<T, Reading: Future<Output = Result<T>>>(
    read: impl Fn() -> Reading,
) -> Result<T> {
    loop {
        let outcome = read().await;
        match &outcome {
            Err(error) if error.kind() == ErrorKind::VolumeUsedUp => {
                if !REPORTED.swap(true, Ordering::Relaxed)
                    && !RUN_ENDER.get().is_some_and(|end| end(error.message()))
                {
                    tracing::warn!(
                        "{}. What is read of the store waits until then; Ctrl-C ends it",
                        error.message()
                    );
                }
            }
            Ok(_) if REPORTED.load(Ordering::Relaxed) => {
                if REPORTED.swap(false, Ordering::Relaxed) {
                    tracing::warn!("the drive gives bytes again: it goes on");
                }
                return outcome;
            }
            _ => return outcome,
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}
