//! The daily volume of downloads.
//!
//! Whoever reads a store takes an error for damage (src/plugin/caller.rs says what Plakar makes of one). So where the account may not download any more
//! today, nothing that is in a packfile is answered any more, and the run is ended from outside, with one line. Where that cannot be, it is
//! waited for, and one line says so. A store that is only about to be opened is refused at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::rclone::{ErrorKind, Result};

/// How long to wait until it is tried again. The bridge asks the drive less often (go/drive/downloads_answers.go).
const PAUSE: Duration = Duration::from_secs(5);

/// See [`end_runs_by`].
static END: OnceLock<fn(&str) -> bool> = OnceLock::new();

/// Whether it was said that the volume is used up, and not yet that it goes on.
static SAID: AtomicBool = AtomicBool::new(false);

/// Has a run end by this where the daily volume is used up: it is given why, as the beginning of a line that it says, and tells whether the run ends.
pub fn end_runs_by(end: fn(&str) -> bool) {
    // Only the first one counts.
    let _ = END.set(end);
}

/// Reads, again and again while the volume is used up.
pub(super) async fn waited_for<T, Reading: Future<Output = Result<T>>>(read: impl Fn() -> Reading) -> Result<T> {
    loop {
        let outcome = read().await;
        match &outcome {
            Err(error) if error.kind() == ErrorKind::VolumeUsedUp => {
                if !SAID.swap(true, Ordering::Relaxed) && !END.get().is_some_and(|end| end(error.message())) {
                    tracing::warn!("{}. What is read of the store waits until then; Ctrl-C ends it", error.message());
                }
            }
            Ok(_) if SAID.load(Ordering::Relaxed) => {
                if SAID.swap(false, Ordering::Relaxed) {
                    tracing::warn!("the drive gives bytes again: it goes on");
                }
                return outcome;
            }
            _ => return outcome,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
