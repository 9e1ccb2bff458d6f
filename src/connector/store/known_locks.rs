//! What a connection knows of the locks of its store.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use bytes::Bytes;

use super::layout::Mac;

#[derive(Default)]
pub(super) struct KnownLocks {
    /// Those that were put and not deleted yet.
    pub(super) own: HashSet<Mac>,
    /// What was read of each when they were listed, and when.
    pub(super) read: HashMap<Mac, (Instant, Bytes)>,
    /// Those that were listed then and could not be read, though another machine may hold them.
    pub(super) unread: HashSet<Mac>,
}
