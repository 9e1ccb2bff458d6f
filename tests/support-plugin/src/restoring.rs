//! Restoring in process, and reading back what is there then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use plakar_opendrive::connector::destination::{
    LeftOut, Outcome, RestoreItem, RestoreRecord, RestoreSummary, StreamRestore,
};
use plakar_opendrive::connector::{Destination, Role, Source, source};
use plakar_opendrive::rclone::Rclone;
use support::until;
use tokio::sync::mpsc;

use crate::place::Place;

/// What became of the entries, by path, and how it ended.
pub struct Restored {
    /// Nothing, or why it failed.
    pub outcomes: BTreeMap<String, Result<(), String>>,
    /// How it ended.
    pub summary: RestoreSummary,
}

impl Restored {
    /// Nothing failed.
    pub fn all_good(&self) {
        assert_eq!(self.summary.failure(), None, "{:?}", self.outcomes);
        assert!(self.outcomes.values().all(Result::is_ok), "{:?}", self.outcomes);
    }

    /// The paths that failed; each for a reason that has this in it.
    pub fn failed(&self, reason: &str) -> Vec<&str> {
        let failed = self
            .outcomes
            .iter()
            .filter_map(|(path, outcome)| Some((path.as_str(), outcome.as_ref().err()?)));
        failed
            .map(|(path, told)| {
                assert!(told.contains(reason) && !told.contains('\n'), "{path}: {told}");
                path
            })
            .collect()
    }
}

/// So many seconds after 1970.
pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The record of a folder.
pub fn folder(path: &str) -> RestoreRecord {
    RestoreRecord { path: path.to_owned(), item: RestoreItem::Folder, attributes: false }
}

/// The record of a file.
pub fn file(path: &str, size: u64, seconds: u64) -> RestoreRecord {
    RestoreRecord {
        path: path.to_owned(),
        item: RestoreItem::File { size: Some(size), modified: at(seconds) },
        attributes: false,
    }
}

/// The record of what a drive has no notion of.
pub fn other(path: &str, kind: LeftOut) -> RestoreRecord {
    RestoreRecord { path: path.to_owned(), item: RestoreItem::Other(kind), attributes: false }
}

/// A destination at a place.
pub async fn open(place: &Place, base: &str) -> Arc<Destination> {
    let settings = place.settings(Role::Destination, base);
    Arc::new(
        Destination::open(settings)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", place.name())),
    )
}

/// Restores what `feed` gives.
pub async fn restore(
    destination: &Arc<Destination>,
    feed: impl AsyncFnOnce(&mut StreamRestore<String>),
) -> Restored {
    let (sender, mut receiver) = mpsc::channel(4);
    let collect = async {
        let mut outcomes = BTreeMap::new();
        while let Some(Outcome { ticket, result }) = receiver.recv().await {
            assert!(
                outcomes.insert(ticket, result.map_err(|error| error.to_string())).is_none(),
                "two outcomes for one entry"
            );
        }
        outcomes
    };
    let mut restore = destination.restore(sender);
    let work = async {
        feed(&mut restore).await;
        restore.finish().await
    };
    let (summary, outcomes) = tokio::join!(work, collect);
    Restored { outcomes, summary }
}

/// Gives an entry under its own path as the ticket, and the bytes of a file as Plakar does.
pub async fn give(restore: &mut StreamRestore<String>, record: RestoreRecord, bytes: &[u8]) {
    let (ticket, is_file) = (record.path.clone(), matches!(record.item, RestoreItem::File { .. }));
    restore.entry(record, ticket).await;
    if is_file {
        for chunk in bytes.chunks(1 << 20) {
            restore.chunk(Bytes::copy_from_slice(chunk)).await;
        }
        restore.end_of_file().await;
    }
}

/// Restores files and the folders on the way to them, in Plakar's order.
pub async fn restore_files(
    destination: &Arc<Destination>,
    files: &BTreeMap<String, (Vec<u8>, u64)>,
) -> Restored {
    let mut entries: BTreeMap<Vec<String>, Option<&(Vec<u8>, u64)>> = BTreeMap::new();
    for (path, content) in files {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        for end in 0..parts.len() {
            entries.insert(parts[..end].to_vec(), None);
        }
        // A path that ends with a slash is an empty folder.
        match parts.last().map(String::as_str) {
            Some("") => drop(entries.insert(parts[..parts.len() - 1].to_vec(), None)),
            _ => drop(entries.insert(parts, Some(content))),
        }
    }
    restore(destination, async |restore| {
        for (parts, content) in &entries {
            let path = format!("/{}", parts.join("/"));
            match content {
                Some((bytes, seconds)) => {
                    give(restore, file(&path, bytes.len() as u64, *seconds), bytes).await
                }
                None => give(restore, folder(&path), b"").await,
            }
        }
    })
    .await
}

/// All that a source tells of. Few records wait at a time, as with whoever is slow.
pub async fn walked(source: &Source) -> Vec<source::SourceRecord> {
    let (sender, mut receiver) = mpsc::channel(16);
    let collect = async {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    };
    let (outcome, records) = tokio::join!(source.walk(sender), collect);
    outcome.unwrap();
    records
}

/// Everything below a base, by the source: files with their bytes and times, folders with a slash.
pub async fn read_back(place: &Place, base: &str) -> BTreeMap<String, (Vec<u8>, u64)> {
    let source = Source::open(place.settings(Role::Source, base)).await.unwrap();
    let prefix = format!("{}/", source.identity().root.trim_end_matches('/'));
    let mut found = BTreeMap::new();
    for record in walked(&source).await {
        let Some(path) = record.path.strip_prefix(&prefix).filter(|path| !path.is_empty()) else {
            continue;
        };
        match record.item {
            source::SourceItem::File { modified, .. } => {
                let mut reader = source.read(&record.path).await.unwrap();
                let mut bytes = Vec::new();
                while let Some(chunk) = reader.chunk().await.unwrap() {
                    bytes.extend_from_slice(&chunk);
                }
                found.insert(
                    path.to_owned(),
                    (bytes, modified.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()),
                );
            }
            source::SourceItem::Folder { .. } => {
                drop(found.insert(format!("{path}/"), (vec![], 0)))
            }
            source::SourceItem::Failed(reason) => panic!("{path}: {reason}"),
        }
    }
    found
}

/// The same without the folders that have something in them.
pub fn without_full_folders(
    mut tree: BTreeMap<String, (Vec<u8>, u64)>,
) -> BTreeMap<String, (Vec<u8>, u64)> {
    let paths: Vec<String> = tree.keys().cloned().collect();
    tree.retain(|path, _| {
        !path.ends_with('/')
            || !paths.iter().any(|other| other != path && other.starts_with(path.as_str()))
    });
    tree
}

/// Both trees have the same names, bytes and times.
pub fn assert_same(
    found: &BTreeMap<String, (Vec<u8>, u64)>,
    expected: &BTreeMap<String, (Vec<u8>, u64)>,
    place: &str,
) {
    let names = |tree: &BTreeMap<String, (Vec<u8>, u64)>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{place}");
    for (path, (bytes, seconds)) in expected {
        assert!(found[path].0 == *bytes, "{place}: {path}: the bytes differ");
        assert_eq!(found[path].1, *seconds, "{place}: {path}: the time differs");
    }
}

/// Waits until every upload of this process has ended and cleaned up: for a test that runs alone.
pub async fn no_streams() {
    until(Duration::from_secs(60), "all uploads end", || Rclone::get().stats().streams == 0).await;
}
