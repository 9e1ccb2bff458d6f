//! Searching all restore points of an app: their names are read in the background, one restore
//! point after the other, the newest first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio_util::task::AbortOnDropHandle;

use crate::browse::api::Api;
use crate::browse::browser::Browser;
use crate::browse::catalogue::{Catalogue, FoundPath, MAX_CATALOGUE_PATHS};
use crate::browse::index::Index;
use crate::browse::index_reader::{blocking, read};
use crate::browse::indexes::MAX_INDEX_ENTRIES;
use crate::browse::points::{Page, RestorePoint};
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::names::SnapshotId;

/// Maximum number of apps whose names are kept.
const MAX_CATALOGUES: usize = 2;

/// How long names are read that nobody asks for.
const ABANDONED_TIMEOUT: Duration = Duration::from_secs(120);

/// How long names that nobody asks for are kept.
const KEPT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How long a search waits for names that are being read: enough for small restore points, and no
/// delay to speak of.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(100);

/// How many entries are added while no search can come between.
const MAX_ENTRIES_ADDED_AT_ONCE: usize = 5000;

/// Maximum number of paths that a search gives at once.
const MAX_FOUND_PATHS: u64 = 1000;

/// What was found in all restore points of an app, as far as they were read.
#[derive(Clone, Debug)]
pub struct AllPointsAnswer {
    /// The paths, each once.
    pub page: Page<FoundPath>,
    /// How many restore points were searched.
    pub searched: u64,
    /// Those that were not, the newest first.
    pub unsearched: Vec<RestorePoint>,
    /// They are being read: ask again. Otherwise they are not searched at all.
    pub reading: bool,
    /// Why they are not.
    pub reason: Option<String>,
}

type CatalogueKey = (Store, String);

/// The names of all restore points of some apps.
#[derive(Default)]
pub(crate) struct Catalogues {
    slots: Mutex<HashMap<CatalogueKey, CatalogueSlot>>,
}

struct CatalogueSlot {
    used: Instant,
    catalogue: Arc<Mutex<Catalogue>>,
    reading: Option<Reading>,
    failed: Option<String>,
}

struct Reading {
    task: AbortOnDropHandle<()>,
}

