//! An index of a restore point: all of its entries in memory, so that browsing and searching ask
//! plakar nothing.
//!
//! Entries are numbered as a walk meets them, each folder before what is in it: what is below a
//! folder is one range of numbers, and its names one piece of text. A slash ends each name, for no
//! name has one.

use std::cmp::Ordering;

use chrono::DateTime;
use regex::RegexBuilder;

use crate::browse::points::{Entry, EntryKind, Page};
use crate::error::{Error, Result};
use crate::names::SnapshotPath;

/// Maximum length of a text to search for, in characters; no file system has longer names.
const MAX_SEARCH_CHARACTERS: usize = 255;

/// What the entries of a folder are ordered by. All but [`OrderBy::Stored`] have the folders first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderBy {
    /// By the bytes of their names, folders among the files: what plakar itself gives.
    #[default]
    Stored,
    /// By the bytes of their names.
    Name,
    /// By size, then name.
    Size,
    /// By the time of their last change, then name.
    Modified,
}

/// The order of a folder's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// What they are ordered by.
    pub by: OrderBy,
    /// The last first; folders still come before files.
    pub descending: bool,
}

impl Order {
    /// Puts all that is in a folder, which plakar gives by the bytes of the names, in this order:
    /// as the index does.
    pub(crate) fn sort(self, entries: &mut [Entry]) {
        let by = |a: &Entry, b: &Entry| match self.by {
            OrderBy::Stored | OrderBy::Name => Ordering::Equal,
            OrderBy::Size => a.size.cmp(&b.size),
            OrderBy::Modified => a.modified.cmp(&b.modified),
        };
        if self.descending {
            entries.reverse();
        }
        entries.sort_by(|a, b| if self.descending { by(b, a) } else { by(a, b) });
        if self.by != OrderBy::Stored {
            entries.sort_by_key(|entry| entry.kind != EntryKind::Folder);
        }
    }
}

/// What is known of each entry, by number. Some 40 bytes and the name.
#[derive(Default)]
pub(crate) struct Columns {
    /// All names, with a slash after each.
    pub(crate) names: String,
    /// Where each name begins.
    pub(crate) starts: Vec<u32>,
    pub(crate) kinds: Vec<EntryKind>,
    pub(crate) sizes: Vec<u64>,
    /// When it was changed: seconds since 1970, and nanoseconds.
    pub(crate) modified: Vec<(i64, u32)>,
    /// Which of the content types it has.
    pub(crate) types: Vec<u32>,
    /// Where links lead, in the order of their numbers.
    pub(crate) targets: Vec<(u32, Box<str>)>,
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(crate) fn name(&self, entry: u32) -> &str {
        let end =
            self.starts.get(entry as usize + 1).map_or(self.names.len(), |next| *next as usize);
        &self.names[self.starts[entry as usize] as usize..end - 1]
    }

    pub(crate) fn target(&self, entry: u32) -> &str {
        self.targets
            .binary_search_by_key(&entry, |(link, _)| *link)
            .map_or("", |found| &self.targets[found].1)
    }

    fn bytes(&self) -> usize {
        let links: usize = self.targets.iter().map(|(_, target)| target.len()).sum();
        let fixed = size_of::<u32>() * 2
            + size_of::<EntryKind>()
            + size_of::<u64>()
            + size_of::<(i64, u32)>();
        self.names.capacity()
            + self.kinds.capacity() * fixed
            + self.targets.capacity() * size_of::<(u32, Box<str>)>()
            + links
    }
}

/// A folder of the index.
pub(crate) struct Folder {
    pub(crate) entry: u32,
    /// The first number that is no longer below it.
    pub(crate) end: u32,
    /// Its part of [`Index::children`].
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// Whether plakar could be asked what is in it.
    pub(crate) read: bool,
}

/// All entries of a restore point. Entry 0 is its root.
pub struct Index {
    pub(crate) columns: Columns,
    /// The folder that each entry is in.
    pub(crate) parents: Vec<u32>,
    /// By the number of their entries.
    pub(crate) folders: Vec<Folder>,
    /// Places in `folders`, by parent and name.
    pub(crate) by_name: Vec<u32>,
    /// The numbers of what is in each folder.
    pub(crate) children: Vec<u32>,
    pub(crate) content_types: Vec<Box<str>>,
}

impl Index {
    /// How many entries there are, without the root.
    pub fn entries(&self) -> u64 {
        self.columns.len() as u64 - 1
    }

    /// The memory that it takes.
    pub fn bytes(&self) -> usize {
        let numbers = self.parents.capacity() + self.by_name.capacity() + self.children.capacity();
        self.columns.bytes()
            + numbers * size_of::<u32>()
            + self.folders.capacity() * size_of::<Folder>()
    }

    /// Whether all is in it. Plakar cannot be asked for folders whose names are not UTF-8.
    pub fn is_whole(&self) -> bool {
        self.folders.iter().all(|folder| folder.read)
    }

    /// A part of what is in a folder. None if there is no such folder in the index; a way through a
    /// link is not known to it.
    pub fn children(
        &self,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
        order: Order,
    ) -> Option<Page<Entry>> {
        let found = self.folder(folder)?;
        let all = &self.children[found.first as usize..(found.first + found.count) as usize];
        let (from, to) = part(all.len(), offset, limit);
        let is_file = |entry: u32| self.columns.kinds[entry as usize] != EntryKind::Folder;
        // Their numbers are in the order of their names.
        let numbers: Vec<u32> = match (order.by, order.descending) {
            (OrderBy::Stored, false) => all[from..to].to_vec(),
            (OrderBy::Stored, true) => {
                all.iter().rev().skip(from).take(to - from).copied().collect()
            }
            (OrderBy::Name, descending) => {
                some(all, from, to, descending, |entry| (is_file(entry), entry))
            }
            (OrderBy::Size, descending) => some(all, from, to, descending, |entry| {
                (is_file(entry), (self.columns.sizes[entry as usize], entry))
            }),
            (OrderBy::Modified, descending) => some(all, from, to, descending, |entry| {
                (is_file(entry), (self.columns.modified[entry as usize], entry))
            }),
        };
        let items = numbers.into_iter().map(|entry| self.entry(entry, folder.as_str())).collect();
        Some(Page { items, total: Some(all.len() as u64), more: to < all.len() })
    }

