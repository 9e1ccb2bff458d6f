//! The way from the base to the folders that a restore puts something in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::context::RestoreContext;
use super::error::RestoreError;
use super::folder::{PrepareKind, RestoreFolder};
use super::paths::contains;
use crate::panics::caught;

/// The folders of a restore, found by their paths. One that nobody holds any more is let go, and
/// looked up again when it is entered again.
pub(super) struct FolderWalk {
    context: Arc<RestoreContext>,
    /// Maximum number of folders that are held, beside those on the way to the one that was entered
    /// last.
    max_held: usize,
    state: Mutex<WalkState>,
}

#[derive(Default)]
struct WalkState {
    base: Option<Arc<RestoreFolder>>,
    /// The folders that were entered last, those of one way in their order.
    held: VecDeque<Arc<RestoreFolder>>,
}

/// A folder that is to be made, or looked into.
pub(super) struct Preparation {
    folder: Arc<RestoreFolder>,
    /// `None` for the base.
    parent: Option<Arc<RestoreFolder>>,
    kind: PrepareKind,
}

impl FolderWalk {
    pub(super) fn new(context: Arc<RestoreContext>, max_held: usize) -> Self {
        Self { context, max_held, state: Mutex::default() }
    }

    /// Goes to a folder. Gives it, and what has to be prepared on the way, each after the folder
    /// that it is in: whoever enters must see to that, because others wait for those folders too.
    pub(super) fn enter(&self, path: &str) -> (Arc<RestoreFolder>, Vec<Preparation>) {
        let remote = &self.context.destination.remote;
        let mut preparations = Vec::new();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let base = state.base.get_or_insert_with(|| {
            let folder = RestoreFolder::new(String::new(), remote);
            preparations.push(Preparation {
                folder: folder.clone(),
                parent: None,
                kind: PrepareKind::First,
            });
            folder
        });
        let mut folder = base.clone();
        let on_the_way = state.held.iter().filter(|folder| contains(&folder.path, path));
        let mut way: Vec<_> = on_the_way.cloned().collect();
        way.sort_by_key(|folder| folder.path.len());
        if let Some(deepest) = way.last() {
            folder = deepest.clone();
        }
        while folder.path != path {
            let from = if folder.path.is_empty() { 0 } else { folder.path.len() + 1 };
            let name = path[from..].split('/').next().unwrap_or_default();
            let (below, kind) = folder.below(name, remote);
            if let Some(kind) = kind {
                preparations.push(Preparation {
                    folder: below.clone(),
                    parent: Some(folder),
                    kind,
                });
            }
            way.push(below.clone());
            folder = below;
        }
        let surplus = state.hold(way, self.max_held);
        drop(state);
        // Not under the lock: letting go of what is in a folder is a call into Go.
        drop(surplus);
        (folder, preparations)
    }
}

impl WalkState {
    /// Holds the folders on a way; gives those that are too many then.
    fn hold(&mut self, way: Vec<Arc<RestoreFolder>>, max_held: usize) -> Vec<Arc<RestoreFolder>> {
        self.held.retain(|known| !way.iter().any(|folder| Arc::ptr_eq(known, folder)));
        let max = max_held.max(way.len());
        self.held.extend(way);
        let surplus = self.held.len().saturating_sub(max);
        self.held.drain(..surplus).collect()
    }
}

impl Preparation {
    /// Makes the folder, or looks into it; everyone who waits for it is told.
    pub(super) async fn run(self, context: &RestoreContext) {
        let Self { folder, parent, kind } = self;
        if let Err(bug) = caught(folder.prepare(context, parent.as_deref(), kind)).await {
            folder.refuse(RestoreError::Bug(bug));
        }
    }
}
