//! Whether two snapshots have the same entries with the same contents.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use futures::stream::{self, StreamExt};

use crate::browse::browser::Browser;
use crate::browse::points::{Entry, EntryKind};
use crate::error::{Error, Result};
use crate::jobs::restore_job::RestoreProgress;
use crate::names::{SnapshotId, SnapshotPath};
use crate::outcome::Failure;

/// Maximum number of problems that are listed; all are counted.
const MAX_LISTED_PROBLEMS: usize = 1000;

/// Maximum number of digests that are asked for at once.
const MAX_PARALLEL_DIGESTS: usize = 8;

/// Maximum number of entries of a folder that are asked for at once.
const MAX_PAGE_ENTRIES: u64 = 1000;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Entries that are as in the snapshot.
    pub entries: u64,
    /// Bytes of the files among them.
    pub bytes: u64,
    /// Entries that are missing or different.
    pub problems: u64,
    /// The first of them.
    pub failed: Vec<Failure>,
}

impl Verification {
    fn problem(&mut self, path: &SnapshotPath, reason: impl Into<String>) {
        self.problems += 1;
        if self.failed.len() < MAX_LISTED_PROBLEMS {
            self.failed.push(Failure { path: path.to_string(), reason: reason.into() });
        }
    }
}

/// Compares the entries below `path` with those of the destination's snapshot, which is in a store
/// of the same key.
pub(crate) async fn compare(
    browser: &Browser,
    (id, path): (&SnapshotId, &SnapshotPath),
    (other, again): (&Browser, &SnapshotId),
    news: &mut (dyn FnMut(RestoreProgress) + Send),
) -> Result<Verification> {
    let root = SnapshotPath::new(&other.restore_point(again).await?.root)?;
    let mut verified = Verification::default();
    let top = browser.entry(id, path).await?;
    let mut folders = VecDeque::new();
    if top.kind == EntryKind::Folder {
        folders.push_back((path.clone(), root));
    } else {
        let found = children(other, again, &root).await?;
        pair(browser, (id, path, top), (other, again, found.get(path.name())), &mut verified)
            .await?;
    }
    while let Some((ours, theirs)) = folders.pop_front() {
        let (wanted, found) =
            (children(browser, id, &ours).await?, children(other, again, &theirs).await?);
        let mut files = Vec::new();
        for (name, entry) in wanted {
            let path = ours.join(&name)?;
            match (entry.kind, found.get(&name)) {
                (EntryKind::Folder, Some(there)) if there.kind == EntryKind::Folder => {
                    verified.entries += 1;
                    folders.push_back((path, theirs.join(&name)?));
                }
                (EntryKind::Folder, None) => {
                    let below = browser.listed(id, &path, 0, 1).await?.total.unwrap_or_default();
                    let with = if below == 0 {
                        String::new()
                    } else {
                        format!(", with {below} entries in it")
                    };
                    verified.problem(&path, format!("the folder is missing{with}"));
                }
                (_, there) => files.push((path, entry, there.cloned())),
            }
        }
        let mut results = stream::iter(files.into_iter().map(|(path, entry, there)| async move {
            let mut part = Verification::default();
            pair(browser, (id, &path, entry), (other, again, there.as_ref()), &mut part).await?;
            Ok::<_, Error>(part)
        }))
        .buffer_unordered(MAX_PARALLEL_DIGESTS);
        while let Some(part) = results.next().await {
            let part = part?;
            verified.entries += part.entries;
            verified.bytes += part.bytes;
            verified.problems += part.problems;
            let room = MAX_LISTED_PROBLEMS.saturating_sub(verified.failed.len());
            verified.failed.extend(part.failed.into_iter().take(room));
            news(RestoreProgress::Compared(verified.entries));
        }
    }
    Ok(verified)
}

/// Compares the names, kinds and sizes of two restore points of one id, in two stores: their digests
/// differ anyway, as each store has a key of its own.
pub(crate) async fn same_names(
    browser: &Browser,
    other: &Browser,
    id: &SnapshotId,
) -> Result<Verification> {
    let mut verified = Verification::default();
    let mut folders = VecDeque::from([SnapshotPath::root()]);
    while let Some(folder) = folders.pop_front() {
        let (wanted, found) =
            (children(browser, id, &folder).await?, children(other, id, &folder).await?);
        for (name, entry) in wanted {
            let path = folder.join(&name)?;
            match found.get(&name) {
                None => verified.problem(&path, "it is missing in the copy"),
                Some(there) if there.kind != entry.kind => {
                    verified.problem(&path, "something else has its name in the copy");
                }
                Some(_) if entry.kind == EntryKind::Folder => folders.push_back(path),
                Some(there) if there.size != entry.size => {
                    let reason = format!("the copy has {} bytes of {}", there.size, entry.size);
                    verified.problem(&path, reason);
                }
                Some(_) => verified.entries += 1,
            }
        }
    }
    Ok(verified)
}

/// Compares one entry that is no folder.
async fn pair(
    browser: &Browser,
    (id, path, wanted): (&SnapshotId, &SnapshotPath, Entry),
    (other, again, found): (&Browser, &SnapshotId, Option<&Entry>),
    verified: &mut Verification,
) -> Result<()> {
    let Some(found) = found else {
        verified.problem(path, "it is missing");
        return Ok(());
    };
    if found.kind != wanted.kind {
        verified.problem(path, "something else has its name");
    } else if wanted.kind == EntryKind::Link && found.target != wanted.target {
        verified.problem(path, "the link leads elsewhere");
    } else if wanted.kind != EntryKind::File {
        verified.entries += 1;
    } else if found.size != wanted.size {
        verified.problem(path, format!("it has {} bytes instead of {}", found.size, wanted.size));
    } else {
        let (ours, theirs) =
            match (browser.entry(id, path).await, other.entry(again, &found.path()?).await) {
                (Err(Error::NotFound(_)), _) | (_, Err(Error::NotFound(_))) => {
                    verified.problem(path, "it cannot be compared: its name is not UTF-8");
                    return Ok(());
                }
                (ours, theirs) => (ours?, theirs?),
            };
        if wanted.size > 0 && (ours.content.is_none() || ours.content != theirs.content) {
            verified.problem(path, "its content is different");
        } else {
            verified.entries += 1;
            verified.bytes += wanted.size;
        }
    }
    Ok(())
}

/// All entries of a folder, by name.
async fn children(
    browser: &Browser,
    id: &SnapshotId,
    folder: &SnapshotPath,
) -> Result<BTreeMap<String, Entry>> {
    let mut all = BTreeMap::new();
    let mut offset = 0;
    loop {
        let page = browser.listed(id, folder, offset, MAX_PAGE_ENTRIES).await?;
        offset += page.items.len() as u64;
        for entry in page.items {
            let (name, folder) = (entry.name.clone(), entry.folder.clone());
            if all.insert(name, entry).is_some() {
                // Plakar shows bytes that are no UTF-8 as one and the same sign.
                return Err(Error::Answer(format!(
                    "two entries of {folder} have names that look the same"
                )));
            }
        }
        if !page.more {
            return Ok(all);
        }
    }
}