impl Catalogues {
    fn lock(&self) -> MutexGuard<'_, HashMap<CatalogueKey, CatalogueSlot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Searches what was read, and has the rest read.
    pub(crate) async fn search(
        self: &Arc<Self>,
        (browser, store): (&Browser, &Store),
        app: &str,
        text: &str,
        (offset, limit): (u64, u64),
    ) -> Result<AllPointsAnswer> {
        browser.touch();
        let points = browser.restore_points(Some(app)).await?;
        let key = (store.clone(), app.to_owned());
        let begun = Instant::now();
        let (catalogue, reading, failed) = loop {
            let found = self.want(&key, &points, &browser.api);
            if !found.1 || begun.elapsed() >= SEARCH_TIMEOUT {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let (text, limit) = (text.to_owned(), limit.clamp(1, MAX_FOUND_PATHS));
        let searched = move || {
            let catalogue = lock(&catalogue);
            let page = catalogue.search(&points, &text, offset, limit)?;
            let unsearched: Vec<_> =
                points.iter().filter(|point| !catalogue.has(&point.id)).cloned().collect();
            let reason = catalogue.full.then(|| "there are too many different paths".to_owned());
            Ok(AllPointsAnswer {
                page,
                searched: (points.len() - unsearched.len()) as u64,
                reading: reading && !unsearched.is_empty(),
                reason: reason.or(failed).filter(|_| !reading && !unsearched.is_empty()),
                unsearched,
            })
        };
        blocking(searched).await?
    }

    /// What was read, whether more is being read, and why not if that failed.
    fn want(
        self: &Arc<Self>,
        key: &CatalogueKey,
        points: &[RestorePoint],
        api: &Arc<Api>,
    ) -> (Arc<Mutex<Catalogue>>, bool, Option<String>) {
        let mut slots = self.lock();
        let now = Instant::now();
        slots.retain(|other, slot| other == key || slot.used.elapsed() < KEPT_TIMEOUT);
        while slots.len() >= MAX_CATALOGUES && !slots.contains_key(key) {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            slots.remove(&oldest);
        }
        let slot = slots.entry(key.clone()).or_insert_with(|| CatalogueSlot {
            used: now,
            catalogue: Arc::default(),
            reading: None,
            failed: None,
        });
        slot.used = now;
        slot.reading.take_if(|reading| reading.task.is_finished());
        let unread: Vec<RestorePoint> = {
            let catalogue = lock(&slot.catalogue);
            let is_unread = |point: &&RestorePoint| !catalogue.has(&point.id);
            if catalogue.full {
                Vec::new()
            } else {
                points.iter().filter(is_unread).cloned().collect()
            }
        };
        if slot.reading.is_none() && !unread.is_empty() && slot.failed.is_none() {
            let make = read_all(
                Arc::downgrade(self),
                key.clone(),
                Arc::clone(&slot.catalogue),
                unread,
                Arc::clone(api),
            );
            let task = AbortOnDropHandle::new(tokio::spawn(make));
            slot.reading = Some(Reading { task });
        }
        // Told once, and tried again when it is asked for the next time.
        let failed = if slot.reading.is_none() { slot.failed.take() } else { None };
        (Arc::clone(&slot.catalogue), slot.reading.is_some(), failed)
    }

    /// Whether somebody still asks for it.
    fn wanted(&self, key: &CatalogueKey) -> bool {
        self.lock().get(key).is_some_and(|slot| slot.used.elapsed() < ABANDONED_TIMEOUT)
    }

    fn failed(&self, key: &CatalogueKey, reason: String) {
        if let Some(slot) = self.lock().get_mut(key) {
            slot.failed = Some(reason);
        }
    }
}

fn lock(catalogue: &Mutex<Catalogue>) -> MutexGuard<'_, Catalogue> {
    catalogue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends with the catalogues too: nothing of it is needed then.
async fn read_all(
    catalogues: Weak<Catalogues>,
    key: CatalogueKey,
    catalogue: Arc<Mutex<Catalogue>>,
    points: Vec<RestorePoint>,
    api: Arc<Api>,
) {
    let wanted = || catalogues.upgrade().is_some_and(|catalogues| catalogues.wanted(&key));
    for point in points {
        let read = one(&api, &point.id, &wanted).await;
        let added = match read {
            Ok(index) => {
                let (catalogue, point) = (Arc::clone(&catalogue), point.clone());
                blocking(move || add(&catalogue, &point, &index)).await
            }
            Err(Error::Cancelled) => return,
            Err(error) => Err(error),
        };
        if let Err(error) = added {
            if let Some(catalogues) = catalogues.upgrade() {
                catalogues.failed(&key, format!("{} cannot be read: {error}", point.id.short()));
            }
            return;
        }
        if lock(&catalogue).full {
            return;
        }
    }
}

/// Adds a restore point, some entries at a time: searches come between.
fn add(catalogue: &Mutex<Catalogue>, point: &RestorePoint, index: &Index) {
    let number = (lock(catalogue).next_number(), point.taken);
    let mut entries = index.walk().peekable();
    while entries.peek().is_some() {
        let mut catalogue = lock(catalogue);
        for (kind, entry) in entries.by_ref().take(MAX_ENTRIES_ADDED_AT_ONCE) {
            if !catalogue.take(number, kind, entry, MAX_CATALOGUE_PATHS) {
                return;
            }
        }
    }
    lock(catalogue).done(&point.id);
}

/// The index of a restore point, which is not kept.
async fn one(api: &Api, id: &SnapshotId, wanted: &(dyn Fn() -> bool + Sync)) -> Result<Index> {
    let so_far = std::sync::atomic::AtomicU64::new(0);
    let index = read(api, id, MAX_INDEX_ENTRIES, &so_far, wanted).await?;
    index.ok_or_else(|| Error::Answer("it has too many entries".into()))
}
