//! The walk over a tree: folders are listed side by side, as many as `checkers` allows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

use super::{Item, Record, Source};
use crate::connector::{LONGEST_PATH, UNDECRYPTABLE};
use crate::rclone::{Entry, Error, Listing};
use terminal::text;

/// The longest name that is saved, in bytes. OpenDrive's are 255 long, a third of what rclone may make of them.
const LONGEST_NAME: usize = 4 << 10;

/// How much is kept of a name that cannot be saved, in bytes.
const LONGEST_STAND_IN: usize = 100;

/// A folder that is still to be listed.
struct Folder {
    /// Relative to the base of the remote, "" for the base itself.
    path: String,
    modified: Option<SystemTime>,
    /// What it and the folders that it is in are known by.
    ids: Option<Arc<Ids>>,
}

/// The id of a folder, and those of the folders that it is in.
struct Ids {
    id: String,
    above: Option<Arc<Self>>,
}

/// Why a walk ends before its end.
enum Stop {
    /// Nobody wants the records any more.
    Unwanted,
    /// The base itself cannot be listed, so there is nothing to walk.
    Base(Error),
}

/// Walks the tree of a source.
pub(super) async fn run(source: &Source, records: mpsc::Sender<Record>) -> Result<(), Error> {
    match (Walk { source, records }).run().await {
        Ok(()) | Err(Stop::Unwanted) => Ok(()),
        Err(Stop::Base(error)) => Err(error),
    }
}

struct Walk<'a> {
    source: &'a Source,
    records: mpsc::Sender<Record>,
}

