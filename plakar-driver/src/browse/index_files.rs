//! The files of an index, one after the other, and waiting for an index that is being made.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::browse::browser::Browser;
use crate::browse::index::Index;
use crate::browse::indexes::IndexState;
use crate::browse::points::EntryKind;
use crate::error::{Error, Result};
use crate::names::SnapshotId;

/// How often an index that is being made is asked for: one that nobody asks for is given up.
const ASK_INTERVAL: Duration = Duration::from_secs(5);

/// A file of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedFile<'a> {
    /// Its path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: DateTime<Utc>,
    /// The MIME type that plakar found by the content.
    pub content_type: &'a str,
}

impl Index {
    /// All files, in the order of a walk: by the bytes of each folder's names, where what is in a
    /// folder comes at the place of its name. So a slash is the lowest of all letters.
    pub fn files(&self) -> impl Iterator<Item = IndexedFile<'_>> {
        self.walk().filter_map(|(kind, file)| (kind == EntryKind::File).then_some(file))
    }

    /// All entries but the root in this order, each folder before what is in it.
    pub fn walk(&self) -> impl Iterator<Item = (EntryKind, IndexedFile<'_>)> {
        let (mut parent, mut folder) = (0, String::new());
        (1..self.columns.len() as u32).map(move |entry| {
            let place = entry as usize;
            if self.parents[place] != parent {
                parent = self.parents[place];
                folder = self.path(parent);
                folder.truncate(folder.trim_end_matches('/').len());
            }
            let (seconds, nanoseconds) = self.columns.modified[place];
            let file = IndexedFile {
                path: format!("{folder}/{}", self.columns.name(entry)),
                size: self.columns.sizes[place],
                modified: DateTime::from_timestamp(seconds, nanoseconds).unwrap_or_default(),
                content_type: &self.content_types[self.columns.types[place] as usize],
            };
            (self.columns.kinds[place], file)
        })
    }
}

impl Browser {
    /// The index of a snapshot, however long that takes; none if the snapshot has more entries than
    /// an index may have.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or why it cannot be made.
    pub async fn whole_index(
        &self,
        id: &SnapshotId,
        cancel: &CancellationToken,
    ) -> Result<Option<Arc<Index>>> {
        loop {
            let ended = match self.want_index(id) {
                (IndexState::Ready(index), _) => return Ok(Some(index)),
                (IndexState::TooLarge, _) => return Ok(None),
                (IndexState::Failed(reason), _) => return Err(Error::Answer(reason)),
                (IndexState::Building { .. }, ended) => ended,
            };
            tokio::select! {
                () = async { match &ended { Some(ended) => ended.cancelled().await, None => std::future::pending().await } } => {}
                () = tokio::time::sleep(ASK_INTERVAL) => {}
                () = cancel.cancelled() => return Err(Error::Cancelled),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browse::index_builder::IndexBuilder;
    use crate::browse::points::Entry;

    fn entry(name: &str, kind: EntryKind) -> Entry {
        Entry {
            name: name.into(),
            folder: String::new(),
            kind,
            size: name.len() as u64,
            modified: DateTime::from_timestamp(7, 9).unwrap(),
            target: String::new(),
            content_type: "text/plain".into(),
            content: None,
        }
    }

    #[test]
    fn files_come_as_a_walk_meets_them() {
        let mut builder = IndexBuilder::new(100);
        let (file, folder) = (EntryKind::File, EntryKind::Folder);
        let all = |entries: &[(&str, EntryKind)]| {
            entries.iter().map(|(name, kind)| entry(name, *kind)).collect::<Vec<_>>()
        };
        let top = all(&[("a", folder), ("a.txt", file), ("b", EntryKind::Link), ("z", file)]);
        assert!(builder.add(0, top.into_iter()).unwrap());
        builder.done(0);
        assert!(builder.add(1, all(&[("b", folder), ("x", file)]).into_iter()).unwrap());
        builder.done(1);
        assert!(builder.add(2, all(&[("y", file)]).into_iter()).unwrap());
        builder.done(2);
        let index = builder.index();
        let files: Vec<_> = index.files().collect();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["/a/b/y", "/a/x", "/a.txt", "/z"]);
        assert_eq!((files[2].size, files[2].content_type), (5, "text/plain"));
        assert_eq!(files[2].modified.timestamp(), 7);
    }
}
