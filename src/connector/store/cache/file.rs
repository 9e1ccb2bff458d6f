//! What the cache has of one file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, Shared};

use super::plan::{self, Heat};
use crate::rclone::{Result, Urgency};

/// A block on its way, for all who wait for it.
pub(super) type Arrival = Shared<BoxFuture<'static, Result<Bytes>>>;

/// Where the next bytes are.
pub(super) enum Next {
    Here(Bytes),
    /// In a read that is under way, which began at this offset and is as urgent.
    Coming(u64, Arrival, Arc<Urgency>),
}

/// The blocks of a file that are kept or under way. They never overlap.
pub(super) struct File {
    size: u64,
    blocks: BTreeMap<u64, Block>,
    flights: BTreeMap<u64, Flight>,
    heat: Heat,
    /// Whether it was read whole and is not what was listed.
    in_parts: bool,
}

struct Block {
    bytes: Bytes,
    /// When it was used last, or will be by what is known, in bytes that were used until then.
    used: u64,
    /// How many bytes were given of it, some perhaps several times.
    served: u64,
}

/// A block that is being read.
pub(super) struct Flight {
    pub(super) id: u64,
    pub(super) length: u64,
    pub(super) arrival: Arrival,
    pub(super) urgency: Arc<Urgency>,
}

