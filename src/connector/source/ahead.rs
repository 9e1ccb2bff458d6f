//! Reading ahead across files.
//!
//! Plakar opens files with few workers, one after another in the order of the records, and on a
//! drive each waits a round trip. Once files are seen being opened one after another, the next ones
//! are fetched before they are asked for: a window that doubles while guesses hit. A record that is
//! acknowledged unopened closes it at once, so that an incremental backup, which opens few files,
//! fetches next to nothing in vain; there, those that are likely to have changed are fetched one by
//! one. A run that opens no file fetches none.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::newer::Newer;
use crate::rclone::{Beginning, BeginningJob, CHUNK, Error, ErrorKind, Object, Reader};

/// All that may be fetched ahead, in KiB.
const BUDGET: usize = 64 << 10;

/// What is fetched of one file before it is asked for, in bytes; the rest of a larger one follows when it is.
const SLICE: usize = 4 << 20;

/// How many files must be opened one after another before any is fetched ahead.
const STREAK: usize = 2;

/// How many are fetched ahead first.
const FIRST_WINDOW: usize = 4;

/// The files that were told of and not acknowledged yet, and what is fetched of them.
#[derive(Debug)]
pub(super) struct Ahead {
    state: Mutex<State>,
    budget: Arc<Semaphore>,
    /// The widest window.
    most: usize,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<String, File>,
    /// The files that are neither opened nor acknowledged, in the order of their records.
    upcoming: BTreeMap<u64, String>,
    /// How many records there were.
    told: u64,
    /// How many files were opened since one was acknowledged unopened.
    streak: usize,
    /// How many files may be fetched ahead; 0 is closed.
    window: usize,
    /// How many are, and not opened yet.
    fetched: usize,
    /// Where to look for the next one to fetch.
    next: u64,
    newer: Newer,
    /// How many are fetched because they are likely to have changed, and not opened yet.
    likely_fetched: usize,
}

#[derive(Debug)]
struct File {
    order: u64,
    object: Arc<Object>,
    modified: Option<SystemTime>,
    opened: bool,
    fetch: Option<Fetch>,
}

/// A file's beginning, and its share of the budget.
#[derive(Debug)]
struct Fetch {
    beginning: Beginning,
    /// Whether it was likely to have changed, or else stood in the window.
    likely: bool,
    permit: OwnedSemaphorePermit,
}

/// The bytes of a file, fetched ahead or not.
#[derive(Debug)]
pub struct FileReader(Stage);

#[derive(Debug)]
enum Stage {
    /// The beginning is on its way.
    Fetching(Fetch),
    /// The beginning is here, and how it goes on.
    Beginning(Bytes, Reader, OwnedSemaphorePermit),
    /// The bytes come from the remote.
    Reading(Reader),
    Ended,
}

impl Ahead {
    /// `most` is the widest window, in files.
    pub(super) fn new(most: usize) -> Self {
        Self { state: Mutex::default(), budget: Arc::new(Semaphore::new(BUDGET)), most }
    }

    /// Takes note of a file, in the order of the records.
    pub(super) fn tell(&self, path: &str, modified: Option<SystemTime>, object: Object) {
        let mut state = self.state();
        let order = state.told;
        state.told += 1;
        state.upcoming.insert(order, path.to_owned());
        state.files.insert(path.to_owned(), File { order, object: Arc::new(object), modified, opened: false, fetch: None });
        state.newer.add(modified, order);
        self.fetch(&mut state);
    }

    /// Opens a file, and fetches those that are likely to follow.
    pub(super) async fn open(&self, path: &str) -> Result<FileReader, Error> {
        let object = {
            let mut state = self.state();
            let file = state.files.get_mut(path);
            let file = file.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such file was listed, or it is done with"))?;
            let (order, object, modified, fetch) = (file.order, file.object.clone(), file.modified, file.fetch.take());
            if !file.opened {
                file.opened = true;
                state.upcoming.remove(&order);
                state.newer.opened(modified, order);
                state.opened(order, fetch.as_ref().map(|fetch| fetch.likely), self.most);
                self.fetch(&mut state);
            }
            if let Some(fetch) = fetch {
                return Ok(FileReader(Stage::Fetching(fetch)));
            }
            object
        };
        Ok(FileReader(Stage::Reading(object.read(0, None).await?)))
    }

    /// Lets a file go; one that was not opened closes the window.
    pub(super) fn acknowledge(&self, path: &str) {
        let mut state = self.state();
        let Some(file) = state.files.remove(path) else { return };
        if !file.opened {
            state.upcoming.remove(&file.order);
            let likely = file.fetch.as_ref().map(|fetch| fetch.likely);
            state.newer.unopened(file.modified, file.order, likely == Some(true));
            state.skipped(likely);
            self.fetch(&mut state);
        }
        drop(state);
        // Not under the lock: letting go of an object is a call into Go.
        drop(file);
    }

