//! What is in a store, as far as listings and uploads have shown it.
//!
//! A listing of a kind keeps its objects, so that a read is one call. On OpenDrive a look-up by
//! name takes two, and does not find a new file for a while; it is the last resort.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::layout::{self, CONFIG, Kind, Mac, StoredName};
use crate::connector::abandoned::abandoned_before;
use crate::connector::paths::split;
use crate::rclone::{Entry, Error, ErrorKind, Listing, Object, Remote, Result};

/// Maximum age of a listing that is taken for the present state where it need not be exact.
const MAX_LISTING_AGE: Duration = Duration::from_secs(60);

/// A resource that is known.
#[derive(Debug)]
pub(super) struct CachedObject {
    pub(super) object: Object,
    /// When it was put, as the remote tells.
    pub(super) modified: Option<SystemTime>,
    /// What tells it from another one of its name.
    stamp: u64,
    /// When it became known.
    since: Instant,
}

impl CachedObject {
    /// Bytes; `None` if the backend does not tell.
    pub(super) fn size(&self) -> Option<u64> {
        self.object.size()
    }
}

#[derive(Debug)]
pub(super) struct Catalog {
    remote: Remote,
    checkers: usize,
    listings: Mutex<HashMap<Kind, KindListing>>,
    /// Unfinished uploads by their paths.
    leftovers: Mutex<HashMap<String, UnfinishedUpload>>,
    /// Held while a look-up makes a listing, so that many at once make one.
    first_listing: tokio::sync::Mutex<()>,
}

/// An upload that was not finished when it was listed.
#[derive(Debug)]
struct UnfinishedUpload {
    /// When it was begun, by the remote's clock.
    begun: SystemTime,
    /// What tells it from another one of its name.
    stamp: u64,
}

#[derive(Debug, Default)]
struct KindListing {
    listed: Option<Instant>,
    objects: HashMap<Mac, Arc<CachedObject>>,
}

