//! The indexes that are kept, and those that are being made.
//!
//! A snapshot never changes, so an index is right for as long as there is room for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use crate::browse::api::Api;
use crate::browse::index::Index;
use crate::browse::index_reader::read;
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::names::SnapshotId;

/// Maximum number of entries of a restore point that gets an index.
pub(crate) const MAX_INDEX_ENTRIES: usize = 2_000_000;

/// Maximum number of indexes that are kept; one in any case.
const MAX_KEPT_INDEXES: usize = 4;

/// Maximum of memory that the kept indexes take, in bytes; one is kept in any case.
const MAX_KEPT_BYTES: usize = 512 << 20;

/// Maximum number of snapshots without an index that are remembered.
const MAX_REMEMBERED_SNAPSHOTS: usize = 1000;

/// How long an index that nobody asks for is still being made.
const ABANDONED_TIMEOUT: Duration = Duration::from_secs(120);

/// The same, if another index of its store is asked for.
const SUPERSEDED_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a failure is remembered.
const FAILURE_MEMORY: Duration = Duration::from_secs(30);

/// How it stands with the index of a restore point.
#[derive(Clone)]
pub enum IndexState {
    /// It is being made; ask again.
    Building {
        /// How many entries were read.
        entries_so_far: u64,
    },
    /// It is there.
    Ready(Arc<Index>),
    /// The restore point has more entries than an index may have: plakar is asked instead, which
    /// takes its time.
    TooLarge,
    /// It could not be made, for this reason: plakar is asked instead. It is tried again after a
    /// while.
    Failed(String),
}

type IndexKey = (Store, SnapshotId);

pub(crate) struct Indexes {
    slots: Mutex<HashMap<IndexKey, IndexSlot>>,
    limit: usize,
}

struct IndexSlot {
    used: Instant,
    content: IndexContent,
}

enum IndexContent {
    /// Has so few entries that browsing needs no index.
    Small,
    Building(Building),
    Ready(Arc<Index>),
    TooLarge,
    Failed(String, Instant),
}

