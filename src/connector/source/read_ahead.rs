//! Reading ahead across files.
//!
//! Plakar opens files with few workers, one after another in the order of the records, and on a
//! drive each waits a round trip. Once files are seen being opened one after another, the next ones
//! are fetched before they are asked for: a window that doubles while guesses hit. A record that is
//! acknowledged unopened closes it at once, so that an incremental backup, which opens few files,
//! fetches next to nothing in vain; there, those that are likely to have changed are fetched one by
//! one. A run that opens no file fetches none.
//!
//! Where nothing is acknowledged, a file counts as left unopened when more files behind it were
//! opened than there are workers who could have it in their hands. It is let go then, and
//! `passed_files.rs` remembers what it was.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::change_predictor::ChangePredictor;
use super::passed_files::PassedFiles;
use super::reader::{FilePrefetch, FileReader};
use crate::rclone::{CHUNK_BYTES, Error, ErrorKind, Object, PrefetchJob};

/// Maximum of all that is fetched ahead, in KiB.
const MAX_PREFETCHED_KIB: usize = 64 << 10;

/// Maximum that is fetched of one file before it is asked for, in bytes; the rest of a larger one
/// follows when it is.
const MAX_PREFETCH_BYTES: usize = 4 << 20;

/// Minimum number of files that are opened one after another before any is fetched ahead.
const MIN_STREAK_FILES: usize = 2;

/// Number of files that are fetched ahead first.
const INITIAL_WINDOW_FILES: usize = 4;

/// Maximum number of files that wait to be opened where nothing is acknowledged. Plakar 1.0 holds a
/// thousand records, and gRPC at most some thousands more, before the walk has to wait.
const MAX_WAITING_FILES: usize = 16 << 10;

/// The files that were told of and not acknowledged yet, and what is fetched of them.
#[derive(Debug)]
pub(super) struct ReadAhead {
    state: Mutex<ReadAheadState>,
    budget: Arc<Semaphore>,
    /// The widest window.
    max_window: usize,
    unacknowledged: Option<UnacknowledgedOpens>,
}

/// How Plakar 1.0 opens files: it says which are done with only if it has opened them.
#[derive(Debug)]
struct UnacknowledgedOpens {
    /// How many files Plakar's workers may have in their hands.
    workers: usize,
    /// Files that may be open at once: its workers are many more than there are transfers.
    open_permits: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct ReadAheadState {
    files: HashMap<String, TrackedFile>,
    /// The files that are neither opened nor acknowledged, in the order of their records.
    upcoming: BTreeMap<u64, String>,
    /// How many records there were.
    recorded: u64,
    /// How many files were opened since one was acknowledged unopened.
    streak: usize,
    /// How many files may be fetched ahead; 0 is closed.
    window: usize,
    /// How many are, and not opened yet.
    fetched: usize,
    /// Where to look for the next one to fetch.
    next: u64,
    predictor: ChangePredictor,
    /// How many are fetched because they are likely to have changed, and not opened yet.
    likely_fetched: usize,
    /// What those were that are done with, where one may be opened again.
    passed: PassedFiles,
}

#[derive(Debug)]
struct TrackedFile {
    order: u64,
    object: Arc<Object>,
    modified: Option<SystemTime>,
    /// What tells it from another one of its name.
    stamp: u64,
    opened: bool,
    fetch: Option<FilePrefetch>,
}

impl ReadAhead {
    /// `max_window` is the widest window, in files.
    pub(super) fn new(max_window: usize) -> Self {
        Self {
            state: Mutex::default(),
            budget: Arc::new(Semaphore::new(MAX_PREFETCHED_KIB)),
            max_window,
            unacknowledged: None,
        }
    }

    /// From now on no record is acknowledged that was not opened.
    pub(super) fn without_acknowledgements(&mut self, workers: usize) {
        self.unacknowledged = Some(UnacknowledgedOpens {
            workers,
            open_permits: Arc::new(Semaphore::new(self.max_window)),
        });
    }

    /// Whether a file may be let go before it is opened.
    pub(super) fn may_let_go(&self) -> bool {
        self.unacknowledged.is_some()
    }

    /// Waits until one more file may be open.
    pub(super) async fn open_permit(&self) -> Option<OwnedSemaphorePermit> {
        let open_permits = self.unacknowledged.as_ref()?.open_permits.clone();
        // The semaphore is never closed.
        open_permits.acquire_owned().await.ok()
    }

