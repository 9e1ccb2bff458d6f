//! The daily volume of downloads.
//!
//! Plakar 1.1 takes every error of a Get for damage: `check` says that objects are corrupted and ends with 65 (kloset v1.1.3,
//! snapshot/check.go), `restore` leaves the file out and ends with 0. No answer of a store's ends the run instead. So where the
//! account may not download any more today, what is in a packfile is waited for, and one line says so. A store that is
//! only about to be opened is refused at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::rclone::{ErrorKind, Result};

/// How long to wait until it is tried again. The bridge asks the drive less often (go/drive/downloads_answers.go).
const PAUSE: Duration = Duration::from_secs(5);

/// Whether it was said that the volume is used up, and not yet that it goes on.
static SAID: AtomicBool = AtomicBool::new(false);

/// Reads, again and again while the volume is used up.
pub(super) async fn waited_for<T, Reading: Future<Output = Result<T>>>(read: impl Fn() -> Reading) -> Result<T> {
    loop {
        let outcome = read().await;
        match &outcome {
            Err(error) if error.kind() == ErrorKind::VolumeUsedUp => {
                if !SAID.swap(true, Ordering::Relaxed) {
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