    /// What is below a folder and has this text in its name, or matches it if it has a `*` or `?`;
    /// without regard to case. None if there is no such folder in the index.
    ///
    /// # Errors
    /// [`Error::Input`] for too long a text.
    pub fn search(
        &self,
        folder: &SnapshotPath,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Option<Page<Entry>>> {
        let pattern = name_pattern(text)?;
        let Some(folder) = self.folder(folder) else { return Ok(None) };
        let (first, end) = (folder.entry + 1, folder.end);
        let at = |entry: u32| {
            self.columns
                .starts
                .get(entry as usize)
                .map_or(self.columns.names.len(), |start| *start as usize)
        };
        let base = at(first);
        let names = &self.columns.names[base..at(end)];
        let (mut total, mut items, mut next) = (0, Vec::new(), first);
        while next < end && !text.contains('/') {
            let Some(found) =
                pattern.find_at(names, at(next) - base).filter(|found| found.start() < names.len())
            else {
                break;
            };
            let entry = self.at(base + found.start());
            if total >= offset && total - offset < limit {
                items.push(self.entry(entry, &self.path(self.parents[entry as usize])));
            }
            total += 1;
            next = entry + 1;
        }
        Ok(Some(Page {
            more: total > offset.saturating_add(items.len() as u64),
            items,
            total: Some(total),
        }))
    }

    fn folder(&self, path: &SnapshotPath) -> Option<&Folder> {
        let mut folder = self.folders.first()?;
        for name in path.as_str().split('/').filter(|part| !part.is_empty()) {
            let wanted = (folder.entry, name);
            let of = |place: &u32| {
                let entry = self.folders[*place as usize].entry;
                (self.parents[entry as usize], self.columns.name(entry))
            };
            let place = *self
                .by_name
                .get(self.by_name.partition_point(|place| of(place) < wanted))
                .filter(|place| of(place) == wanted)?;
            folder = &self.folders[place as usize];
        }
        folder.read.then_some(folder)
    }

    /// The entry whose name is at this place of all names.
    fn at(&self, place: usize) -> u32 {
        (self.columns.starts.partition_point(|start| *start as usize <= place) - 1) as u32
    }

    pub(crate) fn path(&self, entry: u32) -> String {
        let mut names = Vec::new();
        let mut next = entry;
        while next != 0 {
            names.push(self.columns.name(next));
            next = self.parents[next as usize];
        }
        names.push("");
        names.reverse();
        if names.len() == 1 { "/".to_owned() } else { names.join("/") }
    }

    fn entry(&self, entry: u32, folder: &str) -> Entry {
        let (columns, place) = (&self.columns, entry as usize);
        let (seconds, nanoseconds) = columns.modified[place];
        Entry {
            name: columns.name(entry).to_owned(),
            folder: folder.to_owned(),
            kind: columns.kinds[place],
            size: columns.sizes[place],
            modified: DateTime::from_timestamp(seconds, nanoseconds).unwrap_or_default(),
            target: columns.target(entry).to_owned(),
            content_type: self.content_types[columns.types[place] as usize].to_string(),
            content: None,
        }
    }
}

/// As plakar understands what is searched for, but over many names: a dot never matches what
/// ends one.
pub(crate) fn name_pattern(text: &str) -> Result<regex::Regex> {
    let refuse = |_| Error::Input("that cannot be searched for: take a shorter text".into());
    if text.chars().count() > MAX_SEARCH_CHARACTERS {
        return Err(Error::Input(format!(
            "the text to search for is too long: take at most {MAX_SEARCH_CHARACTERS} characters"
        )));
    }
    let whole = text.contains(['*', '?']);
    let mut inner = String::new();
    for letter in text.chars() {
        match letter {
            '*' if inner.ends_with(".*") => (),
            '*' => inner.push_str(".*"),
            '?' => inner.push('.'),
            letter => inner.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    let pattern = if whole { format!("^{inner}$") } else { inner };
    RegexBuilder::new(&pattern)
        .case_insensitive(true)
        .multi_line(true)
        .line_terminator(b'/')
        .build()
        .map_err(refuse)
}

/// Where a page begins and ends in a list of so many.
fn part(length: usize, offset: u64, limit: u64) -> (usize, usize) {
    let within = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(length);
    (within(offset), within(offset.saturating_add(limit)))
}

/// One page of the numbers in the order of a key, of which the first part is never turned around.
/// Only the page is sorted.
fn some<K: Ord>(
    all: &[u32],
    from: usize,
    to: usize,
    descending: bool,
    key: impl Fn(u32) -> (bool, K),
) -> Vec<u32> {
    if from >= to {
        return Vec::new();
    }
    let compare = |a: &u32, b: &u32| {
        let ((group, a), (other, b)) = (key(*a), key(*b));
        group.cmp(&other).then_with(|| if descending { b.cmp(&a) } else { a.cmp(&b) })
    };
    let mut numbers = all.to_vec();
    let mut page = &mut numbers[..];
    if to < page.len() {
        page.select_nth_unstable_by(to, compare);
        page = &mut page[..to];
    }
    if from > 0 {
        page.select_nth_unstable_by(from, compare);
    }
    page[from..].sort_unstable_by(compare);
    page[from..].to_vec()
}
