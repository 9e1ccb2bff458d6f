//! Whether what is copied is a store of Plakar's.

use crate::connector::store::layout::{CONFIG, Kind, mac_from_hex};

/// What was seen at the top of what is copied.
#[derive(Default)]
pub(super) struct StoreDetector {
    config: bool,
    packfiles: bool,
    states: bool,
    /// A state that lies as those on a remote do.
    flat: bool,
}

impl StoreDetector {
    pub(super) fn file(&mut self, path: &str) {
        self.config |= path == CONFIG;
        let state = path.strip_prefix(Kind::State.folder()).and_then(|rest| rest.strip_prefix('/'));
        self.flat |= state.is_some_and(|name| mac_from_hex(name).is_some());
    }

    pub(super) fn folder(&mut self, path: &str) {
        self.packfiles |= path == Kind::Packfile.folder();
        self.states |= path == Kind::State.folder();
    }

    /// What to say at the end, a line each; nothing if it is no store. `on_disk` tells that the copy is on this machine, with
    /// the paths that are on the remote.
    pub(super) fn notes(&self, on_disk: bool) -> impl Iterator<Item = &'static str> + use<> {
        let store = self.config && self.packfiles && self.states;
        let same_id = store.then_some(
            "this is a store of Plakar's, and its copy has the same repository id: Plakar keeps one cache for both, and what is backed up to one can \
             be unreadable for others. For a second store use `plakar sync`",
        );
        let unseen = (store && on_disk && self.flat).then_some(
            "Plakar sees nothing in this copy: on a disk it looks for packfiles and states in folders of two digits. Copy into an empty folder with \
             --as-local-store, or copy this one back to a remote",
        );
        same_id.into_iter().chain(unseen)
    }
}
