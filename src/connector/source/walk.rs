//! The walk over a tree: folders are listed side by side, as many as `checkers` allows.

use std::sync::Arc;
use std::time::SystemTime;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

use super::{MD5, Source, SourceItem, SourceRecord};
use crate::connector::paths::join;
use crate::connector::{MAX_PATH_BYTES, OpenError, UNDECRYPTABLE, explain};
use crate::rclone::{Entry, Error, Listing};
use terminal::text;

/// Maximum length of a name that is saved, in bytes. OpenDrive's are 255 long, a third of what
/// rclone may make of them.
const MAX_ENTRY_NAME_BYTES: usize = 4 << 10;

/// Maximum that is kept of a name that cannot be saved, in bytes.
const MAX_STAND_IN_BYTES: usize = 100;

/// A folder that is still to be listed.
struct PendingFolder {
    /// Relative to the base of the remote, "" for the base itself.
    path: String,
    modified: Option<SystemTime>,
    /// What it and the folders that it is in are known by.
    ids: Option<Arc<AncestorIds>>,
}

/// The id of a folder, and those of the folders that it is in.
struct AncestorIds {
    id: String,
    above: Option<Arc<Self>>,
}

/// Why a walk ends before its end.
enum WalkStop {
    /// Nobody wants the records any more.
    Unwanted,
    /// The base itself cannot be listed, so there is nothing to walk.
    Base(Error),
}

impl Source {
    /// Walks the whole tree: the root, every folder down to the base, and all that is below, each
    /// folder before what is in it. Ends early when the receiver is dropped.
    ///
    /// # Errors
    /// If the base itself cannot be listed. Any other folder that cannot is a record.
    pub async fn walk(&self, records: mpsc::Sender<SourceRecord>) -> Result<(), OpenError> {
        match (Walk { source: self, records }).run().await {
            Ok(()) | Err(WalkStop::Unwanted) => Ok(()),
            Err(WalkStop::Base(error)) => Err(explain(&self.settings, &error)),
        }
    }
}

struct Walk<'a> {
    source: &'a Source,
    records: mpsc::Sender<SourceRecord>,
}

