//! All paths of several restore points, each once, with the restore points that have it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::browse::index::name_pattern;
use crate::browse::index_files::IndexedFile;
use crate::browse::points::{EntryKind, Page, RestorePoint};
use crate::error::Result;
use crate::names::SnapshotId;

/// Maximum number of paths that are kept of all restore points of an app together.
pub(crate) const MAX_CATALOGUE_PATHS: usize = 1_000_000;

/// Maximum length of all of them, in bytes.
const MAX_CATALOGUE_TEXT_BYTES: usize = 192 << 20;

/// A restore point that has a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointOfPath {
    /// Its id.
    pub id: SnapshotId,
    /// When it was begun.
    pub taken: DateTime<Utc>,
}

/// A path that was found in some restore points of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPath {
    /// The path.
    pub path: String,
    /// What it is, in the last of them.
    pub kind: EntryKind,
    /// Bytes, in the last of them.
    pub size: u64,
    /// The first restore point that has it.
    pub first: PointOfPath,
    /// The last that has it.
    pub last: PointOfPath,
    /// The restore point after that, which does not have it any more; none if it is in the newest.
    pub gone_since: Option<DateTime<Utc>>,
}

/// What was read of the restore points of an app.
#[derive(Default)]
pub(crate) struct Catalogue {
    /// Those that were read, by their numbers.
    points: Vec<SnapshotId>,
    paths: BTreeMap<Box<str>, Record>,
    text: usize,
    /// There are more paths than are kept: no more restore points are read.
    pub(crate) full: bool,
}

/// What is known of a path.
struct Record {
    kind: EntryKind,
    size: u64,
    /// When the restore point was begun that kind and size are of.
    of: DateTime<Utc>,
    /// The numbers of the restore points that have it, from and to.
    spans: Vec<(u32, u32)>,
}

impl Record {
    /// The numbers grow.
    fn add(&mut self, number: u32) {
        match self.spans.last_mut() {
            Some((_, to)) if *to + 1 >= number => *to = number.max(*to),
            _ => self.spans.push((number, number)),
        }
    }
}

impl Catalogue {
    pub(crate) fn has(&self, id: &SnapshotId) -> bool {
        self.points.contains(id)
    }

    /// The number of the next restore point. Its paths are shown when it is done.
    pub(crate) fn next_number(&self) -> u32 {
        self.points.len() as u32
    }

    /// Takes an entry of the restore point with this number, begun at `taken`. False if there is no
    /// room for it.
    pub(crate) fn take(
        &mut self,
        (number, taken): (u32, DateTime<Utc>),
        kind: EntryKind,
        entry: IndexedFile<'_>,
        limit: usize,
    ) -> bool {
        if let Some(record) = self.paths.get_mut(entry.path.as_str()) {
            record.add(number);
            if taken > record.of {
                (record.kind, record.size, record.of) = (kind, entry.size, taken);
            }
            return true;
        }
        self.text += entry.path.len();
        if self.paths.len() >= limit || self.text > MAX_CATALOGUE_TEXT_BYTES {
            self.full = true;
            return false;
        }
        let record = Record { kind, size: entry.size, of: taken, spans: vec![(number, number)] };
        self.paths.insert(entry.path.into_boxed_str(), record);
        true
    }

    /// All entries of the restore point were taken.
    pub(crate) fn done(&mut self, id: &SnapshotId) {
        self.points.push(id.clone());
    }

