//! The states of a store that this machine has no cache of.
//!
//! Plakar reads all of them then, one after another, and each of them twice: first for its header, in
//! the order of the list, and then as a whole (kloset v1.1.3, `TopoSort` in repository/repository.go).
//! So what was read once is kept for the second time, and who has asked for a good part of them has the
//! whole folder come in one call, where the drive has such a call and there is not too much in it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::catalog::{CachedObject, Catalog};
use super::layout::{Kind, Mac};
use crate::rclone::Urgency;

/// How many states are read one by one: a machine that lacks the newest few takes those.
const MAX_STATES_ONE_BY_ONE: usize = 2;

/// How much comes in one call at most, to what was asked for one by one: who has read an eighth of it
/// has no cache of the store, and will ask for the rest; who lacks the newest few stops before.
const MAX_GATHERED_TO_ASKED: u64 = 8;

/// What comes in one call in any case, in bytes.
const ALWAYS_GATHERED_BYTES: u64 = 256 << 10;

/// Maximum of all states that come in one call, and of those that are kept, in bytes.
const MAX_GATHERED_BYTES: u64 = 8 << 20;

/// Maximum size of a state that is kept, in bytes: it is given in one piece.
const MAX_STATE_BYTES: u64 = 1 << 20;

/// What was read of the states.
#[derive(Debug, Default)]
pub(super) struct ColdStates(Mutex<ReadStates>);

#[derive(Debug, Default)]
struct ReadStates {
    /// Those that were asked for.
    asked: HashSet<Mac>,
    /// How many bytes they have.
    asked_bytes: u64,
    /// Whether it is decided if they come in one call.
    decided: bool,
    /// Those that were read once.
    kept: HashMap<Mac, Bytes>,
    bytes: u64,
}

impl ColdStates {
    /// A state, if it is one that is kept between two readings. What fails here is read once more by
    /// whoever wants it, and told of then.
    pub(super) async fn take(
        &self,
        catalog: &Catalog,
        mac: &Mac,
        state: &CachedObject,
    ) -> Option<Bytes> {
        let size = state.size().filter(|size| *size <= MAX_STATE_BYTES)?;
        let is_doubtful = {
            let mut read = self.read();
            if let Some(bytes) = read.kept.remove(mac) {
                read.bytes -= bytes.len() as u64;
                return Some(bytes);
            }
            // Once more, so no cache is being filled.
            if !read.asked.insert(*mac) {
                return None;
            }
            read.asked_bytes += size;
            !read.decided && read.asked.len() > MAX_STATES_ONE_BY_ONE
        };
        if is_doubtful {
            self.gather(catalog).await;
        }
        let length = usize::try_from(size).ok()?;
        let bytes = state.object.fetch(0, length, &Urgency::urgent()).await.ok()?;
        let mut read = self.read();
        if read.bytes + size <= MAX_GATHERED_BYTES {
            read.bytes += bytes.len() as u64;
            read.kept.insert(*mac, bytes.clone());
        }
        Some(bytes)
    }

    /// Has the states that were not read come in one call, if they are worth it.
    async fn gather(&self, catalog: &Catalog) {
        let remote = catalog.remote();
        let states = catalog.newest_first(Kind::State).into_iter();
        let missing: Vec<Arc<CachedObject>> = {
            let mut read = self.read();
            let missing = states.filter(|(mac, _)| !read.kept.contains_key(mac));
            let missing: Vec<_> = missing.map(|(_, state)| state).collect();
            let size: u64 = missing.iter().filter_map(|state| state.size()).sum();
            let never = remote.features().backend == "local"
                || missing.len() <= MAX_STATES_ONE_BY_ONE
                || size > MAX_GATHERED_BYTES;
            let worth = (MAX_GATHERED_TO_ASKED * read.asked_bytes).max(ALWAYS_GATHERED_BYTES);
            read.decided |= never || size <= worth;
            if never || size > worth {
                return;
            }
            missing
        };
        let objects = missing.iter().map(|state| &state.object);
        match remote.gather(Kind::State.folder(), objects).await {
            Ok(gathered) if gathered == missing.len() => {}
            outcome => tracing::info!(
                "the states do not all come in one call, and are read one by one: {outcome:?}"
            ),
        }
    }

    fn read(&self) -> MutexGuard<'_, ReadStates> {
        // No code that can panic in between leaves it half changed.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
