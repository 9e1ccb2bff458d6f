//! Makes an index of what plakar tells of one folder after the other.

use std::collections::{HashMap, HashSet};

use crate::browse::index::{Columns, Folder, Index};
use crate::browse::points::{Entry, EntryKind};
use crate::error::{Error, Result};
use crate::names::SnapshotPath;

/// Maximum length of all names, content types and paths that links lead to, in bytes.
const MAX_TEXT_BYTES: usize = 256 << 20;

/// Entries in the order that they came in, and the folders that they make known.
pub(crate) struct IndexBuilder {
    columns: Columns,
    folders: Vec<FolderRow>,
    /// The parts of folders, as they came: the folder, the first row, and how many.
    parts: Vec<(u32, u32, u32)>,
    types: HashMap<Box<str>, u32>,
    /// Names of folders that may stand for several, and the folder that they are in.
    doubtful: HashSet<(u32, Box<str>)>,
    text: usize,
    limit: usize,
}

struct FolderRow {
    /// Its row, but for the root.
    row: u32,
    /// The folder that it is in.
    parent: u32,
    /// Another one before it has the same path.
    second: bool,
    read: bool,
}

impl IndexBuilder {
    /// Takes at most `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        let root = FolderRow { row: 0, parent: 0, second: false, read: false };
        let types = HashMap::from([("".into(), 0)]);
        Self {
            columns: Columns::default(),
            folders: vec![root],
            parts: Vec::new(),
            types,
            doubtful: HashSet::new(),
            text: 0,
            limit,
        }
    }

    pub(crate) fn entries(&self) -> u64 {
        self.columns.len() as u64
    }

    pub(crate) fn folders(&self) -> usize {
        self.folders.len()
    }

    /// The path of a folder, if plakar can be asked for it: not if its name is a broken one.
    pub(crate) fn path(&self, folder: usize) -> Option<SnapshotPath> {
        let (mut names, mut next) = (Vec::new(), folder);
        while next != 0 {
            if self.folders[next].second {
                return None;
            }
            names.push(self.columns.name(self.folders[next].row));
            next = self.folders[next].parent as usize;
        }
        names.iter().rev().try_fold(SnapshotPath::root(), |path, name| path.join(name)).ok()
    }

    /// Takes the next part of a folder. False if that is more than an index may have.
    ///
    /// # Errors
    /// A name that is none.
    pub(crate) fn add(
        &mut self,
        folder: usize,
        entries: impl ExactSizeIterator<Item = Entry>,
    ) -> Result<bool> {
        let (first, count) = (self.columns.len(), entries.len());
        if first + count > self.limit.min(u32::MAX as usize - 1) {
            return Ok(false);
        }
        self.parts.push((folder as u32, first as u32, count as u32));
        for entry in entries {
            let (row, columns) = (self.columns.len() as u32, &mut self.columns);
            if entry.name.contains('/') || entry.name.is_empty() {
                return Err(Error::Answer(format!(
                    "a name in {} is not a valid one",
                    entry.folder
                )));
            }
            self.text += entry.name.len() + entry.target.len();
            if self.text > MAX_TEXT_BYTES {
                return Ok(false);
            }
            if entry.kind == EntryKind::Folder {
                let parent = folder as u32;
                // Bytes that are no UTF-8 are shown as this sign: two names can look the same.
                let doubtful = entry.name.contains(char::REPLACEMENT_CHARACTER);
                let second =
                    doubtful && !self.doubtful.insert((parent, entry.name.as_str().into()));
                self.folders.push(FolderRow { row, parent, second, read: false });
            }
            let fresh = self.types.len() as u32;
            let content_type = self.types.get(entry.content_type.as_str()).copied();
            let content_type = content_type.unwrap_or_else(|| {
                self.text += entry.content_type.len();
                *self.types.entry(entry.content_type.into()).or_insert(fresh)
            });
            if !entry.target.is_empty() {
                columns.targets.push((row, entry.target.into()));
            }
            let modified = (entry.modified.timestamp(), entry.modified.timestamp_subsec_nanos());
            columns.push(&entry.name, entry.kind, entry.size, modified, content_type);
        }
        Ok(true)
    }

    /// All parts of the folder were taken.
    pub(crate) fn done(&mut self, folder: usize) {
        self.folders[folder].read = true;
    }

    /// The index of all that came.
    pub(crate) fn index(mut self) -> Index {
        let total = self.columns.len() + 1;
        self.parts.sort_by_key(|part| part.0);
        let mut index = Index {
            columns: Columns::with_room(total, self.columns.names.len() + 1),
            parents: Vec::with_capacity(total),
            folders: Vec::with_capacity(self.folders.len()),
            by_name: Vec::new(),
            children: Vec::with_capacity(total - 1),
            content_types: Vec::new(),
        };
        let mut types: Vec<(Box<str>, u32)> = self.types.drain().collect();
        types.sort_by_key(|(_, number)| *number);
        index.content_types = types.into_iter().map(|(name, _)| name).collect();
        index.columns.push("", EntryKind::Folder, 0, (0, 0), 0);
        index.parents.push(0);
        // The folders were pushed in the order of their rows.
        let of_row = |row: u32| 1 + self.folders[1..].partition_point(|folder| folder.row < row);
        let open = |folder: usize, entry: u32, index: &mut Index| {
            let rows = rows(&self.parts, folder);
            let count = rows.iter().map(|part| part.2).sum();
            let first = index.children.len() as u32;
            index.children.resize(index.children.len() + count as usize, 0);
            index.folders.push(Folder {
                entry,
                end: 0,
                first,
                count,
                read: self.folders[folder].read,
            });
            let rows: Box<dyn Iterator<Item = u32>> =
                Box::new(rows.iter().flat_map(|(_, first, count)| *first..*first + *count));
            (index.folders.len() - 1, first, rows)
        };
        let mut walk = vec![open(0, 0, &mut index)];
        while let Some((place, slot, rows)) = walk.last_mut() {
            let entry = index.parents.len() as u32;
            let Some(row) = rows.next() else {
                index.folders[*place].end = entry;
                walk.pop();
                continue;
            };
            index.children[*slot as usize] = entry;
            *slot += 1;
            index.parents.push(index.folders[*place].entry);
            let at = row as usize;
            let from = &self.columns;
            index.columns.push(
                from.name(row),
                from.kinds[at],
                from.sizes[at],
                from.modified[at],
                from.types[at],
            );
            let target = from.target(row);
            if !target.is_empty() {
                index.columns.targets.push((entry, target.into()));
            }
            if from.kinds[at] == EntryKind::Folder {
                walk.push(open(of_row(row), entry, &mut index));
            }
        }
        drop(walk);
        let mut by_name: Vec<u32> = (1..index.folders.len() as u32).collect();
        // Of those that look the same, plakar takes the one that it could be asked for.
        by_name.sort_by_key(|place| {
            let folder = &index.folders[*place as usize];
            (index.parents[folder.entry as usize], index.columns.name(folder.entry), !folder.read)
        });
        index.by_name = by_name;
        index
    }
}

/// The parts of a folder.
fn rows(parts: &[(u32, u32, u32)], folder: usize) -> &[(u32, u32, u32)] {
    let first = parts.partition_point(|part| (part.0 as usize) < folder);
    let count = parts[first..].partition_point(|part| part.0 as usize == folder);
    &parts[first..first + count]
}

impl Columns {
    fn with_room(entries: usize, names: usize) -> Self {
        Self {
            names: String::with_capacity(names + entries),
            starts: Vec::with_capacity(entries),
            kinds: Vec::with_capacity(entries),
            sizes: Vec::with_capacity(entries),
            modified: Vec::with_capacity(entries),
            types: Vec::with_capacity(entries),
            targets: Vec::new(),
        }
    }

    fn push(
        &mut self,
        name: &str,
        kind: EntryKind,
        size: u64,
        modified: (i64, u32),
        content_type: u32,
    ) {
        self.starts.push(self.names.len() as u32);
        self.names.push_str(name);
        self.names.push('/');
        self.kinds.push(kind);
        self.sizes.push(size);
        self.modified.push(modified);
        self.types.push(content_type);
    }
}