    /// The paths whose names have a text in them, or match it, by path; of these restore points,
    /// the newest first.
    pub(crate) fn search(
        &self,
        points: &[RestorePoint],
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<FoundPath>> {
        let pattern = name_pattern(text)?;
        let places: HashMap<&SnapshotId, usize> =
            points.iter().enumerate().map(|(place, point)| (&point.id, place)).collect();
        // By number: the place in the list, of those that are there still.
        let places: Vec<Option<usize>> =
            self.points.iter().map(|id| places.get(id).copied()).collect();
        // Of what was not read nothing is known: "not there any more" is told by others.
        let read: Vec<usize> = {
            let mut read: Vec<usize> = places.iter().flatten().copied().collect();
            read.sort_unstable();
            read
        };
        let (mut items, mut total) = (Vec::new(), 0);
        for (path, record) in &self.paths {
            let name = path.rsplit('/').next().unwrap_or_default();
            if text.contains('/') || !pattern.is_match(name) {
                continue;
            }
            let numbers = record.spans.iter().flat_map(|(from, to)| *from..=*to);
            let mut has = numbers.filter_map(|number| *places.get(number as usize)?);
            let Some(one) = has.next() else { continue };
            if total >= offset && total - offset < limit {
                let (newest, oldest) = has.fold((one, one), |(newest, oldest), place| {
                    (place.min(newest), place.max(oldest))
                });
                let after = read[..read.partition_point(|place| *place < newest)].last();
                let of = |place: usize| PointOfPath {
                    id: points[place].id.clone(),
                    taken: points[place].taken,
                };
                items.push(FoundPath {
                    path: path.to_string(),
                    kind: record.kind,
                    size: record.size,
                    first: of(oldest),
                    last: of(newest),
                    gone_since: after.map(|place| points[*place].taken),
                });
            }
            total += 1;
        }
        let more = total > offset.saturating_add(items.len() as u64);
        Ok(Page { items, total: Some(total), more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browse::index::Index;
    use crate::browse::index_builder::IndexBuilder;
    use crate::browse::points::Entry;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn point(day: u64) -> RestorePoint {
        let id = SnapshotId::new(&format!("{day:064x}")).unwrap();
        RestorePoint::new(id, DateTime::from_timestamp(day as i64 * 86_400, 0).unwrap())
    }

    fn add(catalogue: &mut Catalogue, point: &RestorePoint, index: &Index, limit: usize) {
        let number = (catalogue.next_number(), point.taken);
        if index.walk().all(|(kind, entry)| catalogue.take(number, kind, entry, limit)) {
            catalogue.done(&point.id);
        }
    }

    /// With files of these names, as large as the day.
    fn index(day: u64, names: &BTreeSet<u8>) -> Index {
        let mut builder = IndexBuilder::new(1000);
        let entry = |name: &u8| Entry {
            name: format!("file{name}.txt"),
            folder: "/".into(),
            kind: EntryKind::File,
            size: day,
            modified: DateTime::from_timestamp(7, 0).unwrap(),
            target: String::new(),
            content_type: String::new(),
            content: None,
        };
        let entries: Vec<Entry> = names.iter().map(entry).collect();
        builder.add(0, entries.into_iter()).unwrap();
        builder.done(0);
        builder.index()
    }

    proptest! {
        /// Read in any order, with some removed afterwards.
        #[test]
        fn each_path_once_with_the_first_and_the_last_that_has_it(
            days in proptest::collection::vec(proptest::collection::btree_set(0u8..12, 0..8), 1..9),
            order in any::<u64>(), gone in proptest::collection::btree_set(0u64..9, 0..4)
        ) {
            let mut read: Vec<u64> = (0..days.len() as u64).collect();
            read.sort_by_key(|day| (day + 1).wrapping_mul(order | 1) % 97);
            let mut catalogue = Catalogue::default();
            for day in read {
                add(&mut catalogue, &point(day), &index(day, &days[day as usize]), 1000);
            }
            let left: Vec<u64> = (0..days.len() as u64).rev().filter(|day| !gone.contains(day)).collect();
            let points: Vec<RestorePoint> = left.iter().map(|day| point(*day)).collect();
            let found = catalogue.search(&points, "*.TXT", 0, 1000).unwrap();
            let mut wanted = BTreeMap::new();
            for day in &left {
                for name in &days[*day as usize] {
                    let entry = wanted.entry(format!("/file{name}.txt")).or_insert((*day, *day));
                    *entry = (entry.0.min(*day), entry.1.max(*day));
                }
            }
            prop_assert_eq!(found.total, Some(wanted.len() as u64));
            for ((path, (first, last)), found) in wanted.iter().zip(&found.items) {
                prop_assert_eq!(path, &found.path);
                prop_assert_eq!((&found.first.id, &found.last.id), (&point(*first).id, &point(*last).id));
                let after = left.iter().rev().find(|day| *day > last).map(|day| point(*day).taken);
                prop_assert_eq!(found.gone_since, after);
            }
            let some = catalogue.search(&points, "file1", 1, 1).unwrap();
            prop_assert!(some.items.len() <= 1 && !some.items.iter().any(|one| one.path == "/file1.txt"));
        }
    }

    #[test]
    fn more_paths_than_there_is_room_for_are_said() {
        let mut catalogue = Catalogue::default();
        add(&mut catalogue, &point(2), &index(2, &BTreeSet::from([1, 2])), 3);
        add(&mut catalogue, &point(1), &index(1, &BTreeSet::from([1, 2, 3, 4])), 3);
        assert!(catalogue.full && catalogue.has(&point(2).id) && !catalogue.has(&point(1).id));
        let found = catalogue.search(&[point(2), point(1)], "file", 0, 10).unwrap();
        assert_eq!(found.total, Some(2));
        assert!(found.items.iter().all(|found| found.first.id == point(2).id));
    }
}
