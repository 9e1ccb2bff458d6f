//! How much to read, judged by where reads have been.

use std::ops::Range;

/// The largest block, in bytes. What would be left over beside it is read with it, and a long run
/// has two read in one go.
pub(super) const BLOCK: u64 = 4 << 20;

/// What is read of a place where nothing was read before, in bytes; the smallest block as well.
pub(super) const SMALL: u64 = 256 << 10;

/// What is read of a file where nothing was read before, on a slow line, in bytes: it may be all that is
/// wanted, as of a packfile whose snapshot is only listed.
pub(super) const SLOW_FIRST: u64 = 32 << 10;

/// The largest block on a slow line, in bytes: what is wanted of it shall not wait for much else.
pub(super) const SLOW_BLOCK: u64 = 1 << 20;

/// Reads are counted by cells of this many bytes.
const CELL: u64 = SMALL;

/// So many cells are counted, which are 64 GiB: a file may be said to be of any size.
const CELLS: usize = 1 << 18;

/// From so many reads on in a cell and its neighbours, more are to be expected there. A cell that
/// is read whole in one go has as many.
const GATHERED: u32 = 8;

/// Which part of what is read of a new place is before it; more than half of it comes after, because
/// most runs go forward.
const BACK: u64 = 4;

/// A file of no more bytes is read whole, in one call, on a slow line at the second read of it: what
/// is whole is compared with the hash that was listed.
pub(super) const WHOLE: u64 = 1 << 20;

/// How far back a run is followed, in cells.
const FOLLOWED: usize = ((64 << 20) / CELL) as usize;

/// Which way a run goes, and how many bytes it has come; a whole number of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Forward { come: u64 },
    Backward { come: u64 },
}

impl Run {
    pub(super) fn come(self) -> u64 {
        let (Self::Forward { come } | Self::Backward { come }) = self;
        come
    }

    /// A run that has read as much as a block holds will go on, and is read further ahead.
    pub(super) fn is_long(self) -> bool {
        self.come() >= BLOCK
    }
}

/// How often each part of a file was read.
pub(super) struct Heat(Vec<u16>);

impl Heat {
    pub(super) fn new(size: u64) -> Self {
        Self(vec![0; usize::try_from(size.div_ceil(CELL)).unwrap_or(CELLS).min(CELLS)])
    }

    /// Counts a read, in each cell by how much of it is read; tells of the run that it belongs to,
    /// now and then.
    pub(super) fn add(&mut self, at: u64, length: u64) -> Option<Run> {
        let (cell, last) = (index(at), index(at + length.max(1) - 1));
        // Often enough, and not at the expense of every single read.
        let mut due = false;
        for index in cell..=last {
            let count = self.0.get_mut(index)?;
            let start = index as u64 * CELL;
            let part = (at + length).min(start + CELL).saturating_sub(at.max(start));
            let weight = (part * u64::from(GATHERED) / CELL).max(1);
            let before = *count;
            *count = count.saturating_add(u16::try_from(weight).unwrap_or(u16::MAX));
            due |= u32::from(before) / GATHERED != u32::from(*count) / GATHERED;
        }
        if !due {
            return None;
        }
        let hot = |index: Option<usize>| index.is_some_and(|index| self.count(index) >= GATHERED);
        let cold = |index: Option<usize>| index.is_none_or(|index| self.count(index) == 0);
        let (below, above) = (cell.checked_sub(1), Some(last + 1));
        let hot_cells = |cells: &mut dyn Iterator<Item = usize>| {
            let count =
                cells.take(FOLLOWED).take_while(|index| self.count(*index) >= GATHERED).count();
            count as u64 * CELL
        };
        match (hot(below), hot(above)) {
            (true, false) if cold(above) => {
                Some(Run::Forward { come: hot_cells(&mut (0..cell).rev()) })
            }
            (false, true) if cold(below) => {
                Some(Run::Backward { come: hot_cells(&mut (last + 1..self.0.len())) })
            }
            _ => None,
        }
    }

    /// Whether reads have gathered around a place.
    pub(super) fn gathered(&self, at: u64) -> bool {
        let cell = index(at);
        let around = cell.saturating_sub(1)..=cell + 1;
        around.map(|cell| self.count(cell)).sum::<u32>() >= GATHERED
    }

    fn count(&self, cell: usize) -> u32 {
        self.0.get(cell).copied().unwrap_or_default().into()
    }
}

/// The block that a place is in: blocks lie on a grid, so that runs in both directions and at any
/// time ask for the same ones.
pub(super) fn block(at: u64, block: u64) -> Range<u64> {
    let start = at - at % block;
    start..start + block
}

/// The little that is read of a place where nothing was read before, so many bytes.
pub(super) fn around(at: u64, length: u64) -> Range<u64> {
    let start = at.saturating_sub(length / BACK);
    start..start + length
}

fn index(at: u64) -> usize {
    usize::try_from(at / CELL).unwrap_or(usize::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(places: impl Iterator<Item = u64>, size: u64) -> Vec<Run> {
        let mut heat = Heat::new(size);
        places.filter_map(|place| heat.add(place, 3000)).collect()
    }

    #[test]
    fn runs_are_recognised_in_both_directions() {
        let size = 8 << 20;
        let forward = runs((0..size).step_by(3000), size);
        assert!(
            forward.len() > 100 && forward.iter().all(|run| matches!(run, Run::Forward { .. }))
        );
        // Once it has read as much as a block holds.
        let long = forward.iter().filter(|run| run.is_long()).count();
        assert!(
            long * 5 > forward.len() * 2 && long * 5 < forward.len() * 3,
            "{long} of {}",
            forward.len()
        );
        let backward = runs((0..size).rev().step_by(3000), size);
        assert!(
            backward.len() > 100 && backward.iter().all(|run| matches!(run, Run::Backward { .. }))
        );
        assert!(backward.contains(&Run::Backward { come: size - CELL }));
    }

    #[test]
    fn a_run_of_large_reads_is_recognised_at_once() {
        let mut heat = Heat::new(16 << 20);
        assert_eq!(heat.add(0, 1 << 20), None);
        assert!(heat.gathered(1 << 20) && !heat.gathered(2 << 20));
        assert_eq!(heat.add(1 << 20, 1 << 20), Some(Run::Forward { come: 1 << 20 }));
    }

    #[test]
    fn a_size_that_cannot_be_costs_no_memory() {
        let mut heat = Heat::new(u64::MAX);
        assert_eq!(heat.add(u64::MAX - 10, 10), None);
        assert!(!heat.gathered(u64::MAX - 10) && heat.0.len() == CELLS);
    }

    #[test]
    fn single_reads_are_no_run() {
        let size = 64 << 20;
        assert_eq!(runs((0..size).step_by(700_001), size), []);
        let mut heat = Heat::new(size);
        heat.add(5_000_000, 3000);
        assert!(!heat.gathered(5_000_000));
        for place in 0..10 {
            heat.add(5_000_000 + place * 3000, 3000);
        }
        assert!(heat.gathered(5_000_000) && heat.gathered(5_200_000) && !heat.gathered(7_000_000));
    }
}
