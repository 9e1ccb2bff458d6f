//! The versions of states: a Plakar reads nothing in a store that has a state of a newer version.
//!
//! Plakar 1.0 puts states of version 1.0.0 and refuses those of
//! 1.1.0, which Plakar 1.1 puts (kloset v1.0.12, `GetState` in repository/repository.go).
//!
//! Plakar reads states by a connection of its cache's daemon and puts new ones by another, so the
//! newest version that was seen is kept on this machine. Nothing is read for it that Plakar does not
//! read: a machine whose cache has all states of a store already does not know.

use std::sync::atomic::Ordering;

use super::layout::Kind;
use super::state_version::StateVersion;
use super::states::on_disk;
use super::{Result, Store};

impl Store {
    /// Takes note of the version of a state that was read or put, by its first bytes.
    pub(super) async fn saw_state(&self, state: &[u8]) {
        let Some(version) = StateVersion::of(state) else { return };
        if self.0.state_versions.newest.fetch_max(version.0, Ordering::Relaxed) >= version.0 {
            return;
        }
        let Some(local) = self.0.local.get().cloned() else { return };
        if let Err(error) = on_disk(move || local.saw_state_version(version)).await {
            tracing::info!("the version of the states is not remembered: {error}");
        }
    }

    /// Warns before the first put of a connection, of anything but a lock, if all states of the store
    /// are of an older version than what comes.
    pub(super) async fn warn_of_newer_states(&self, kind: Kind) {
        let versions = &self.0.state_versions;
        let (Some(puts), Some(local)) = (versions.puts, self.0.local.get()) else { return };
        if kind == Kind::Lock {
            return;
        }
        let look = || async {
            let local = local.clone();
            let newest: Result<_> = on_disk(move || local.newest_state_version()).await;
            if let Ok(Some(newest)) = newest
                && newest < puts
            {
                tracing::warn!(
                    "all states of this store are of an older Plakar (version {newest}), and this Plakar puts newer ones ({puts}): from then on the \
                     older one can read nothing in this store, for good; if a machine with it is to go on, stop now, and use a store of its own"
                );
            }
        };
        versions.looked.get_or_init(look).await;
    }
}
