//! The wait between attempts at the password. It grows, and it is the same for everybody: a peer's
//! address says little, and there are no user names. It never locks out for good, and one-time
//! codes work meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many attempts need no wait: typing errors.
const FREE_ATTEMPTS: u32 = 3;

/// Maximum wait between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How long nobody has to try for the count to begin anew.
const RESET_AFTER: Duration = Duration::from_secs(15 * 60);

#[derive(Default)]
pub(super) struct Throttle {
    attempts: Mutex<Attempts>,
}

#[derive(Default)]
struct Attempts {
    failed: u32,
    last: Option<Instant>,
}

impl Attempts {
    fn wait(&self) -> Duration {
        match self.failed.checked_sub(FREE_ATTEMPTS) {
            None => Duration::ZERO,
            Some(more) => Duration::from_secs(1 << more.min(6)).min(MAX_WAIT),
        }
    }
}

impl Throttle {
    /// Takes an attempt as failed until [`Throttle::succeeded`] says otherwise, so that many at
    /// once gain nothing.
    ///
    /// # Errors
    ///
    /// How long to wait first.
    pub fn attempt(&self, now: Instant) -> Result<(), Duration> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = attempts.last {
            let passed = now.saturating_duration_since(last);
            if passed >= RESET_AFTER {
                attempts.failed = 0;
            }
            let wait = attempts.wait();
            if passed < wait {
                return Err(wait - passed);
            }
        }
        attempts.failed = attempts.failed.saturating_add(1);
        attempts.last = Some(now);
        Ok(())
    }

    pub fn succeeded(&self) {
        *self.attempts.lock().unwrap_or_else(PoisonError::into_inner) = Attempts::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_and_ends() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_ATTEMPTS {
            throttle.attempt(now).unwrap();
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(throttle.attempt(now), Err(wait));
            now += wait / 4;
            assert_eq!(
                throttle.attempt(now),
                Err(wait - wait / 4),
                "a refused attempt does not lengthen it"
            );
            now += wait - wait / 4;
            throttle.attempt(now).unwrap();
        }
        throttle.attempt(now).unwrap_err();
        now += RESET_AFTER;
        for _ in 0..FREE_ATTEMPTS {
            throttle.attempt(now).unwrap();
        }
        throttle.attempt(now).unwrap_err();
        throttle.succeeded();
        throttle.attempt(now).unwrap();
    }
}
