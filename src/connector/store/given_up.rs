//! What a read that was given up means for those that come after it.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::rclone::Error;

/// How long nobody has to ask until a read is tried again. A check or a `sync` asks without a pause;
/// `plakar ui` and `mount` go on for days, with the same connection.
const GIVEN_UP_PAUSE: Duration = Duration::from_secs(10);

/// Whether a read was given up because the drive is away.
#[derive(Debug, Default)]
pub(super) struct GivenUp(Mutex<Option<GivenUpRead>>);

#[derive(Debug)]
struct GivenUpRead {
    /// Why it was given up.
    reason: Error,
    /// When somebody asked last.
    asked: Instant,
}

impl GivenUp {
    /// Why a read fails at once, if it does. Whoever asks without a pause is told so again.
    pub(super) fn refusal(&self) -> Option<Error> {
        let mut last = self.last();
        if last.as_ref().is_some_and(|read| read.asked.elapsed() >= GIVEN_UP_PAUSE) {
            *last = None;
        }
        let read = last.as_mut()?;
        read.asked = Instant::now();
        Some(Error::new(
            read.reason.kind(),
            format!("not read, because an earlier read was given up: {}", read.reason.message()),
        ))
    }

    /// Takes note of a read that was given up; tells whether it is the first one.
    pub(super) fn begin(&self, error: &Error) -> bool {
        let reason = Error::new(error.kind(), error.message());
        self.last().replace(GivenUpRead { reason, asked: Instant::now() }).is_none()
    }

    fn last(&self) -> MutexGuard<'_, Option<GivenUpRead>> {
        // No code that can panic in between leaves it half changed.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rclone::ErrorKind;

    #[tokio::test(start_paused = true)]
    async fn reads_fail_at_once_until_nobody_has_asked_for_a_while() {
        let given_up = GivenUp::default();
        let away = Error::new(ErrorKind::Unreachable, "nothing has come");
        assert!(given_up.refusal().is_none());
        assert!(given_up.begin(&away) && !given_up.begin(&away));
        for _ in 0..5 {
            tokio::time::advance(GIVEN_UP_PAUSE - Duration::from_secs(1)).await;
            let refusal = given_up.refusal().unwrap();
            assert_eq!(refusal.kind(), ErrorKind::Unreachable);
            assert!(refusal.message().ends_with("given up: nothing has come"), "{refusal}");
        }
        tokio::time::advance(GIVEN_UP_PAUSE).await;
        assert!(given_up.refusal().is_none());
        // Whoever tries then may find the drive away again.
        assert!(given_up.begin(&away) && given_up.refusal().is_some());
    }
}