impl Catalog {
    pub(super) fn new(remote: Remote, checkers: usize) -> Self {
        Self {
            remote,
            checkers,
            listings: Mutex::default(),
            leftovers: Mutex::default(),
            first_listing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Lists a kind anew. Gives the MACs, the last that was put first, and those whose object is
    /// not what it was.
    ///
    /// Plakar 1.1.4 reads states along the parents that they name, the last in the list first, and
    /// where several name one, or name none that is there, with all that descends from it
    /// (`TopoSort` in kloset v1.1.3). A state that removes a packfile must be read after the one
    /// that told of it, or the packfile is there again for whoever has no cache yet. So those that
    /// were put first come last, and the order is the same for all machines: each writes on from
    /// the state that it has read last.
    pub(super) async fn list(&self, kind: Kind) -> Result<(Vec<Mac>, Vec<Mac>)> {
        let started = Instant::now();
        let mut objects = self.objects(kind, started).await?;
        let mut listings = self.listings();
        let listing = listings.entry(kind).or_default();
        let mut changed = Vec::new();
        for (mac, before) in std::mem::take(&mut listing.objects) {
            match objects.get(&mac) {
                // Uploaded while the listing was made: what it says of it may be older.
                _ if before.since >= started => drop(objects.insert(mac, before)),
                Some(now) if now.size() == before.size() => {}
                _ => changed.push(mac),
            }
        }
        listing.objects = objects;
        listing.listed = Some(started);
        drop(listings);
        Ok((self.newest_first(kind).into_iter().map(|(mac, _)| mac).collect(), changed))
    }

    /// What is known of a kind, the last that was put first.
    pub(super) fn newest_first(&self, kind: Kind) -> Vec<(Mac, Arc<CachedObject>)> {
        let mut known: Vec<(Mac, Arc<CachedObject>)> = match self.listings().get(&kind) {
            Some(listing) => {
                listing.objects.iter().map(|(mac, kept)| (*mac, kept.clone())).collect()
            }
            None => Vec::new(),
        };
        known.sort_unstable_by_key(|(mac, kept)| (Reverse(kept.modified), *mac));
        known
    }

    /// The sum of the sizes of a kind, by a listing that is not old.
    pub(super) async fn size(&self, kind: Kind) -> Result<u64> {
        self.refresh(kind).await?;
        let listings = self.listings();
        Ok(listings
            .get(&kind)
            .map_or(0, |listing| listing.objects.values().filter_map(|kept| kept.size()).sum()))
    }

    /// What is under a MAC, by a listing that is not old.
    pub(super) async fn present(&self, kind: Kind, mac: &Mac) -> Result<Option<Arc<CachedObject>>> {
        self.refresh(kind).await?;
        Ok(self.known(kind, mac))
    }

    /// Lists a kind anew unless that was done within a minute.
    async fn refresh(&self, kind: Kind) -> Result<()> {
        let fresh = self
            .listings()
            .get(&kind)
            .and_then(|listing| listing.listed)
            .is_some_and(|listed| listed.elapsed() < MAX_LISTING_AGE);
        if !fresh {
            self.list(kind).await?;
        }
        Ok(())
    }

    /// What is known under a MAC, without asking the remote.
    pub(super) fn known(&self, kind: Kind, mac: &Mac) -> Option<Arc<CachedObject>> {
        self.listings().get(&kind)?.objects.get(mac).cloned()
    }

    /// A resource: from a listing, which is made if there was none, else looked up by name.
    pub(super) async fn find(&self, kind: Kind, mac: &Mac) -> Result<Arc<CachedObject>> {
        if let Some(kept) = self.known(kind, mac) {
            return Ok(kept);
        }
        {
            let _one = self.first_listing.lock().await;
            let listed = self.listings().get(&kind).is_some_and(|listing| listing.listed.is_some());
            if !listed {
                self.list(kind).await?;
            }
            match self.known(kind, mac) {
                Some(kept) => return Ok(kept),
                None if !listed => return Err(missing(kind, mac)),
                None => {}
            }
        }
        let entry = self.remote.stat(&kind.path(mac)).await;
        let entry = entry.map_err(|error| {
            if error.kind() == ErrorKind::NotFound { missing(kind, mac) } else { error }
        })?;
        if entry.size == Some(0) {
            return Err(missing(kind, mac));
        }
        self.add(kind, *mac, entry).ok_or_else(|| missing(kind, mac))
    }

    /// Takes note of what was looked up or uploaded.
    pub(super) fn add(&self, kind: Kind, mac: Mac, entry: Entry) -> Option<Arc<CachedObject>> {
        let kept = Arc::new(CachedObject {
            object: entry.object?,
            modified: entry.modified,
            stamp: entry.stamp,
            since: Instant::now(),
        });
        let previous = self.listings().entry(kind).or_default().objects.insert(mac, kept.clone());
        // Not under the lock: letting go of an object is a call into Go.
        drop(previous);
        Some(kept)
    }

    pub(super) fn forget(&self, kind: Kind, mac: &Mac) {
        let previous =
            self.listings().get_mut(&kind).and_then(|listing| listing.objects.remove(mac));
        drop(previous);
    }

    /// Has the next use of a kind list it anew.
    pub(super) fn outdate(&self, kind: Kind) {
        if let Some(listing) = self.listings().get_mut(&kind) {
            listing.listed = None;
        }
    }

    /// The file `CONFIG`, if there is one.
    ///
    /// # Errors
    /// What the server says, or that something of the store is there twice: a drive may have two
    /// folders of one name, and what is in the second would be missing.
    pub(super) async fn config(&self) -> Result<Option<Entry>> {
        let mut config = None;
        let mut folders = HashSet::new();
        for entry in self.remote.list("").await? {
            let is_ours =
                entry.is_folder() && Kind::ALL.iter().any(|kind| kind.folder() == entry.name);
            if (is_ours && !folders.insert(entry.name.clone()))
                || (entry.name == CONFIG && config.is_some())
            {
                let what = if is_ours { "folders" } else { "files" };
                let advice = "put all into one of them and remove the other, for example on the drive's website";
                return Err(Error::new(
                    ErrorKind::Other,
                    format!("there are two {what} named {}: {advice}", entry.name),
                ));
            }
            if entry.name == CONFIG {
                config = Some(entry);
            } else if layout::is_unfinished_config(&entry.name)
                && let Some(object) = entry.object
            {
                self.left_behind(&object, entry.modified, entry.stamp);
            }
        }
        Ok(config)
    }

    /// Removes what listings have shown of uploads that were never finished, a day after they
    /// began. Nothing depends on it, so what fails is left for the next time.
    pub(super) async fn tidy(&self) {
        let mut abandoned = std::mem::take(&mut *self.leftovers());
        if abandoned.is_empty() {
            return;
        }
        let before = abandoned_before(&self.remote).await;
        abandoned.retain(|_, upload| upload.begun < before);
        let folders: HashSet<&str> = abandoned.keys().map(|path| split(path).0).collect();
        for folder in folders {
            let still_there = self.unchanged(folder, &abandoned).await.unwrap_or_default();
            stream::iter(still_there)
                .for_each_concurrent(
                    self.checkers,
                    |object| async move { drop(object.delete().await) },
                )
                .await;
        }
    }

    /// Those of some unfinished uploads that are in a folder as they were. Another machine, whose
    /// clock is slow, may have finished one meanwhile: it has its name then, and on OpenDrive the
    /// object that was listed before is that file.
    async fn unchanged(
        &self,
        folder: &str,
        uploads: &HashMap<String, UnfinishedUpload>,
    ) -> Result<Vec<Object>> {
        let mut unchanged = Vec::new();
        let mut listing = self.remote.listing(folder).await?;
        while let Some(entries) = listing.next().await? {
            for Entry { stamp, object, .. } in entries {
                let Some(object) = object else { continue };
                if uploads.get(&object.path()).is_some_and(|upload| upload.stamp == stamp) {
                    unchanged.push(object);
                }
            }
        }
        Ok(unchanged)
    }

    /// What is in the folder of a kind, and in its subfolders of the older layout. Each listing is
    /// taken piece by piece: there may be some ten thousand.
    async fn objects(
        &self,
        kind: Kind,
        started: Instant,
    ) -> Result<HashMap<Mac, Arc<CachedObject>>> {
        let folder = kind.folder();
        let mut objects = HashMap::new();
        let mut shards = Vec::new();
        let listing = match self.remote.listing(folder).await {
            // Under union and chunker rclone shows an OpenDrive folder that was deleted meanwhile as an
            // empty one (`List` in its backend/opendrive). In a store that has something in it, that
            // is worth a look.
            Ok(listing)
                if listing.count() == 0
                    && self.listings().values().any(|folder| !folder.objects.is_empty()) =>
            {
                self.still_there().await?;
                listing
            }
            Ok(listing) => listing,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.still_there().await?;
                return Ok(objects);
            }
            Err(error) => return Err(error),
        };
        self.take(kind, listing, started, &mut objects, &mut shards).await?;
        let listings = stream::iter(shards)
            .map(|shard| async move { self.remote.listing(&format!("{folder}/{shard}")).await });
        let mut listings = pin!(listings.buffer_unordered(self.checkers));
        while let Some(listing) = listings.try_next().await? {
            self.take(kind, listing, started, &mut objects, &mut Vec::new()).await?;
        }
        Ok(objects)
    }

    /// Takes note of all that a listing tells of, and gives the folders of the older layout.
    async fn take(
        &self,
        kind: Kind,
        mut listing: Listing,
        started: Instant,
        objects: &mut HashMap<Mac, Arc<CachedObject>>,
        shards: &mut Vec<String>,
    ) -> Result<()> {
        objects.reserve(listing.count());
        while let Some(entries) = listing.next().await? {
            for entry in entries {
                if entry.is_folder() && layout::is_shard(&entry.name) {
                    shards.push(entry.name);
                } else {
                    self.take_entry(kind, entry, started, objects);
                }
            }
        }
        Ok(())
    }

    /// A kind without a folder has no resource yet, unless the store itself is gone.
    async fn still_there(&self) -> Result<()> {
        let entries = match self.remote.list("").await {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            entries => entries.unwrap_or_default(),
        };
        match entries.iter().any(|entry| entry.name == CONFIG && !entry.is_folder()) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::NotFound,
                "the store is gone: there is no file CONFIG any more",
            )),
        }
    }

    /// What is known already and is the same object is kept, so that a second listing of some ten
    /// thousand does not take as much memory again.
    fn take_entry(
        &self,
        kind: Kind,
        entry: Entry,
        started: Instant,
        objects: &mut HashMap<Mac, Arc<CachedObject>>,
    ) {
        let Entry { name, size, modified, stamp, object: Some(object), .. } = entry else { return };
        let unfinished = match StoredName::parse(&name) {
            StoredName::Resource(mac) if size != Some(0) => {
                let kept = match self.known(kind, &mac).filter(|kept| kept.stamp == stamp) {
                    Some(kept) => kept,
                    None => Arc::new(CachedObject { object, modified, stamp, since: started }),
                };
                objects.insert(mac, kept);
                return;
            }
            StoredName::Resource(_) | StoredName::Temporary => object,
            StoredName::Foreign => return,
        };
        self.left_behind(&unfinished, modified, stamp);
    }

    /// Takes note of an unfinished upload: [`Catalog::tidy`] removes it if nobody will finish it.
    fn left_behind(&self, unfinished: &Object, begun: Option<SystemTime>, stamp: u64) {
        let Some(begun) = begun else { return };
        self.leftovers().insert(unfinished.path(), UnfinishedUpload { begun, stamp });
    }

    fn listings(&self) -> MutexGuard<'_, HashMap<Kind, KindListing>> {
        // No code that can panic runs under this lock.
        self.listings.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn leftovers(&self) -> MutexGuard<'_, HashMap<String, UnfinishedUpload>> {
        self.leftovers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

pub(super) fn missing(kind: Kind, mac: &Mac) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {} {}", kind.name(), layout::hex(mac)))
}