impl Walk<'_> {
    async fn run(&self) -> Result<(), WalkStop> {
        self.parents().await?;
        // The last one found is listed first: depth first keeps the number of folders that wait
        // small, whatever the size of the tree.
        let mut waiting = vec![PendingFolder { path: String::new(), modified: None, ids: None }];
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.source.settings.checkers {
                let Some(folder) = waiting.pop() else { break };
                running.push(self.list(folder));
            }
            let Some((folder, listing)) = running.next().await else { return self.last().await };
            match listing {
                Ok(listing) => {
                    if let Some(unlisted) = listing.left_out() {
                        self.source
                            .lock_notes()
                            .add_unlisted(&self.absolute(&folder.path), unlisted);
                    }
                    self.send_listing(&folder, listing, &mut waiting).await?;
                }
                // Plakar does not count an error on the root (kloset v1.1.3, snapshot/scanlog):
                // a snapshot of nothing would pass for a good one.
                Err(error) if folder.path.is_empty() => return Err(WalkStop::Base(error)),
                // Also when it vanished after its parent was listed: what is missing is said.
                Err(error) => self.send_unlisted(&folder, &error).await?,
            }
        }
    }

    /// The root and the folders above the base. Their times are not known and not asked for.
    async fn parents(&self) -> Result<(), WalkStop> {
        let root = &self.source.settings.identity.root;
        let mut end = 0;
        while end < root.len() && root != "/" {
            let path = if end == 0 { "/" } else { &root[..end] };
            self.send(path.to_owned(), SourceItem::Folder { modified: None }).await?;
            end = root[end + 1..].find('/').map_or(root.len(), |next| end + 1 + next);
        }
        Ok(())
    }

    async fn list(&self, folder: PendingFolder) -> (PendingFolder, Result<Listing, Error>) {
        let known = if folder.path.is_empty() { self.source.take_base_listing() } else { None };
        let listing = match known {
            Some(listing) => Ok(listing),
            None => self.source.remote.listing(&folder.path).await,
        };
        (folder, listing)
    }

    /// Says that a folder cannot be listed.
    async fn send_unlisted(&self, folder: &PendingFolder, error: &Error) -> Result<(), WalkStop> {
        let problem = SourceItem::Failed(format!("cannot list the folder: {}", error.message()));
        self.send(self.absolute(&folder.path), problem).await
    }

    /// Tells of a folder and of the files in it, in the order of the names, which is the same on
    /// every run; the folders in it go to those that wait. The listing is never here as a whole.
    async fn send_listing(
        &self,
        folder: &PendingFolder,
        mut listing: Listing,
        waiting: &mut Vec<PendingFolder>,
    ) -> Result<(), WalkStop> {
        let path = self.absolute(&folder.path);
        self.send(path.clone(), SourceItem::Folder { modified: folder.modified }).await?;
        let mut folders = Vec::new();
        let mut told = None;
        loop {
            match listing.next().await {
                Ok(Some(entries)) => {
                    self.send_entries(folder, &path, entries, &mut told, &mut folders).await?;
                }
                Ok(None) => break,
                Err(error) if folder.path.is_empty() => return Err(WalkStop::Base(error)),
                Err(error) => {
                    self.send_unlisted(folder, &error).await?;
                    break;
                }
            }
        }
        // Reversed, because the last one is listed first.
        waiting.extend(folders.into_iter().rev());
        Ok(())
    }

    /// The same for some of the entries. `told` is the last name of which something was told that is
    /// saved, and what it is: others of that name come next to it.
    async fn send_entries(
        &self,
        folder: &PendingFolder,
        path: &str,
        entries: Vec<Entry>,
        told: &mut Option<(String, String)>,
        folders: &mut Vec<PendingFolder>,
    ) -> Result<(), WalkStop> {
        for entry in entries {
            let prefix = if path == "/" { "" } else { path };
            if entry.undecryptable {
                self.send(
                    format!("{prefix}/{}", stand_in(&entry.name)),
                    SourceItem::Failed(UNDECRYPTABLE.to_owned()),
                )
                .await?;
                continue;
            }
            if let Some(problem) = bad_name(&entry.name) {
                // The name itself cannot stand in a path.
                self.send(
                    format!("{prefix}/{}", stand_in(&entry.name)),
                    SourceItem::Failed(problem),
                )
                .await?;
                continue;
            }
            let full = format!("{prefix}/{}", entry.name);
            if full.len() > MAX_PATH_BYTES {
                let problem = format!(
                    "a path of {} bytes: at most {MAX_PATH_BYTES} can be saved, move it",
                    full.len()
                );
                self.send(
                    format!("{prefix}/{}", stand_in(&entry.name)),
                    SourceItem::Failed(problem),
                )
                .await?;
                continue;
            }
            if entry.partial_of.is_some() {
                self.source.lock_notes().add_partial(&full);
                continue;
            }
            let described = describe(&entry);
            if let Some((_, first)) = told.as_ref().filter(|(name, _)| *name == entry.name) {
                let problem = format!(
                    "the drive has another entry of this name in the same folder, {described} beside {first}: only the first is saved, rename one of them"
                );
                self.send(full, SourceItem::Failed(problem)).await?;
                continue;
            }
            let Entry { name, size, modified, hash, object, id, unfinished, stamp, .. } = entry;
            let md5 = hash.filter(|_| self.source.remote.features().hash == MD5);
            if id.as_deref().is_some_and(|id| is_above(id, folder.ids.as_deref())) {
                let problem = "the drive has this folder inside itself: what is in it is saved where it was seen first".to_owned();
                self.send(full, SourceItem::Failed(problem)).await?;
                continue;
            }
            if unfinished {
                // An error, so that the backup says that it lacks a file; the next one has it, if
                // the upload ends.
                self.send(full, SourceItem::Failed(UNFINISHED.to_owned())).await?;
                continue;
            }
            // What is not saved hides nothing that is.
            *told = Some((name.clone(), described));
            match object {
                Some(object) => {
                    self.source.files.add(&full, modified, stamp, object);
                    self.send(full, SourceItem::File { size, modified, md5 }).await?;
                }
                None => {
                    let above = folder.ids.clone();
                    let ids = id.map(|id| Arc::new(AncestorIds { id, above }));
                    folders.push(PendingFolder { path: join(&folder.path, &name), modified, ids });
                }
            }
        }
        Ok(())
    }

    /// Says that nothing is left of what was found, if so. That the base itself is dropped is an
    /// error: somebody wanted a backup of it.
    async fn last(&self) -> Result<(), WalkStop> {
        let root = &self.source.settings.identity.root;
        let all_dropped = self.source.lock_notes().all_dropped();
        if all_dropped && self.source.ignore_rules.excludes(root, true) {
            let problem = "-ignore leaves nothing of it, because a pattern matches this folder itself: patterns count from the root of the drive";
            self.send(root.clone(), SourceItem::Failed(problem.to_owned())).await?;
        }
        Ok(())
    }

    async fn send(&self, path: String, item: SourceItem) -> Result<(), WalkStop> {
        if !self.source.ignore_rules.is_empty()
            && !matches!(item, SourceItem::Failed(_))
            && self.source.identity().below(&path).is_some()
        {
            let dropped =
                self.source.ignore_rules.excludes(&path, matches!(item, SourceItem::Folder { .. }));
            self.source.lock_notes().found(dropped);
        }
        self.records.send(SourceRecord { path, item }).await.map_err(|_| WalkStop::Unwanted)
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
const UNFINISHED: &str = "its upload to the drive is not finished, or was broken off: it has no content yet, and is saved once the upload has ended";

/// Why a name from the drive cannot be part of a path.
fn bad_name(name: &str) -> Option<String> {
    let problem = match name {
        "" => "an empty name",
        "." | ".." => "a name that means another folder",
        _ if name.contains('/') => "a slash in its name",
        _ if name.contains('\0') => "a NUL byte in its name",
        _ if name.len() > MAX_ENTRY_NAME_BYTES => "a name that is too long",
        _ => return None,
    };
    Some(format!(
        "the drive has an entry with {problem} ({}): it cannot be saved, rename it",
        text::quoted(name)
    ))
}

/// What stands in a path for a name that cannot.
fn stand_in(name: &str) -> String {
    let name = text::cut(name, MAX_STAND_IN_BYTES)
        .replace(['/', '\0'], "\u{fffd}")
        .replace("..", "\u{fffd}");
    if matches!(name.as_str(), "" | ".") { "\u{fffd}".to_owned() } else { name }
}

/// Whether a folder of this id is among a folder and those that it is in.
fn is_above(id: &str, ids: Option<&AncestorIds>) -> bool {
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
        assert!(
            bad_name(&"x".repeat(MAX_ENTRY_NAME_BYTES + 1))
                .is_some_and(|problem| problem.len() < 500)
        );
        for (name, shown) in [
            ("", "\u{fffd}"),
            (".", "\u{fffd}"),
            ("../a\0", "\u{fffd}\u{fffd}a\u{fffd}"),
            ("a", "a"),
        ] {
            assert_eq!(stand_in(name), shown);
        }
        for name in ["a", "...", "..a", " ", "a\nb", "\u{202e}txt", "-rf", "~"] {
            assert!(bad_name(name).is_none(), "{name:?}");
        }
    }
}