    /// Fetches files until the window or the budget is full.
    fn fetch(&self, state: &mut State) {
        let mut jobs = Vec::new();
        // Several at once, so that other threads are woken less often.
        if state.fetched + state.window.div_ceil(4) <= state.window {
            while state.fetched < state.window {
                let Some((&order, path)) = state.upcoming.range(state.next..).next() else { break };
                let Some(file) = state.files.get_mut(path).filter(|file| file.fetch.is_none()) else {
                    state.next = order + 1;
                    continue;
                };
                let Ok(job) = self.begin(file, false) else { break };
                jobs.push(job);
                state.fetched += 1;
                state.next = order + 1;
            }
        }
        while state.fetched + state.likely_fetched < self.most
            && let Some(order) = state.newer.next(state.likely_fetched)
        {
            let file = state.upcoming.get(&order).and_then(|path| state.files.get_mut(path));
            let Some(file) = file.filter(|file| file.fetch.is_none()) else { continue };
            let Ok(job) = self.begin(file, true) else { break };
            jobs.push(job);
            state.likely_fetched += 1;
        }
        BeginningJob::start(jobs);
    }

    /// Begins to fetch a file; an error if the budget is spent or the object cannot be opened: that
    /// is told when it is asked for.
    fn begin(&self, file: &mut File, likely: bool) -> Result<BeginningJob, ()> {
        let wanted = file.object.size().map_or(SLICE, |size| size.min(SLICE as u64) as usize);
        let permits = u32::try_from(wanted.div_ceil(1024)).unwrap_or(u32::MAX).max(1);
        let permit = self.budget.clone().try_acquire_many_owned(permits).map_err(drop)?;
        let (beginning, job) = file.object.beginning(SLICE).map_err(drop)?;
        file.fetch = Some(Fetch { beginning, likely, permit });
        Ok(job)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic in between leaves the state half changed.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    /// A file is opened that was fetched, because it was likely to have changed or stood in the
    /// window, or was not.
    fn opened(&mut self, order: u64, fetched: Option<bool>, most: usize) {
        self.streak += 1;
        self.next = self.next.max(order + 1);
        match fetched {
            Some(true) => self.likely_fetched -= 1,
            Some(false) => {
                self.fetched -= 1;
                self.window = (self.window * 2).clamp(FIRST_WINDOW.min(most), most);
            }
            None if self.streak >= STREAK && self.window == 0 => self.window = FIRST_WINDOW.min(most),
            None => {}
        }
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

impl FileReader {
    /// Whether the end has been reached: nothing more will come, no error either.
    pub fn is_over(&self) -> bool {
        match &self.0 {
            Stage::Fetching(_) => false,
            Stage::Beginning(bytes, reader, _) => bytes.is_empty() && reader.is_over(),
            Stage::Reading(reader) => reader.is_over(),
            Stage::Ended => true,
        }
    }

    /// The next bytes, at most 1 MiB; `None` at the end.
    ///
    /// # Errors
    /// What the remote says; `Corrupt` at the end of a file that is not what was listed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // Taken out, so that a future that is dropped leaves an ended reader and not a torn one.
            match std::mem::replace(&mut self.0, Stage::Ended) {
                Stage::Fetching(Fetch { beginning, permit, .. }) => {
                    let (bytes, reader) = beginning.take().await?;
                    self.0 = Stage::Beginning(bytes, reader, permit);
                }
                Stage::Beginning(bytes, reader, _) if bytes.is_empty() => self.0 = Stage::Reading(reader),
                Stage::Beginning(mut bytes, reader, permit) => {
                    let chunk = bytes.split_to(bytes.len().min(CHUNK));
                    self.0 = Stage::Beginning(bytes, reader, permit);
                    return Ok(Some(chunk));
                }
                Stage::Reading(mut reader) => {
                    let chunk = reader.chunk().await?;
                    if chunk.is_some() {
                        self.0 = Stage::Reading(reader);
                    }
                    return Ok(chunk);
                }
                Stage::Ended => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens and skips files of a given order, each fetched when the window allows it.
    fn window(events: &str) -> usize {
        let mut state = State::default();
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
        let cases =
            [("", 0), ("o", 0), ("oo", 4), ("ooh", 8), ("oohh", 16), ("oohhh", 16), ("so", 0), ("oso", 0), ("osoo", 4), ("oohhs", 0)];
        for (events, expected) in cases {
            assert_eq!(window(events), expected, "{events:?}");
        }
    }
}
