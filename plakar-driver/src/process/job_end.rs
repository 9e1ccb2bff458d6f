//! How a job ended, and what that means.

use crate::error::{Error, Result};
use crate::process::last_words::LastWords;

const NO_PASSPHRASE: &str = "the store is encrypted, and Plakar was given no passphrase: give it where the store is chosen, or run \
     `plakar store set NAME passphrase_cmd=COMMAND`, where COMMAND prints it";

const WRONG_PASSPHRASE: &str = "the store is encrypted, and its passphrase is another one than what was given or what Plakar's configuration has for it";

/// How a job ended.
#[derive(Debug)]
pub(crate) struct JobEnd {
    /// The exit code, of a job that neither was cancelled nor took too long, and that plakar has begun:
    /// where it has not, and calls that well ([`plakar_words::FirstWord`]), why.
    pub(crate) how: Result<i32>,
    /// What it said last.
    pub(crate) words: LastWords,
}

impl JobEnd {
    /// The exit code, if it ended by itself.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        self.how.as_ref().ok().copied()
    }

    /// Why it failed, by plakar's last words.
    pub(crate) fn reason(&self) -> String {
        self.words.reason()
    }

    /// Fine if the exit code is 0, else what went wrong.
    pub(crate) fn success(self) -> Result<()> {
        let reason = self.reason();
        match self.how? {
            0 => Ok(()),
            code => Err(refused(code, reason)),
        }
    }
}

/// What a failed command's exit code and reason mean.
pub(crate) fn refused(code: i32, reason: String) -> Error {
    let locked = ["Can't take exclusive lock", "Can't take repository lock", "already locked"];
    match code {
        // A check that found damage. A name may have anything in it, also that the store is locked.
        65 => Error::Refused(reason),
        66 => Error::StoreUnavailable(reason),
        77 => Error::Passphrase(if reason.contains("failed to unlock") {
            WRONG_PASSPHRASE.to_owned()
        } else {
            // Plakar asked at a terminal that is not there: "inappropriate ioctl for device".
            NO_PASSPHRASE.to_owned()
        }),
        _ if locked.iter().any(|lock| reason.contains(lock)) => Error::StoreLocked(reason),
        _ => Error::Refused(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_no_lock_of_damage_that_was_found() {
        let named = || "plakar: already locked: object corrupted".to_owned();
        assert!(matches!(refused(65, named()), Error::Refused(_)));
        assert!(matches!(refused(1, named()), Error::StoreLocked(_)));
    }
}