struct Building {
    so_far: Arc<AtomicU64>,
    /// Cancelled when it has ended, in any way.
    ended: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

/// What is known, and what to wait for if that may change soon.
pub(crate) type Wanted = (IndexState, Option<CancellationToken>);

impl Indexes {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), limit })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IndexKey, IndexSlot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a snapshot; none if it is new, or its failure forgotten. Nothing is begun.
    pub(crate) fn known(&self, store: &Store, id: &SnapshotId) -> Option<Option<Arc<Index>>> {
        let mut slots = self.lock();
        let slot = slots.get_mut(&(store.clone(), id.clone()))?;
        slot.used = Instant::now();
        if matches!(&slot.content, IndexContent::Failed(_, when) if when.elapsed() >= FAILURE_MEMORY)
        {
            return None;
        }
        Some(if let IndexContent::Ready(index) = &slot.content {
            Some(Arc::clone(index))
        } else {
            None
        })
    }

    pub(crate) fn is_being_made(&self, store: &Store, id: &SnapshotId) -> bool {
        self.lock()
            .get(&(store.clone(), id.clone()))
            .is_some_and(|slot| matches!(slot.content, IndexContent::Building(_)))
    }

    /// Browsing this one needs no index.
    pub(crate) fn small(&self, store: &Store, id: &SnapshotId) {
        let slot = || IndexSlot { used: Instant::now(), content: IndexContent::Small };
        self.lock().entry((store.clone(), id.clone())).or_insert_with(slot);
    }

    /// The index of a snapshot. Begins to make it if nothing else of its store is being made.
    pub(crate) fn want(self: &Arc<Self>, store: &Store, id: &SnapshotId, api: &Arc<Api>) -> Wanted {
        let (key, now) = ((store.clone(), id.clone()), Instant::now());
        let mut slots = self.lock();
        if let Some(slot) = slots.get_mut(&key) {
            slot.used = now;
            match &slot.content {
                IndexContent::Building(building) => {
                    let entries_so_far = building.so_far.load(Ordering::Relaxed);
                    return (IndexState::Building { entries_so_far }, Some(building.ended.clone()));
                }
                IndexContent::Ready(index) => return (IndexState::Ready(Arc::clone(index)), None),
                IndexContent::TooLarge => return (IndexState::TooLarge, None),
                IndexContent::Failed(reason, when) if when.elapsed() < FAILURE_MEMORY => {
                    return (IndexState::Failed(reason.clone()), None);
                }
                IndexContent::Small | IndexContent::Failed(..) => (),
            }
        }
        let superseded = |slot: &IndexSlot| slot.used.elapsed() > SUPERSEDED_TIMEOUT;
        slots.retain(|(of, _), slot| {
            of != store || !matches!(slot.content, IndexContent::Building(_)) || !superseded(slot)
        });
        let others = slots.iter().filter(|((of, _), _)| of == store);
        let ended = others.filter_map(|(_, slot)| {
            if let IndexContent::Building(other) = &slot.content {
                Some(other.ended.clone())
            } else {
                None
            }
        });
        let building = IndexState::Building { entries_so_far: 0 };
        if let Some(ended) = { ended }.next() {
            return (building, Some(ended));
        }
        let (so_far, ended) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let make = make(
            Arc::downgrade(self),
            key.clone(),
            Arc::clone(api),
            self.limit,
            Arc::clone(&so_far),
            ended.clone().drop_guard(),
        );
        let task = AbortOnDropHandle::new(tokio::spawn(make));
        let content =
            IndexContent::Building(Building { so_far, ended: ended.clone(), _task: task });
        slots.insert(key, IndexSlot { used: now, content });
        (building, Some(ended))
    }

    /// Whether somebody still asks for it.
    fn wanted(&self, key: &IndexKey) -> bool {
        self.lock().get(key).is_some_and(|slot| slot.used.elapsed() < ABANDONED_TIMEOUT)
    }

    fn made(&self, key: &IndexKey, so_far: &Arc<AtomicU64>, made: Result<Option<Index>>) {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(key) else { return };
        // It may have been given up, and begun again.
        if !matches!(&slot.content, IndexContent::Building(building) if Arc::ptr_eq(&building.so_far, so_far))
        {
            return;
        }
        slot.content = match made {
            Ok(Some(index)) => IndexContent::Ready(Arc::new(index)),
            Ok(None) => IndexContent::TooLarge,
            Err(Error::Cancelled) => {
                slots.remove(key);
                return;
            }
            Err(error) => IndexContent::Failed(error.to_string(), Instant::now()),
        };
        make_room(&mut slots, key);
    }

    /// Forgets the snapshots of a store that are there no more.
    pub(crate) fn keep_only<'a>(&self, store: &Store, ids: impl Iterator<Item = &'a SnapshotId>) {
        let there: std::collections::HashSet<&SnapshotId> = ids.collect();
        self.lock().retain(|(of, id), _| of != store || there.contains(id));
    }
}

/// The least recently used go.
fn make_room(slots: &mut HashMap<IndexKey, IndexSlot>, newest: &IndexKey) {
    loop {
        let size = |slot: &IndexSlot| {
            if let IndexContent::Ready(index) = &slot.content { Some(index.bytes()) } else { None }
        };
        let (count, bytes) = slots
            .values()
            .filter_map(size)
            .fold((0, 0), |(count, all), bytes| (count + 1, all + bytes));
        let crowded = count > MAX_KEPT_INDEXES || bytes > MAX_KEPT_BYTES;
        let goes = |key: &IndexKey, slot: &IndexSlot| match slot.content {
            IndexContent::Building(_) => false,
            IndexContent::Ready(_) => crowded && key != newest,
            _ => !crowded && slots.len() > MAX_REMEMBERED_SNAPSHOTS,
        };
        let oldest =
            slots.iter().filter(|(key, slot)| goes(key, slot)).min_by_key(|(_, slot)| slot.used);
        let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
        slots.remove(&key);
    }
}

