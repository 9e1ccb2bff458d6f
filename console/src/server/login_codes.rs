//! One-time codes: each lets one browser in.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq;

use super::secret::{self, SecretHash};

/// How long a code is good.
const CODE_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Maximum number of unused codes; with one more, the oldest goes.
const MAX_UNUSED_CODES: usize = 8;

/// The codes that are good.
#[derive(Default)]
pub(super) struct LoginCodes {
    codes: Mutex<Vec<(SecretHash, SystemTime)>>,
}

impl LoginCodes {
    /// Makes a code of 128 bits.
    pub fn issue(&self, now: SystemTime) -> String {
        let code = secret::random::<16>();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= MAX_UNUSED_CODES {
            codes.remove(0);
        }
        codes.push((secret::hash("entry", &code), now));
        code
    }

    /// Whether the code is good, which it is no longer then.
    pub fn take(&self, code: &str, now: SystemTime) -> bool {
        let given = secret::hash("entry", code);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|(_, issued)| now.duration_since(*issued).unwrap_or_default() < CODE_LIFETIME);
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
        let (login_codes, now) = (LoginCodes::default(), SystemTime::now());
        let (first, second) = (login_codes.issue(now), login_codes.issue(now));
        assert_eq!(first.len(), 32, "128 bits");
        assert_ne!(first, second);
        assert!(!login_codes.take("", now) && !login_codes.take(&first[1..], now));
        assert!(login_codes.take(&first, now));
        assert!(!login_codes.take(&first, now), "used");
        assert!(!login_codes.take(&second, now + CODE_LIFETIME), "too late");
        let codes: Vec<_> = (0..=MAX_UNUSED_CODES).map(|_| login_codes.issue(now)).collect();
        assert!(!login_codes.take(&codes[0], now), "the oldest makes room");
        assert!(codes[1..].iter().all(|code| login_codes.take(code, now)));
    }
}
