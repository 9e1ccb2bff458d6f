//! What uploads that were broken off have left in a folder that something is restored to.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::connector::abandoned::abandoned_before;
use crate::rclone::{Object, Remote};

/// Those of one folder, until they are removed.
#[derive(Debug, Default)]
pub(super) struct Leftovers(Mutex<Vec<Leftover>>);

/// A file that an upload of ours has left, or that one is making.
#[derive(Debug)]
struct Leftover {
    /// The name that it was to get, as the remote shows it, or the beginning of a long one.
    name: String,
    /// When something was written to it last.
    modified: SystemTime,
    object: Object,
}

impl Leftovers {
    /// Takes note of one.
    pub(super) fn add(&mut self, name: String, modified: SystemTime, object: Object) {
        let leftovers = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        leftovers.push(Leftover { name, modified, object });
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Removes what is left of uploads of one file, which is there now: as far as nothing was
    /// written to it for a day, so that what another restore is uploading stays. Nothing depends on
    /// it: what fails is left for the next restore.
    pub(super) async fn tidy(&self, name: &str, remote: &Remote) {
        let of_this_file = self.take(name);
        if of_this_file.is_empty() {
            return;
        }
        let before = abandoned_before(remote).await;
        for leftover in of_this_file.into_iter().filter(|leftover| leftover.modified < before) {
            let _ = leftover.object.delete().await;
        }
    }

    fn take(&self, name: &str) -> Vec<Leftover> {
        let mut leftovers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        leftovers.extract_if(.., |leftover| leftover.is_of(name)).collect()
    }
}

/// From so many bytes on a temporary name has only the beginning of the name that the file was to get
/// (`longLeaf` in go/core/partial.go).
const LONG_NAME_BYTES: usize = 100;

/// How many bytes of such a name are missing at most: those of what is added, and of a letter.
const MAX_CUT_BYTES: usize = 40;

impl Leftover {
    fn is_of(&self, name: &str) -> bool {
        is_of(&self.name, name)
    }
}

/// Whether an upload to `name` has a temporary name that begins so.
fn is_of(beginning: &str, name: &str) -> bool {
    beginning == name
        || (name.len() > LONG_NAME_BYTES
            && name.starts_with(beginning)
            && beginning.len() + MAX_CUT_BYTES >= name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_name_the_beginning_is_enough() {
        let long = "\u{65e5}".repeat(60);
        for (beginning, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            (&long[..150], &long, true),
            (&long[..120], &long, false),
            (&long[..90], &long[..99], false),
        ] {
            assert_eq!(is_of(beginning, name), expected, "{} of {}", beginning.len(), name.len());
        }
    }
}
