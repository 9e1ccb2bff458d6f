//! What became of files from one restore point to the next, and whether that is alarming.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::iter::Peekable;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::protection::Protection;
use super::words::count_text;

/// Maximum number of gone files, and of new ones, that are compared with each other: of more, what
/// was renamed counts as gone and new.
const MAX_MATCHED_FILES: usize = 500_000;

/// Maximum number of examples.
const MAX_EXAMPLES: usize = 20;

/// Maximum number of pairs of each kind that are named to be looked at.
const MAX_SAMPLED_PAIRS: usize = 64;

/// The MIME type of what nobody knows.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// A file of a restore point, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFact<'a> {
    /// Its path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: DateTime<Utc>,
    /// The MIME type of its content.
    pub content_type: &'a str,
}

/// How many files are what they were, and how many are not. Each of `before` is one of same, moved,
/// renamed, changed and gone; each of `now` one of same, moved, renamed, changed and added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeFigures {
    /// Files of the restore point before.
    pub before: u64,
    /// Files of the newest.
    pub now: u64,
    /// As they were.
    pub same: u64,
    /// The same under the same name in another folder.
    pub moved: u64,
    /// The same under another name.
    pub renamed: u64,
    /// Another content under the same path.
    pub changed: u64,
    /// Not there any more.
    pub gone: u64,
    /// New.
    pub added: u64,
    /// Of those changed, renamed and gone: turned into a type that nobody knows, by the content or
    /// by an ending that no file had before.
    pub retyped: u64,
}

/// What became of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In figures.
    pub figures: ChangeFigures,
    /// The first that were changed, gone, renamed or retyped, each in a line.
    pub examples: Vec<String>,
    /// Files of one size that have another time: some of them, to be looked at. They count as
    /// changed.
    pub touched: Sample,
    /// Paths before and now of what was renamed by size and time: some of them, to be looked at.
    pub renamed: Sample,
}

/// Some pairs of paths, spread over all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many there are in all.
    pub total: u64,
    /// Before, and now.
    pub pairs: Vec<(String, String)>,
    stride: u64,
}

impl Sample {
    fn add(&mut self, before: &str, now: &str) {
        self.stride = self.stride.max(1);
        if self.total.is_multiple_of(self.stride) {
            self.pairs.push((before.to_owned(), now.to_owned()));
        }
        self.total += 1;
        if self.pairs.len() > MAX_SAMPLED_PAIRS {
            let mut every_second = [true, false].into_iter().cycle();
            self.pairs.retain(|_| every_second.next().unwrap_or_default());
            self.stride *= 2;
        }
    }

    /// How many of all, if so many of the sample are.
    fn share(&self, count: u64) -> u64 {
        let looked_at = self.pairs.len() as u64;
        (self.total * count + looked_at / 2).checked_div(looked_at).unwrap_or_default()
    }
}

/// A file that has no counterpart of its path.
struct Single {
    path: String,
    size: u64,
    modified: DateTime<Utc>,
}

/// Compares the files of two restore points, both in the order of a walk: a slash is the lowest of
/// all letters.
pub fn changes<'a>(
    before: impl Iterator<Item = FileFact<'a>>,
    now: impl Iterator<Item = FileFact<'a>>,
) -> Changes {
    let mut counter = Counter::default();
    counter.walk(before.peekable(), now.peekable());
    counter.singles();
    counter.found
}

#[derive(Default)]
struct Counter {
    found: Changes,
    gone: Vec<Single>,
    added: Vec<Single>,
    /// The endings of the files before.
    endings: HashSet<String>,
}

