//! A cache of blocks of objects that do not change, for a remote where every read is slow.
//!
//! Plakar reads packfiles in pieces of about 3 kB, in a few interleaved runs over neighbouring
//! offsets, some of them backwards (kloset v1.1.3, `GetPackfileRange`). The cache turns them into
//! few, large reads: a place that is read for the first time costs 256 KiB, a place near
//! which reads have gathered a whole block, and a run has its next block fetched before it gets
//! there. What is fetched is bounded in bytes together with what is kept.

mod fetch;
mod file;
mod plan;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::future::FutureExt;
use futures::stream::{self, Stream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::fetch::whole;
use self::file::{Arrival, File, Flight, Next};
use self::plan::{BLOCK, SLOW_BLOCK, SMALL};
use super::layout::Mac;
use crate::rclone::{Error, ErrorKind, Result, Urgency};

/// A line is slow on which a read takes longer than this, until one takes less than half of it.
const SLOW: Duration = Duration::from_secs(1);

/// How many well-used blocks must leave before blocks grow again after they had to shrink.
const WELL_USED: u32 = 16;

pub use self::fetch::Fetch;

/// The cache. Clones share it.
#[derive(Clone)]
pub struct BlockCache(Arc<Inner>);

struct Inner {
    /// The bytes that may be kept or under way.
    budget: u64,
    /// How many reads may be under way.
    most: usize,
    transfers: Semaphore,
    state: Mutex<State>,
}

struct State {
    files: HashMap<Mac, File>,
    /// Bytes that are kept.
    kept: u64,
    /// Bytes that are under way.
    flying: u64,
    /// The size of blocks at present; shrinks while blocks leave before they are used.
    block: u64,
    largest: u64,
    well_used: u32,
    /// Whether the line is slow, by the last reads.
    slow: bool,
    /// Counts bytes that are used, for the order of leaving.
    clock: u64,
    last_flight: u64,
}

impl BlockCache {
    /// A cache of `budget` bytes that reads at most `transfers` blocks at once.
    pub fn new(budget: u64, transfers: usize) -> Self {
        let largest = (budget / 8).clamp(SMALL, BLOCK).next_power_of_two().min(BLOCK);
        let state = State {
            files: HashMap::new(),
            kept: 0,
            flying: 0,
            block: largest,
            largest,
            well_used: 0,
            slow: false,
            clock: 0,
            last_flight: 0,
        };
        Self(Arc::new(Inner {
            budget,
            most: transfers,
            transfers: Semaphore::new(transfers),
            state: Mutex::new(state),
        }))
    }

    /// The bytes of a range if one block holds them all: the short way, without waiting. Takes note
    /// of the read in any case, so ask here first.
    pub fn hit(
        &self,
        mac: &Mac,
        source: &Arc<impl Fetch>,
        offset: u64,
        length: usize,
    ) -> Option<Bytes> {
        let mut state = self.state();
        state.touch(self, mac, source, offset, length);
        let piece = state.piece(mac, offset, length)?;
        (piece.len() == length).then_some(piece)
    }

    /// The bytes of a range, which must lie within the file, piece by piece. Reads of other ranges
    /// may go on at the same time; what they have under way is waited for, not read twice.
    pub fn read<F: Fetch>(
        &self,
        mac: Mac,
        source: Arc<F>,
        offset: u64,
        length: u64,
    ) -> impl Stream<Item = Result<Bytes>> + Send + use<F> {
        let cache = self.clone();
        let end = offset + length;
        stream::try_unfold(offset, move |at| {
            let (cache, source) = (cache.clone(), source.clone());
            async move {
                if at >= end {
                    return Ok(None);
                }
                let piece = match cache.next(&mac, &source, at, end).await {
                    // Twice it was not what was listed. What is wanted of it may be right, and
                    // Plakar compares that with a MAC of its own.
                    Err(error)
                        if error.kind() == ErrorKind::Corrupt && source.size() <= plan::WHOLE =>
                    {
                        tracing::info!("{error}; read in parts");
                        cache.next(&mac, &source, at, end).await?
                    }
                    piece => piece?,
                };
                let after = at + piece.len() as u64;
                Ok(Some((piece, after)))
            }
        })
    }

    /// Drops what is kept of a file, because it is deleted or replaced.
    pub fn forget(&self, mac: &Mac) {
        let mut state = self.state();
        if let Some(file) = state.files.remove(mac) {
            state.kept -= file.kept();
            state.flying -= file.flying();
        }
    }

    /// The bytes that are kept or under way.
    pub fn held(&self) -> u64 {
        let state = self.state();
        state.kept + state.flying
    }

    /// The next piece of a range that begins at `at`.
    async fn next<F: Fetch>(&self, mac: &Mac, source: &Arc<F>, at: u64, end: u64) -> Result<Bytes> {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
        let next = {
            let mut state = self.state();
            match state.piece(mac, at, wanted) {
                Some(piece) => Next::Here(piece),
                None => {
                    let coming = state.fetch(self, mac, source, at, end, false);
                    // More than a block is wanted: the next one need not wait for this one.
                    let ahead = at + state.block();
                    if ahead < end && state.piece_or_flight(mac, ahead).is_none() {
                        drop(state.fetch(self, mac, source, ahead, end, true));
                    }
                    coming
                }
            }
        };
        match next {
            Next::Here(piece) => Ok(piece),
            Next::Coming(start, arrival, urgency) => {
                urgency.raise();
                // Taken from the read itself: the block may be gone from the cache when this is
                // its turn.
                let bytes = arrival.await?;
                // Counts as a use of the block, if it is kept.
                let _ = self.state().piece(mac, at, wanted);
                let skip = usize::try_from(at - start).unwrap_or(usize::MAX);
                if skip >= bytes.len() {
                    return Err(Error::new(
                        ErrorKind::Other,
                        "a bug: a block without the bytes that it was read for",
                    ));
                }
                Ok(bytes.slice(skip..bytes.len().min(skip.saturating_add(wanted))))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    /// The size of blocks, as the line is.
    fn block(&self) -> u64 {
        if self.slow { self.block.min(SLOW_BLOCK) } else { self.block }
    }

    /// What a block has from `at` on, up to `length` bytes.
    fn piece(&mut self, mac: &Mac, at: u64, length: usize) -> Option<Bytes> {
        let piece = self.files.get_mut(mac)?.piece(at, length, self.clock)?;
        self.clock += piece.len() as u64;
        Some(piece)
    }

    fn piece_or_flight(&self, mac: &Mac, at: u64) -> Option<()> {
        self.files.get(mac)?.covers(at).then_some(())
    }

    /// Takes note of a read, and reads ahead of the run that it belongs to: what nobody has used
    /// yet must not push out what is being used.
    fn touch<F: Fetch>(
        &mut self,
        cache: &BlockCache,
        mac: &Mac,
        source: &Arc<F>,
        at: u64,
        length: usize,
    ) {
        let (block, budget) = (self.block(), cache.0.budget);
        let file = self.files.entry(*mac).or_insert_with(|| File::new(source.size()));
        let Some(run) = file.touch(at, length as u64) else { return };
        if self.slow {
            // All connections shall have something to do for as long as the run goes on: as far
            // ahead as it has come.
            let window = run.come().max(2 * block);
            while let Some(ahead) =
                self.files.get(mac).and_then(|file| file.ahead(at, run, block, 1, window))
            {
                if !self.may_read_ahead(cache, &ahead) {
                    return;
                }
                drop(self.start(cache, mac, source, ahead, Arc::new(Urgency::ahead())));
            }
            return;
        }
        let Some(mut ahead) = file.ahead(at, run, block, 1, block / 2) else { return };
        if run.is_long()
            && self.unused() + 2 * block <= budget / 4
            && let Some(further) =
                self.files.get(mac).and_then(|file| file.ahead(at, run, block, 2, block))
        {
            ahead = further;
        }
        if self.may_read_ahead(cache, &ahead) {
            drop(self.start(cache, mac, source, ahead, Arc::new(Urgency::ahead())));
        }
    }

    /// Whether there is room for a block that nobody waits for, and then still for one that
    /// somebody waits for.
    fn may_read_ahead(&self, cache: &BlockCache, ahead: &Range<u64>) -> bool {
        let flights = self.files.values().map(File::flights).sum::<usize>();
        self.unused() + (ahead.end - ahead.start) <= cache.0.budget / 2
            && flights < cache.0.most.max(2) - 1
    }

    /// Bytes that are under way, or that nobody has used yet.
    fn unused(&self) -> u64 {
        self.flying + self.files.values().map(File::unused).sum::<u64>()
    }

    /// The read that will bring the byte at `at`, where it begins, and how urgent it is: one that
    /// is under way, or a new one of that urgency, see [`File::plan`]; one that is read ahead is a
    /// whole block.
    fn fetch<F: Fetch>(
        &mut self,
        cache: &BlockCache,
        mac: &Mac,
        source: &Arc<F>,
        at: u64,
        end: u64,
        ahead: bool,
    ) -> Next {
        let block = self.block();
        let file = self.files.entry(*mac).or_insert_with(|| File::new(source.size()));
        if let Some((start, flight)) = file.flight(at) {
            return Next::Coming(start, flight.arrival.clone(), flight.urgency.clone());
        }
        let (range, dropped) = file.plan(at, end, block, ahead, self.slow);
        self.kept -= dropped;
        let urgency = Arc::new(if ahead { Urgency::ahead() } else { Urgency::urgent() });
        Next::Coming(range.start, self.start(cache, mac, source, range, urgency.clone()), urgency)
    }

    /// Starts to read a range that no block and no flight has a part of.
    fn start<F: Fetch>(
        &mut self,
        cache: &BlockCache,
        mac: &Mac,
        source: &Arc<F>,
        range: Range<u64>,
        urgency: Arc<Urgency>,
    ) -> Arrival {
        let length = range.end - range.start;
        self.last_flight += 1;
        let id = self.last_flight;
        let arrival =
            arrive(cache.clone(), *mac, source.clone(), range.start, length, id, urgency.clone());
        let file = self.files.entry(*mac).or_insert_with(|| File::new(source.size()));
        file.take_off(range.start, Flight { id, length, arrival: arrival.clone(), urgency });
        self.flying += length;
        self.make_room(cache.0.budget);
        // On its own, so that it goes on when whoever wanted it has gone.
        tokio::spawn(arrival.clone());
        arrival
    }

    fn land(&mut self, mac: &Mac, start: u64, id: u64, arrived: Option<Bytes>, budget: u64) {
        // What was read ahead is used when as much has been used as may be here unused; nothing
        // that was used already is worth more.
        let clock = self.clock + budget / 2;
        // Gone if the file was forgotten meanwhile.
        let Some(file) = self.files.get_mut(mac) else { return };
        let Some(length) = file.land(start, id, arrived.clone(), clock) else { return };
        self.flying -= length;
        self.kept += arrived.map_or(0, |bytes| bytes.len() as u64);
    }

    /// Lets go of the blocks that were not used for the longest time, until the budget is kept.
    fn make_room(&mut self, budget: u64) {
        while self.kept + self.flying > budget {
            let oldest = self
                .files
                .iter()
                .filter_map(|(mac, file)| file.oldest().map(|(used, start)| (used, *mac, start)))
                .min();
            let Some((_, mac, start)) = oldest else { return };
            let Some((length, served)) =
                self.files.get_mut(&mac).and_then(|file| file.evict(start))
            else {
                return;
            };
            self.kept -= length;
            self.adapt(length, served);
        }
    }

    /// More runs than blocks fit push each other's out before they are used: smaller blocks then.
    fn adapt(&mut self, length: u64, served: u64) {
        if served < length / 2 {
            if length > SMALL {
                self.block = (self.block / 2).max(SMALL);
                self.well_used = 0;
            }
        } else if self.block < self.largest {
            self.well_used += 1;
            if self.well_used >= WELL_USED {
                self.block *= 2;
                self.well_used = 0;
            }
        }
    }
}

/// Reads a block and puts it into the cache.
fn arrive<F: Fetch>(
    cache: BlockCache,
    mac: Mac,
    source: Arc<F>,
    start: u64,
    length: u64,
    id: u64,
    urgency: Arc<Urgency>,
) -> Arrival {
    let work = async move {
        let mut begun = Instant::now();
        let result = match cache.0.transfers.acquire().await {
            Ok(_permit) => {
                begun = Instant::now();
                match whole(&source, start, length, &urgency).await {
                    // Damaged on its way; what is damaged on the drive is so the second time too.
                    Err(error) if error.kind() == ErrorKind::Corrupt => {
                        whole(&source, start, length, &urgency).await
                    }
                    outcome => outcome,
                }
            }
            Err(_) => Err(Error::new(ErrorKind::Cancelled, "cancelled")),
        };
        let took = begun.elapsed();
        let mut state = cache.state();
        if took > SLOW {
            state.slow = true;
        } else if took < SLOW / 2 && length >= state.block() / 2 && result.is_ok() {
            state.slow = false;
        }
        state.land(&mac, start, id, result.as_ref().ok().cloned(), cache.0.budget);
        // What was under way may have been more than there is room for.
        state.make_room(cache.0.budget);
        drop(state);
        result
    };
    work.boxed().shared()
}
