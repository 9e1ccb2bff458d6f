//! Which files of a restore point are damaged: those with the digests that plakar's check names.

use std::collections::VecDeque;

use futures::stream::{self, StreamExt};

use crate::browse::browser::Browser;
use crate::browse::points::{Entry, EntryKind};
use crate::error::{Error, Result};
use crate::jobs::check_lines::PointLines;
use crate::names::{SnapshotId, SnapshotPath};
use crate::outcome::Failure;

/// Maximum number of files that are listed; all are counted.
const MAX_LISTED_FILES: usize = 1000;

/// Maximum number of digests that are asked for at once.
const MAX_PARALLEL_DIGESTS: usize = 8;

/// Maximum number of entries of a folder that are asked for at once.
const MAX_PAGE_ENTRIES: u64 = 1000;

/// The damaged files of a restore point.
pub(crate) struct DamagedFiles {
    pub(crate) count: u64,
    pub(crate) failed: Vec<Failure>,
}

impl DamagedFiles {
    fn add(&mut self, path: &SnapshotPath, reason: &str) {
        self.count += 1;
        if self.failed.len() < MAX_LISTED_FILES {
            self.failed.push(Failure { path: path.to_string(), reason: reason.to_owned() });
        }
    }
}

/// Looks at all files. A digest is asked for one by one: in lists, plakar leaves it out.
pub(crate) async fn damaged_files(
    browser: &Browser,
    id: &SnapshotId,
    lines: &PointLines,
) -> Result<DamagedFiles> {
    let mut files = DamagedFiles { count: 0, failed: Vec::new() };
    let mut folders = VecDeque::from([SnapshotPath::root()]);
    while let Some(folder) = folders.pop_front() {
        let mut offset = 0;
        loop {
            let page = match browser.listed(id, &folder, offset, MAX_PAGE_ENTRIES).await {
                Ok(page) => page,
                // Plakar's list ends where an entry cannot be read.
                Err(Error::Refused(_)) => {
                    let reason = if offset == 0 {
                        "the folder's list is damaged or missing in the store"
                    } else {
                        "a part of the folder's list is damaged or missing in the store"
                    };
                    files.add(&folder, reason);
                    break;
                }
                Err(error) => return Err(error),
            };
            offset += page.items.len() as u64;
            let paths =
                page.items.into_iter().filter_map(|entry| Some((entry.path().ok()?, entry)));
            let paths: Vec<_> = paths.collect();
            folders.extend(
                paths
                    .iter()
                    .filter(|(_, entry)| entry.kind == EntryKind::Folder)
                    .map(|(path, _)| path.clone()),
            );
            let wanted = paths
                .into_iter()
                .filter(|(_, entry)| entry.kind == EntryKind::File && entry.size > 0);
            let mut looked = stream::iter(wanted.map(async |(path, _): (SnapshotPath, Entry)| {
                let reason = reason(browser.entry(id, &path).await, lines)?;
                Ok::<_, Error>((path, reason))
            }))
            .buffered(MAX_PARALLEL_DIGESTS);
            while let Some(looked) = looked.next().await {
                if let (path, Some(reason)) = looked? {
                    files.add(&path, reason);
                }
            }
            if !page.more {
                break;
            }
        }
    }
    Ok(files)
}

/// What is wrong with a file.
fn reason(entry: Result<Entry>, lines: &PointLines) -> Result<Option<&'static str>> {
    match entry {
        Ok(entry) => {
            let damaged = entry.content.is_some_and(|digest| lines.digests.contains(&digest));
            Ok(damaged.then(|| lines.reason()))
        }
        Err(Error::Refused(_)) => Ok(Some("what the store knows of it is damaged or missing")),
        // A name that is not UTF-8: plakar shows it as another one.
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