impl File {
    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            blocks: BTreeMap::new(),
            flights: BTreeMap::new(),
            heat: Heat::new(size),
            in_parts: false,
        }
    }

    /// What a block has from `at` on, up to `length` bytes.
    pub(super) fn piece(&mut self, at: u64, length: usize, clock: u64) -> Option<Bytes> {
        let (start, block) = self.blocks.range_mut(..=at).next_back()?;
        let skip = usize::try_from(at - start).ok()?;
        if skip >= block.bytes.len() {
            return None;
        }
        let piece = block.bytes.slice(skip..block.bytes.len().min(skip.saturating_add(length)));
        block.used = clock;
        block.served += piece.len() as u64;
        Some(piece)
    }

    /// The read that is bringing the byte at `at`, with its offset.
    pub(super) fn flight(&self, at: u64) -> Option<(u64, &Flight)> {
        let (start, flight) = self.flights.range(..=at).next_back()?;
        (at < start + flight.length).then_some((*start, flight))
    }

    pub(super) fn covers(&self, at: u64) -> bool {
        self.covering(at).is_some()
    }

    /// Takes note of a read; the run that it belongs to, if it can be told.
    pub(super) fn touch(&mut self, at: u64, length: u64) -> Option<plan::Run> {
        self.heat.add(at, length)
    }

    /// What to read ahead of a run that is at a place: the next block, or `blocks` of them in one
    /// go; `None` if it is not time, because more than `window` bytes before it are here or under
    /// way.
    pub(super) fn ahead(
        &self,
        at: u64,
        run: plan::Run,
        block: u64,
        blocks: u64,
        window: u64,
    ) -> Option<Range<u64>> {
        let more = (blocks - 1) * block;
        let (place, distance) = match run {
            plan::Run::Forward { .. } => {
                let mut place = at;
                while let Some(there) = self.covering(place) {
                    place = there.end;
                }
                (place, place - at)
            }
            plan::Run::Backward { .. } => {
                let mut start = at;
                while let Some(there) = start.checked_sub(1).and_then(|place| self.covering(place))
                {
                    start = there.start;
                }
                (start.checked_sub(1)?, at - start)
            }
        };
        // A place that is missing itself is about to be read in any case.
        if place >= self.size || !self.covers(at) || distance > window {
            return None;
        }
        let next = plan::block(place, block);
        let wanted = match run {
            plan::Run::Forward { .. } => next.start..next.end + more,
            plan::Run::Backward { .. } => next.start.saturating_sub(more)..next.end,
        };
        Some(self.within(place, wanted, block))
    }

    /// What to read to have the byte at `at`, which neither is kept nor under way, and as much of
    /// what is wanted up to `end` as a block holds; more where reads gather, or where it is read
    /// ahead; less at the first read on a slow line. And how many kept bytes were dropped for it,
    /// because they come once more.
    pub(super) fn plan(
        &mut self,
        at: u64,
        end: u64,
        block: u64,
        ahead: bool,
        slow: bool,
    ) -> (Range<u64>, u64) {
        let gathered = ahead || self.heat.gathered(at);
        let first = self.blocks.is_empty() && self.flights.is_empty();
        let little = !gathered && first && slow && end.saturating_sub(at) <= plan::SLOW_FIRST;
        let kept = self.kept();
        if self.size <= plan::WHOLE
            && !self.in_parts
            && !little
            && self.flights.is_empty()
            && kept <= 2 * plan::SLOW_FIRST
        {
            self.blocks.clear();
            return (0..self.size, kept);
        }
        let range = match gathered {
            _ if little => plan::around(at, plan::SLOW_FIRST),
            true => plan::block(at, block),
            false => plan::around(at, plan::SMALL),
        };
        let range = range.start..range.end.max(end.min(at + block));
        let range = if gathered { self.within(at, range, block) } else { self.between(at, range) };
        (range, 0)
    }

    /// The part of a range around `at` that there is no block of yet; a little that would be left
    /// over on either side is read with it, which costs less than a read of its own.
    fn within(&self, at: u64, range: Range<u64>, block: u64) -> Range<u64> {
        let gap = self.between(at, 0..u64::MAX);
        let mut range = self.between(at, range);
        if range.start - gap.start <= block / 2 {
            range.start = gap.start;
        }
        if gap.end - range.end <= block / 2 {
            range.end = gap.end;
        }
        range
    }

    /// The part of a range around `at` that there is no block of yet.
    fn between(&self, at: u64, range: Range<u64>) -> Range<u64> {
        range.start.max(self.before(at))..range.end.min(self.after(at))
    }

    pub(super) fn take_off(&mut self, start: u64, flight: Flight) {
        self.flights.insert(start, flight);
    }

    /// Ends a flight, and keeps what it brought; gives its length, `None` if there is no such one.
    pub(super) fn land(
        &mut self,
        start: u64,
        id: u64,
        arrived: Option<Bytes>,
        clock: u64,
    ) -> Option<u64> {
        if self.flights.get(&start)?.id != id {
            return None;
        }
        let flight = self.flights.remove(&start)?;
        match arrived {
            Some(bytes) => drop(self.blocks.insert(start, Block { bytes, used: clock, served: 0 })),
            None => self.in_parts |= flight.length == self.size,
        }
        Some(flight.length)
    }

    /// When the block was used that was not used for the longest time, and where it begins.
    pub(super) fn oldest(&self) -> Option<(u64, u64)> {
        self.blocks.iter().map(|(start, block)| (block.used, *start)).min()
    }

    /// Drops a block; gives its length and how much of it was used.
    pub(super) fn evict(&mut self, start: u64) -> Option<(u64, u64)> {
        self.blocks.remove(&start).map(|block| (block.bytes.len() as u64, block.served))
    }

    /// The bytes of blocks that nobody has used yet.
    pub(super) fn unused(&self) -> u64 {
        self.blocks
            .values()
            .filter(|block| block.served == 0)
            .map(|block| block.bytes.len() as u64)
            .sum()
    }

    pub(super) fn kept(&self) -> u64 {
        self.blocks.values().map(|block| block.bytes.len() as u64).sum()
    }

    /// How many reads are under way.
    pub(super) fn flights(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn flying(&self) -> u64 {
        self.flights.values().map(|flight| flight.length).sum()
    }

    /// The block or flight that covers a place.
    fn covering(&self, at: u64) -> Option<Range<u64>> {
        self.last_up_to(at).find(|there| there.end > at)
    }

    /// The end of what there is before a place.
    fn before(&self, at: u64) -> u64 {
        self.last_up_to(at).map(|there| there.end).max().unwrap_or(0)
    }

    /// The last block and the last flight that begin at a place or before it.
    fn last_up_to(&self, at: u64) -> impl Iterator<Item = Range<u64>> {
        let kept = self.blocks.range(..=at).next_back();
        let kept = kept.map(|(start, block)| *start..start + block.bytes.len() as u64);
        let coming = self.flights.range(..=at).next_back();
        let coming = coming.map(|(start, flight)| *start..start + flight.length);
        kept.into_iter().chain(coming)
    }

    /// The beginning of what there is after a place, or the end of the file.
    fn after(&self, at: u64) -> u64 {
        let kept = self.blocks.range(at..).next().map_or(self.size, |(start, _)| *start);
        let coming = self.flights.range(at..).next().map_or(self.size, |(start, _)| *start);
        kept.min(coming)
    }
}
