//! Whether what is copied is a store of Plakar's.

use crate::connector::store::layout::{CONFIG, Kind};

/// What was seen at the top of what is copied.
#[derive(Default)]
pub(super) struct StoreDetector {
    config: bool,
    packfiles: bool,
    states: bool,
}

impl StoreDetector {
    pub(super) fn file(&mut self, path: &str) {
        self.config |= path == CONFIG;
    }

    pub(super) fn folder(&mut self, path: &str) {
        self.packfiles |= path == Kind::Packfile.folder();
        self.states |= path == Kind::State.folder();
    }

    /// What to say at the end; `None` if it is no store.
    pub(super) fn note(&self) -> Option<&'static str> {
        (self.config && self.packfiles && self.states).then_some(
            "this is a store of Plakar's, and its copy has the same repository id: Plakar keeps one cache for both, and what is backed up to one can \
             be unreadable for others. For a second store use `plakar sync`",
        )
    }
}