impl Counter {
    fn walk<'a>(
        &mut self,
        mut before: Peekable<impl Iterator<Item = FileFact<'a>>>,
        mut now: Peekable<impl Iterator<Item = FileFact<'a>>>,
    ) {
        loop {
            let order = match (before.peek(), now.peek()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => in_walk(&old.path, &new.path),
            };
            let old = if order == Ordering::Greater { None } else { before.next() };
            let new = if order == Ordering::Less { None } else { now.next() };
            let figures = &mut self.found.figures;
            figures.before += u64::from(old.is_some());
            figures.now += u64::from(new.is_some());
            if let Some(ending) = old.as_ref().and_then(|old| ending(&old.path))
                && !self.endings.contains(&ending)
            {
                self.endings.insert(ending);
            }
            match (old, new) {
                (Some(old), Some(new)) => self.pair(&old, &new),
                (Some(old), None) => {
                    figures.gone += 1;
                    keep(&mut self.gone, old);
                }
                (None, Some(new)) => {
                    figures.added += 1;
                    keep(&mut self.added, new);
                }
                (None, None) => return,
            }
        }
    }

    /// A file that has its path still.
    fn pair(&mut self, old: &FileFact<'_>, new: &FileFact<'_>) {
        let figures = &mut self.found.figures;
        let retyped = main_type(new.content_type) == UNKNOWN_TYPE
            && main_type(old.content_type) != UNKNOWN_TYPE
            && new.size > 0;
        if (old.size, old.modified) == (new.size, new.modified) && !retyped {
            figures.same += 1;
            return;
        }
        figures.changed += 1;
        if retyped {
            figures.retyped += 1;
            let old_type = main_type(old.content_type);
            self.example(|| format!("{}: was {old_type}, is of no known type now", new.path));
        } else if old.size == new.size {
            self.found.touched.add(&old.path, &new.path);
            self.example(|| format!("{}: changed", new.path));
        } else {
            self.example(|| format!("{}: changed", new.path));
        }
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.found.examples.len() < MAX_EXAMPLES {
            self.found.examples.push(text());
        }
    }

    /// What is gone, and where it went.
    fn singles(&mut self) {
        let (gone, added) = (std::mem::take(&mut self.gone), std::mem::take(&mut self.added));
        let mut by_content: HashMap<(u64, DateTime<Utc>), Vec<usize>> = HashMap::new();
        for (place, file) in added.iter().enumerate().rev().filter(|(_, file)| file.size > 0) {
            by_content.entry((file.size, file.modified)).or_default().push(place);
        }
        let mut taken = vec![false; added.len()];
        let mut left = Vec::new();
        for old in gone {
            let found = by_content.get_mut(&(old.size, old.modified)).and_then(|places| {
                // One of the same name first: most likely its folder was moved.
                let same = |place: &usize| name(&added[*place].path) == name(&old.path);
                match places.iter().position(same) {
                    Some(at) => Some(places.remove(at)),
                    None => places.pop(),
                }
            });
            let Some(place) = found else {
                left.push(old);
                continue;
            };
            taken[place] = true;
            self.renamed(&old.path, &added[place].path);
        }
        let is_new =
            |path: &str| ending(path).is_some_and(|ending| !self.endings.contains(ending.as_str()));
        // The rest by the path without a new ending: `a.doc` is `a.doc.locked` or `a.locked` now.
        let renamed =
            added.iter().zip(&taken).filter(|(file, taken)| !**taken && is_new(&file.path));
        let mut by_stem: HashMap<&str, &str> = HashMap::new();
        for (file, _) in renamed {
            by_stem.insert(without_ending(&file.path), &file.path);
        }
        for old in left {
            let now = by_stem.remove(old.path.as_str());
            let now = now.or_else(|| by_stem.remove(without_ending(&old.path)));
            if let Some(now) = now {
                self.found.figures.retyped += 1;
                self.example(|| format!("{}: is {} now", old.path, name(now)));
            } else {
                self.example(|| format!("{}: gone", old.path));
            }
        }
    }

    /// The same content under another path, by size and time.
    fn renamed(&mut self, old: &str, new: &str) {
        let retyped = ending(new).is_some_and(|ending| !self.endings.contains(&ending));
        let figures = &mut self.found.figures;
        figures.gone -= 1;
        figures.added -= 1;
        if name(old) == name(new) {
            figures.moved += 1;
            return;
        }
        figures.renamed += 1;
        figures.retyped += u64::from(retyped);
        self.found.renamed.add(old, new);
        self.example(|| format!("{old}: is {} now", name(new)));
    }
}

impl Changes {
    /// So many files, and each as it was.
    pub fn none(files: u64) -> Self {
        let figures =
            ChangeFigures { before: files, now: files, same: files, ..ChangeFigures::default() };
        Self { figures, ..Self::default() }
    }

    /// Says of how many of the sampled pairs the contents were looked at and found equal, of those
    /// touched and those renamed.
    pub fn looked_at(&mut self, touched_equal: u64, renamed_equal: u64) {
        let equal = self.touched.share(touched_equal);
        self.figures.changed -= equal;
        self.figures.same += equal;
        let sampled = self.renamed.pairs.len() as u64;
        let other = self.renamed.share(sampled - renamed_equal.min(sampled));
        self.figures.renamed -= other;
        self.figures.gone += other;
        self.figures.added += other;
    }
}

impl ChangeFigures {
    /// Files of before that are not what or where they were, but for those that were moved.
    pub fn affected(&self) -> u64 {
        self.changed + self.gone + self.renamed
    }

    /// Why that is alarming, if it is: one line with figures.
    pub fn alarm(&self, protection: &Protection) -> Option<String> {
        let (percent, least) =
            (u64::from(protection.alarm_percent), u64::from(protection.alarm_files));
        let reaches = |count: u64, percent: u64| {
            count >= least.max(1) && count * 100 >= self.before * percent
        };
        let lost = reaches(self.affected(), percent);
        // What nobody knows any more weighs twice.
        let retyped = reaches(self.retyped, percent.div_ceil(2));
        (percent > 0 && (lost || retyped)).then(|| self.words())
    }

    /// All of it in one line.
    pub fn words(&self) -> String {
        let percent = (self.affected() * 100).checked_div(self.before).unwrap_or_default();
        let parts = [
            (self.changed, "changed"),
            (self.gone, "gone"),
            (self.renamed, "renamed"),
            (self.moved, "moved"),
            (self.added, "new"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let parts = if parts.is_empty() { "nothing changed".into() } else { parts.join(", ") };
        let retyped = match self.retyped {
            0 => String::new(),
            count => format!("; {} turned into an unknown type", count_text(count, "file")),
        };
        format!(
            "of {} {percent} % are not what they were: {parts}{retyped}",
            count_text(self.before, "file")
        )
    }
}

fn keep(list: &mut Vec<Single>, file: FileFact<'_>) {
    if list.len() < MAX_MATCHED_FILES {
        list.push(Single { path: file.path, size: file.size, modified: file.modified });
    }
}

/// The order of a walk.
fn in_walk(a: &str, b: &str) -> Ordering {
    let lowest = |byte: u8| if byte == b'/' { 0 } else { byte };
    a.bytes().map(lowest).cmp(b.bytes().map(lowest))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn main_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// The path without what follows the last dot of the name, unless the name begins with it.
fn without_ending(path: &str) -> &str {
    match name(path).rfind('.') {
        Some(at) if at > 0 => &path[..path.len() - name(path).len() + at],
        _ => path,
    }
}

/// What follows that dot, in small letters.
fn ending(path: &str) -> Option<String> {
    let stem = without_ending(path);
    (stem.len() < path.len()).then(|| path[stem.len() + 1..].to_lowercase())
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
