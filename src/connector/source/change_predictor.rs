//! Which files are likely to have changed since the last backup: those that are newer than every
//! unchanged one that was seen. In an incremental backup they can be fetched ahead one by one.

use std::collections::BTreeSet;
use std::time::SystemTime;

/// Minimum number of files that were left unopened before the newest of them means something.
const MIN_UNOPENED_FILES: usize = 16;

/// Minimum number of right guesses for each that was wrong.
const MIN_RIGHT_PER_WRONG: usize = 10;

/// Maximum number of the newest files among which the next one is looked for.
const MAX_CANDIDATES: usize = 64;

/// The files to come by age, the newest one that was not opened, and how good it was to guess by
/// it.
#[derive(Debug, Default)]
pub(super) struct ChangePredictor {
    /// By modification time and order of the records.
    to_come: BTreeSet<(SystemTime, u64)>,
    newest: Option<SystemTime>,
    unopened: usize,
    right: usize,
    wrong: usize,
}

impl ChangePredictor {
    /// A file will come.
    pub(super) fn add(&mut self, modified: Option<SystemTime>, order: u64) {
        self.to_come.extend(modified.map(|modified| (modified, order)));
    }

    /// A file was left unopened; `guessed` if it was fetched because it was said to be likely.
    pub(super) fn unopened(&mut self, modified: Option<SystemTime>, order: u64, guessed: bool) {
        self.remove(modified, order);
        self.unopened += 1;
        self.wrong += usize::from(guessed);
        self.newest = self.newest.max(modified);
    }

    /// A file was opened.
    pub(super) fn opened(&mut self, modified: Option<SystemTime>, order: u64) {
        self.remove(modified, order);
        self.right += usize::from(self.newest.is_some() && modified > self.newest);
    }

    /// The next file that is likely to be opened, by its order; it is not said again. `pending` is
    /// how many of those that were said are neither opened nor left unopened.
    pub(super) fn next(&mut self, pending: usize) -> Option<u64> {
        // No more at once than were right so far: being wrong shows late.
        if self.unopened < MIN_UNOPENED_FILES
            || self.right <= MIN_RIGHT_PER_WRONG * self.wrong
            || pending >= self.right
        {
            return None;
        }
        let newer = self
            .to_come
            .iter()
            .rev()
            .take(MAX_CANDIDATES)
            .take_while(|(modified, _)| Some(*modified) > self.newest);
        let &found = newer.min_by_key(|(_, order)| *order)?;
        self.to_come.remove(&found);
        Some(found.1)
    }

    fn remove(&mut self, modified: Option<SystemTime>, order: u64) {
        if let Some(modified) = modified {
            self.to_come.remove(&(modified, order));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at(seconds: u64) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn only_what_is_newer_than_all_unchanged_ones_and_only_while_that_holds() {
        let mut predictor = ChangePredictor::default();
        for order in 100..110 {
            predictor.add(at(200 - order), order);
        }
        predictor.add(None, 99);
        for order in 0..MIN_UNOPENED_FILES as u64 {
            assert_eq!(predictor.next(0), None, "too few");
            predictor.unopened(at(order), order, false);
        }
        assert_eq!(predictor.next(0), None, "never seen to be right");
        predictor.opened(at(101), 50);
        assert_eq!(predictor.next(0), Some(100), "the first of those that are newer");
        assert_eq!(predictor.next(1), None, "one is on its way, and only one was right so far");
        predictor.opened(at(100), 100);
        assert_eq!(predictor.next(1), Some(101));
        predictor.unopened(at(95), 101, true);
        assert_eq!(predictor.next(0), None, "it was wrong once");
        (0..MIN_RIGHT_PER_WRONG as u64).for_each(|n| predictor.opened(at(1000), 200 + n));
        assert_eq!(
            [predictor.next(0), predictor.next(1), predictor.next(2), predictor.next(3)],
            [Some(102), Some(103), Some(104), None],
            "older than 95"
        );
    }
}