    /// What a file was listed as that is done with; `None` if that is not known.
    pub(super) fn stamp_of_passed(&self, path: &str) -> Option<u64> {
        self.state().passed.stamp(path)
    }

    /// Takes note of a file, in the order of the records. `stamp` tells it from another one of its
    /// name.
    pub(super) fn add(&self, path: &str, modified: Option<SystemTime>, stamp: u64, object: Object) {
        let mut state = self.state();
        let order = state.recorded;
        state.recorded += 1;
        state.upcoming.insert(order, path.to_owned());
        let object = Arc::new(object);
        let file = TrackedFile { order, object, modified, stamp, opened: false, fetch: None };
        // A second walk tells of it once more.
        let before = state.files.insert(path.to_owned(), file);
        if let Some(before) = before.as_ref().filter(|before| !before.opened) {
            state.leave_unopened(before);
        }
        state.predictor.add(modified, order);
        let too_many =
            if self.may_let_go() { state.let_go(order + 1, MAX_WAITING_FILES) } else { Vec::new() };
        self.fetch(&mut state);
        drop(state);
        // Not under the lock: letting go of an object is a call into Go.
        drop((before, too_many));
    }

    /// Opens a file, and fetches those that are likely to follow.
    pub(super) async fn open(&self, path: &str) -> Result<FileReader, Error> {
        // Lives longer than the lock: letting go of an object is a call into Go.
        let mut passed = Vec::new();
        let object = {
            let mut state = self.state();
            let file = state.files.get_mut(path);
            let file = file.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "no such file was listed, or it is done with")
            })?;
            let (order, object, modified, fetch) =
                (file.order, file.object.clone(), file.modified, file.fetch.take());
            if !file.opened {
                file.opened = true;
                state.upcoming.remove(&order);
                if let Some(UnacknowledgedOpens { workers, .. }) = self.unacknowledged {
                    passed = state.let_go(order, workers);
                }
                state.predictor.opened(modified, order);
                state.opened(order, fetch.as_ref().map(|fetch| fetch.likely), self.max_window);
                self.fetch(&mut state);
            }
            if let Some(fetch) = fetch {
                return Ok(FileReader::fetching(fetch));
            }
            object
        };
        drop(passed);
        if let Some((fetch, job)) = self.whole(&object) {
            PrefetchJob::start(vec![job]);
            return Ok(FileReader::fetching(fetch));
        }
        Ok(FileReader::reading(object.read(0, None).await?))
    }

    /// Lets a file go; one that was not opened closes the window.
    pub(super) fn acknowledge(&self, path: &str) {
        let mut state = self.state();
        let Some(file) = state.files.remove(path) else { return };
        if self.may_let_go() {
            state.passed.add(path, file.stamp);
        }
        if !file.opened {
            state.leave_unopened(&file);
            self.fetch(&mut state);
        }
        drop(state);
        // Not under the lock: letting go of an object is a call into Go.
        drop(file);
    }

    /// Fetches files until the window or the budget is full.
    fn fetch(&self, state: &mut ReadAheadState) {
        let mut jobs = Vec::new();
        // Several at once, so that other threads are woken less often.
        if state.fetched + state.window.div_ceil(4) <= state.window {
            while state.fetched < state.window {
                let Some((&order, path)) = state.upcoming.range(state.next..).next() else { break };
                let Some(file) = state.files.get_mut(path).filter(|file| file.fetch.is_none())
                else {
                    state.next = order + 1;
                    continue;
                };
                let Some(job) = self.begin(file, false) else { break };
                jobs.push(job);
                state.fetched += 1;
                state.next = order + 1;
            }
        }
        while state.fetched + state.likely_fetched < self.max_window
            && let Some(order) = state.predictor.next(state.likely_fetched)
        {
            let file = state.upcoming.get(&order).and_then(|path| state.files.get_mut(path));
            let Some(file) = file.filter(|file| file.fetch.is_none()) else { continue };
            let Some(job) = self.begin(file, true) else { break };
            jobs.push(job);
            state.likely_fetched += 1;
        }
        PrefetchJob::start(jobs);
    }

    /// Begins to fetch a file; `None` if the budget is spent. An object that cannot be read is told
    /// of when it is asked for.
    fn begin(&self, file: &mut TrackedFile, likely: bool) -> Option<PrefetchJob> {
        let (fetch, job) = self.prefetch(&file.object, likely)?;
        file.fetch = Some(fetch);
        Some(job)
    }

    /// All of a file that is asked for, before any of it is given out: a damaged one can be downloaded
    /// once more then. `None` if it is too large for that, if the budget is spent, or if the first
    /// chunk has all of it anyway.
    fn whole(&self, object: &Arc<Object>) -> Option<(FilePrefetch, PrefetchJob)> {
        let size = object.size()?;
        (CHUNK_BYTES as u64..=MAX_PREFETCH_BYTES as u64).contains(&size).then_some(())?;
        self.prefetch(object, false)
    }

    fn prefetch(&self, object: &Arc<Object>, likely: bool) -> Option<(FilePrefetch, PrefetchJob)> {
        let wanted = object
            .size()
            .map_or(MAX_PREFETCH_BYTES, |size| size.min(MAX_PREFETCH_BYTES as u64) as usize);
        let permits = u32::try_from(wanted.div_ceil(1024)).unwrap_or(u32::MAX).max(1);
        let permit = self.budget.clone().try_acquire_many_owned(permits).ok()?;
        // One byte more, so that the end of the largest is found, and compared, with the last bytes.
        let (prefetch, job) = object.prefetch(MAX_PREFETCH_BYTES + 1);
        Some((FilePrefetch { prefetch, likely, permit }, job))
    }

    fn state(&self) -> MutexGuard<'_, ReadAheadState> {
        // No code that can panic in between leaves the state half changed.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl ReadAheadState {
    /// A file is opened that was fetched, because it was likely to have changed or stood in the
    /// window, or was not.
    fn opened(&mut self, order: u64, fetched: Option<bool>, max_window: usize) {
        self.streak += 1;
        self.next = self.next.max(order + 1);
        match fetched {
            Some(true) => self.likely_fetched -= 1,
            Some(false) => {
                self.fetched -= 1;
                self.window =
                    (self.window * 2).clamp(INITIAL_WINDOW_FILES.min(max_window), max_window);
            }
            None if self.streak >= MIN_STREAK_FILES && self.window == 0 => {
                self.window = INITIAL_WINDOW_FILES.min(max_window)
            }
            None => {}
        }
    }

    /// A file will not be opened.
    fn leave_unopened(&mut self, file: &TrackedFile) {
        self.upcoming.remove(&file.order);
        let likely = file.fetch.as_ref().map(|fetch| fetch.likely);
        self.predictor.unopened(file.modified, file.order, likely == Some(true));
        self.skipped(likely);
    }

    /// Lets go of the unopened files before one in the order of the records, but for the last of
    /// them.
    fn let_go(&mut self, order: u64, kept: usize) -> Vec<TrackedFile> {
        // There are never many to count: those before the last opened one went then.
        let before = if order >= self.recorded {
            self.upcoming.len()
        } else {
            self.upcoming.range(..order).count()
        };
        let mut passed = Vec::new();
        for _ in kept..before {
            let Some((_, path)) = self.upcoming.pop_first() else { break };
            let Some(file) = self.files.remove(&path) else { continue };
            self.passed.add(&path, file.stamp);
            self.leave_unopened(&file);
            passed.push(file);
        }
        passed
    }

    fn skipped(&mut self, fetched: Option<bool>) {
        self.streak = 0;
        self.window = 0;
        match fetched {
            Some(true) => self.likely_fetched -= 1,
            Some(false) => self.fetched -= 1,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens and skips files of a given order, each fetched when the window allows it.
    fn window(events: &str) -> usize {
        let mut state = ReadAheadState::default();
        for (order, event) in events.chars().enumerate() {
            match event {
                'o' => state.opened(order as u64, None, 16),
                'h' => {
                    state.fetched += 1;
                    state.opened(order as u64, Some(false), 16);
                }
                's' => state.skipped(None),
                _ => unreachable!(),
            }
        }
        state.window
    }

    #[test]
    fn the_window_opens_with_a_streak_doubles_with_hits_and_closes_with_a_skip() {
        let cases = [
            ("", 0),
            ("o", 0),
            ("oo", 4),
            ("ooh", 8),
            ("oohh", 16),
            ("oohhh", 16),
            ("so", 0),
            ("oso", 0),
            ("osoo", 4),
            ("oohhs", 0),
        ];
        for (events, expected) in cases {
            assert_eq!(window(events), expected, "{events:?}");
        }
    }
}