/// Ends with the indexes too: nothing of it is needed then.
async fn make(
    indexes: Weak<Indexes>,
    key: IndexKey,
    api: Arc<Api>,
    limit: usize,
    so_far: Arc<AtomicU64>,
    _ended: DropGuard,
) {
    let wanted = || indexes.upgrade().is_some_and(|indexes| indexes.wanted(&key));
    let made = read(&api, &key.1, limit, &so_far, &wanted).await;
    if let Some(indexes) = indexes.upgrade() {
        indexes.made(&key, &so_far, made);
    }
}

#[cfg(test)]
mod tests {
    use super::super::index_builder::IndexBuilder;
    use super::*;

    fn id(number: u64) -> SnapshotId {
        SnapshotId::new(&format!("{number:064x}")).unwrap()
    }

    fn store(name: &str) -> Store {
        Store::folder(&std::path::Path::new("/tmp").join(name)).unwrap()
    }

    /// One that never answers.
    fn api() -> (std::net::TcpListener, Arc<Api>) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let api = Api::new(listener.local_addr().unwrap().to_string(), String::new()).unwrap();
        (listener, Arc::new(api))
    }

    async fn soon(ended: &CancellationToken) {
        tokio::time::timeout(Duration::from_secs(30), ended.cancelled()).await.unwrap();
    }

    #[tokio::test]
    async fn one_of_a_store_is_made_at_a_time_and_ends_with_the_pool() {
        let (_listener, api) = api();
        let indexes = Indexes::new(10);
        let ended = |name: &str, number| indexes.want(&store(name), &id(number), &api).1.unwrap();
        let (first, waits, other) = (ended("a", 1), ended("a", 2), ended("b", 3));
        assert_eq!(indexes.lock().len(), 2, "the second waits for the first");
        // What was not asked for in a while gives way.
        indexes.lock().get_mut(&(store("a"), id(1))).unwrap().used -= SUPERSEDED_TIMEOUT * 2;
        let second = ended("a", 2);
        soon(&first).await;
        assert!(waits.is_cancelled() && !second.is_cancelled());
        // Nobody can want what is removed.
        indexes.keep_only(&store("a"), [id(1)].iter());
        soon(&second).await;
        assert!(!other.is_cancelled());
        drop(indexes);
        soon(&other).await;
    }

    #[tokio::test]
    async fn a_failure_is_told_and_forgotten() {
        let (listener, api) = api();
        drop(listener);
        let indexes = Indexes::new(10);
        let key = (store("a"), id(1));
        soon(&indexes.want(&key.0, &key.1, &api).1.unwrap()).await;
        let failed = indexes.want(&key.0, &key.1, &api);
        assert!(
            matches!(&failed, (IndexState::Failed(reason), None) if reason.contains("no answer from plakar"))
        );
        assert!(indexes.known(&key.0, &key.1).is_some());
        if let IndexContent::Failed(_, when) = &mut indexes.lock().get_mut(&key).unwrap().content {
            *when -= FAILURE_MEMORY;
        }
        assert!(indexes.known(&key.0, &key.1).is_none());
        assert!(matches!(
            indexes.want(&key.0, &key.1, &api),
            (IndexState::Building { .. }, Some(_))
        ));
    }

    #[tokio::test]
    async fn the_least_recently_used_goes() {
        let (_listener, api) = api();
        let indexes = Indexes::new(10);
        for number in 0..=MAX_KEPT_INDEXES as u64 {
            indexes.want(&store("a"), &id(number), &api);
            let so_far = match &indexes.lock()[&(store("a"), id(number))].content {
                IndexContent::Building(building) => Arc::clone(&building.so_far),
                _ => panic!("{number} is not being made"),
            };
            // One that was given up is not taken for this one.
            indexes.made(&(store("a"), id(number)), &Arc::default(), Ok(None));
            indexes.made(
                &(store("a"), id(number)),
                &so_far,
                Ok(Some(IndexBuilder::new(1).index())),
            );
            // The first is used all the time.
            assert!(indexes.known(&store("a"), &id(0)).unwrap().is_some());
        }
        let there: Vec<bool> = (0..=MAX_KEPT_INDEXES as u64)
            .map(|number| indexes.known(&store("a"), &id(number)).is_some())
            .collect();
        assert_eq!(there, [true, false, true, true, true]);
    }
}
