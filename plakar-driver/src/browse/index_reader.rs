//! Reads all of a snapshot once, for its index.
//!
//! Plakar keeps the list of a folder in one piece. Asked for the whole folder it reads that piece
//! once; asked for a page it reads all before the page too, and a search looks up each entry by
//! itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::browse::api::{Api, understood};
use crate::browse::index::Index;
use crate::browse::index_builder::IndexBuilder;
use crate::browse::points::{Items, RawEntry};
use crate::error::{Error, Result};
use crate::names::SnapshotId;

/// How many entries of a folder are asked for at once: while plakar makes up a larger answer, pages
/// wait longer.
const MIN_PART_ENTRIES: u64 = 5_000;

/// Of a very large folder, such a part of it: plakar reads all before it again each time.
const MAX_FOLDER_PARTS: u64 = 16;

/// What is being read.
struct SnapshotReader<'a> {
    api: &'a Api,
    id: &'a SnapshotId,
    builder: Arc<Mutex<IndexBuilder>>,
    so_far: &'a AtomicU64,
    wanted: &'a (dyn Fn() -> bool + Sync),
}

/// The index of a snapshot, or none if it has more entries than this.
pub(crate) async fn read(
    api: &Api,
    id: &SnapshotId,
    limit: usize,
    so_far: &AtomicU64,
    wanted: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Index>> {
    let point = api.restore_point(id).await?;
    if point.files.saturating_add(point.folders) > limit as u64 {
        return Ok(None);
    }
    let builder = Arc::new(Mutex::new(IndexBuilder::new(limit)));
    let reading = SnapshotReader { api, id, builder: Arc::clone(&builder), so_far, wanted };
    // One after another: a second one would have no core of its own beside the pages.
    let mut next = 0;
    while next < lock(&builder).folders() {
        if !reading.folder(next).await? {
            return Ok(None);
        }
        next += 1;
    }
    drop(reading);
    let laid_out = move || {
        let builder = std::mem::replace(&mut *lock(&builder), IndexBuilder::new(0));
        builder.index()
    };
    Ok(Some(blocking(laid_out).await?))
}

impl SnapshotReader<'_> {
    /// Reads a folder. False if that makes too many entries.
    async fn folder(&self, number: usize) -> Result<bool> {
        let Some(path) = lock(&self.builder).path(number) else { return Ok(true) };
        let (mut offset, mut limit) = (0, MIN_PART_ENTRIES);
        loop {
            if !(self.wanted)() {
                return Err(Error::Cancelled);
            }
            // Below the root, the first is "..", which counts as one.
            let first = offset + u64::from(number != 0);
            let query = [("offset", first.to_string()), ("limit", limit.to_string())];
            self.api.give_way().await;
            let bytes = match self.api.of_path("children/", self.id, &path, &query).await {
                // Bytes that are no UTF-8 are shown as this sign, by which plakar does not know the
                // folder.
                Err(Error::NotFound(_)) if path.as_str().contains(char::REPLACEMENT_CHARACTER) => {
                    return Ok(true);
                }
                bytes => bytes?,
            };
            let builder = Arc::clone(&self.builder);
            let taken = move || {
                let found: Items<RawEntry> = understood(&bytes)?;
                let (count, mut builder) = (found.items.len() as u64, lock(&builder));
                let fits = builder.add(number, found.items.into_iter().map(RawEntry::entry))?;
                let ended = count == 0 || offset + count >= found.total;
                if ended && offset + count == found.total {
                    builder.done(number);
                } else if ended {
                    return Err(Error::Answer(format!(
                        "{} of {} entries of a folder",
                        offset + count,
                        found.total
                    )));
                }
                Ok((fits, ended, count, found.total, builder.entries()))
            };
            let (fits, ended, count, total, entries) = blocking(taken).await??;
            self.so_far.store(entries, Ordering::Relaxed);
            if ended || !fits {
                return Ok(fits);
            }
            offset += count;
            limit = MIN_PART_ENTRIES.max(total / MAX_FOLDER_PARTS);
        }
    }
}

fn lock(builder: &Mutex<IndexBuilder>) -> std::sync::MutexGuard<'_, IndexBuilder> {
    builder.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What takes long, in a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Answer(error.to_string()))
}
