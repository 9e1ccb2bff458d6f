//! One-time codes: each lets one browser in.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq;

use super::secret::{self, Digest};

/// How long a code is good.
const LIFE: Duration = Duration::from_secs(12 * 3600);

/// How many unused codes are good at a time; the oldest goes.
const MOST: usize = 8;

/// The codes that are good.
#[derive(Default)]
pub(super) struct Entries {
    codes: Mutex<Vec<(Digest, SystemTime)>>,
}

impl Entries {
    /// Makes a code of 128 bits.
    pub fn issue(&self, now: SystemTime) -> String {
        let code = secret::random::<16>();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= MOST {
            codes.remove(0);
        }
        codes.push((secret::hash("entry", &code), now));
        code
    }

    /// Whether the code is good, which it is no longer then.
    pub fn take(&self, code: &str, now: SystemTime) -> bool {
        let given = secret::hash("entry", code);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|(_, issued)| now.duration_since(*issued).unwrap_or_default() < LIFE);
        let before = codes.len();
        codes.retain(|(known, _)| !bool::from(known.ct_eq(&given)));
        codes.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_and_not_for_ever() {
        let (entries, now) = (Entries::default(), SystemTime::now());
        let (first, second) = (entries.issue(now), entries.issue(now));
        assert_eq!(first.len(), 32, "128 bits");
        assert_ne!(first, second);
        assert!(!entries.take("", now) && !entries.take(&first[1..], now));
        assert!(entries.take(&first, now));
        assert!(!entries.take(&first, now), "used");
        assert!(!entries.take(&second, now + LIFE), "too late");
        let codes: Vec<_> = (0..=MOST).map(|_| entries.issue(now)).collect();
        assert!(!entries.take(&codes[0], now), "the oldest makes room");
        assert!(codes[1..].iter().all(|code| entries.take(code, now)));
    }
}