impl Walk<'_> {
    async fn run(&self) -> Result<(), Stop> {
        self.parents().await?;
        // The last one found is listed first: depth first keeps the number of folders that wait
        // small, whatever the size of the tree.
        let mut waiting = vec![Folder { path: String::new(), modified: None, ids: None }];
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.source.settings.checkers {
                let Some(folder) = waiting.pop() else { break };
                running.push(self.list(folder));
            }
            let Some((folder, listing)) = running.next().await else { return self.last().await };
            match listing {
                Ok(Listing { entries, left_out }) => {
                    if let Some(unlisted) = left_out {
                        self.source.noting().leave_out(&self.absolute(&folder.path), &unlisted);
                    }
                    self.tell(&folder, entries, &mut waiting).await?;
                }
                // Plakar does not count an error on the root (kloset v1.1.3, snapshot/scanlog):
                // a snapshot of nothing would pass for a good one.
                Err(error) if folder.path.is_empty() => return Err(Stop::Base(error)),
                // Also when it vanished after its parent was listed: what is missing is said.
                Err(error) => {
                    let problem = Item::Failed(format!("cannot list the folder: {}", error.message()));
                    self.send(self.absolute(&folder.path), problem).await?;
                }
            }
        }
    }

    /// The root and the folders above the base. Their times are not known and not asked for.
    async fn parents(&self) -> Result<(), Stop> {
        let root = &self.source.settings.identity.root;
        let mut end = 0;
        while end < root.len() && root != "/" {
            let path = if end == 0 { "/" } else { &root[..end] };
            self.send(path.to_owned(), Item::Folder { modified: None }).await?;
            end = root[end + 1..].find('/').map_or(root.len(), |next| end + 1 + next);
        }
        Ok(())
    }

    async fn list(&self, folder: Folder) -> (Folder, Result<Listing, Error>) {
        let known = if folder.path.is_empty() { self.source.take_base() } else { None };
        let listing = match known {
            Some(listing) => Ok(listing),
            None => self.source.remote.listing(&folder.path).await,
        };
        (folder, listing)
    }

    /// Tells of a folder and of the files in it; the folders in it go to those that wait.
    async fn tell(&self, folder: &Folder, mut entries: Vec<Entry>, waiting: &mut Vec<Folder>) -> Result<(), Stop> {
        let path = self.absolute(&folder.path);
        self.send(path.clone(), Item::Folder { modified: folder.modified }).await?;
        // The same order on every run; a folder before a file of the same name.
        entries.sort_by(|a, b| a.name.cmp(&b.name).then(b.is_folder().cmp(&a.is_folder())));
        let mut names: HashMap<String, String> = HashMap::with_capacity(entries.len());
        let mut folders = Vec::new();
        for entry in entries {
            let prefix = if path == "/" { "" } else { &path };
            if entry.undecryptable {
                self.send(format!("{prefix}/{}", stand_in(&entry.name)), Item::Failed(UNDECRYPTABLE.to_owned())).await?;
                continue;
            }
            if let Some(problem) = bad_name(&entry.name) {
                // The name itself cannot stand in a path.
                self.send(format!("{prefix}/{}", stand_in(&entry.name)), Item::Failed(problem)).await?;
                continue;
            }
            let full = format!("{prefix}/{}", entry.name);
            if full.len() > LONGEST_PATH {
                let problem = format!("a path of {} bytes: at most {LONGEST_PATH} can be saved, move it", full.len());
                self.send(format!("{prefix}/{}", stand_in(&entry.name)), Item::Failed(problem)).await?;
                continue;
            }
            let described = describe(&entry);
            if let Some(first) = names.get(&entry.name) {
                let problem = format!(
                    "the drive has another entry of this name in the same folder, {described} beside {first}: only the first is saved, rename one of them"
                );
                self.send(full, Item::Failed(problem)).await?;
                continue;
            }
            names.insert(entry.name.clone(), described);
            let Entry { name, size, modified, object, id, unfinished, .. } = entry;
            if id.as_deref().is_some_and(|id| is_above(id, folder.ids.as_deref())) {
                let problem = "the drive has this folder inside itself: what is in it is saved where it was seen first".to_owned();
                self.send(full, Item::Failed(problem)).await?;
                continue;
            }
            if unfinished {
                // An error, so that the backup says that it lacks a file; the next one has it, if the upload ends.
                self.send(full, Item::Failed(UNFINISHED.to_owned())).await?;
                continue;
            }
            match object {
                Some(object) => {
                    self.source.files.tell(&full, modified, object);
                    self.send(full, Item::File { size, modified }).await?;
                }
                None => {
                    let above = folder.ids.clone();
                    let ids = id.map(|id| Arc::new(Ids { id, above }));
                    folders.push(Folder { path: join(&folder.path, &name), modified, ids });
                }
            }
        }
        // Reversed, because the last one is listed first.
        waiting.extend(folders.into_iter().rev());
        Ok(())
    }

    /// Says that nothing is left of what was found, if so. That the base itself is dropped is an error: somebody wanted a backup of it.
    async fn last(&self) -> Result<(), Stop> {
        let root = &self.source.settings.identity.root;
        let all_dropped = self.source.noting().all_dropped();
        if all_dropped && self.source.ignored.contains(root, true) {
            let problem =
                "-ignore leaves nothing of it, because a pattern matches this folder itself: patterns count from the root of the drive";
            self.send(root.clone(), Item::Failed(problem.to_owned())).await?;
        }
        Ok(())
    }

    async fn send(&self, path: String, item: Item) -> Result<(), Stop> {
        if !self.source.ignored.is_empty() && !matches!(item, Item::Failed(_)) && self.source.identity().below(&path).is_some() {
            let dropped = self.source.ignored.contains(&path, matches!(item, Item::Folder { .. }));
            self.source.noting().found(dropped);
        }
        self.records.send(Record { path, item }).await.map_err(|_| Stop::Unwanted)
    }

    /// The absolute path of a folder below the base.
    fn absolute(&self, path: &str) -> String {
        let root = &self.source.settings.identity.root;
        match (root.as_str(), path) {
            (_, "") => root.clone(),
            ("/", _) => format!("/{path}"),
            _ => format!("{root}/{path}"),
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// What tells an entry from another one of its name.
fn describe(entry: &Entry) -> String {
    match (&entry.object, &entry.id, entry.size) {
        (None, Some(id), _) => format!("a folder (id {})", text::cut(id, 40)),
        (None, None, _) => "a folder".to_owned(),
        (Some(_), _, Some(size)) => format!("a file of {size} bytes"),
        (Some(_), _, None) => "a file".to_owned(),
    }
}

/// Why a file is not saved that the drive lists without content and without a hash.
const UNFINISHED: &str =
    "its upload to the drive is not finished, or was broken off: it has no content yet, and is saved once the upload has ended";

/// Why a name from the drive cannot be part of a path.
fn bad_name(name: &str) -> Option<String> {
    let problem = match name {
        "" => "an empty name",
        "." | ".." => "a name that means another folder",
        _ if name.contains('/') => "a slash in its name",
        _ if name.contains('\0') => "a NUL byte in its name",
        _ if name.len() > LONGEST_NAME => "a name that is too long",
        _ => return None,
    };
    Some(format!("the drive has an entry with {problem} ({}): it cannot be saved, rename it", text::quoted(name)))
}

/// What stands in a path for a name that cannot.
fn stand_in(name: &str) -> String {
    let name = text::cut(name, LONGEST_STAND_IN).replace(['/', '\0'], "\u{fffd}").replace("..", "\u{fffd}");
    if matches!(name.as_str(), "" | ".") { "\u{fffd}".to_owned() } else { name }
}

/// Whether a folder of this id is among a folder and those that it is in.
fn is_above(id: &str, ids: Option<&Ids>) -> bool {
    std::iter::successors(ids, |ids| ids.above.as_deref()).any(|ids| ids.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_part_of_a_path_are_refused() {
        for name in ["", ".", "..", "a/b", "/", "a\0b"] {
            assert!(bad_name(name).is_some_and(|problem| !problem.contains('\0')), "{name:?}");
        }
        assert!(bad_name(&"x".repeat(LONGEST_NAME + 1)).is_some_and(|problem| problem.len() < 500));
        for (name, shown) in [("", "\u{fffd}"), (".", "\u{fffd}"), ("../a\0", "\u{fffd}\u{fffd}a\u{fffd}"), ("a", "a")] {
            assert_eq!(stand_in(name), shown);
        }
        for name in ["a", "...", "..a", " ", "a\nb", "\u{202e}txt", "-rf", "~"] {
            assert!(bad_name(name).is_none(), "{name:?}");
        }
    }
}
