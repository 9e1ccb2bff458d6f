//! What the files were that are done with, for a Plakar that opens one all the same.
//!
//! It has the attributes of the listing, so that the file must be what it was then. Only a stamp is
//! kept, and only of the last ones.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// Maximum number of files that are remembered, some 40 bytes each: four times as many as wait to
/// be opened where nothing is acknowledged.
const MAX_PASSED_FILES: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct PassedFiles {
    hasher: RandomState,
    /// By the hashes of the paths.
    stamps: HashMap<u64, u64>,
    /// Those hashes, the oldest first.
    order: VecDeque<u64>,
}

impl PassedFiles {
    /// Takes note of a file that is done with. `stamp` tells it from another one of its name.
    pub(super) fn add(&mut self, path: &str, stamp: u64) {
        let key = self.hasher.hash_one(path);
        if self.stamps.insert(key, stamp).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_PASSED_FILES
            && let Some(oldest) = self.order.pop_front()
        {
            self.stamps.remove(&oldest);
        }
    }

    /// What a file was; `None` if it was not told of, or too long ago.
    pub(super) fn stamp(&self, path: &str) -> Option<u64> {
        self.stamps.get(&self.hasher.hash_one(path)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_files_are_remembered_and_no_more_than_that() {
        let mut passed = PassedFiles::default();
        let path = |number: usize| format!("/folder/{number}");
        for number in 0..MAX_PASSED_FILES + 10 {
            passed.add(&path(number), number as u64);
        }
        // Told of once more, by a second walk.
        passed.add(&path(MAX_PASSED_FILES), 7);
        assert_eq!((passed.stamps.len(), passed.order.len()), (MAX_PASSED_FILES, MAX_PASSED_FILES));
        assert_eq!([passed.stamp(&path(9)), passed.stamp("/folder")], [None, None]);
        assert_eq!(passed.stamp(&path(10)), Some(10));
        assert_eq!(passed.stamp(&path(MAX_PASSED_FILES)), Some(7));
    }
}
