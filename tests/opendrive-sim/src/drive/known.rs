//! Which contents the drive knows by size and hash, for uploads that send no bytes.

use std::collections::HashMap;

use super::entries::Id;
use crate::content::Content;

/// The contents of all finished files, and those that other accounts have.
#[derive(Default)]
pub(super) struct Known {
    by_hash: HashMap<String, Vec<Id>>,
    /// Generated files that were never hashed, by size.
    unhashed: HashMap<u64, Vec<Id>>,
    elsewhere: HashMap<String, Content>,
}

impl Known {
    pub(super) fn add(&mut self, id: Id, content: &Content) {
        match content.known_md5() {
            Some(hash) => self.by_hash.entry(hash.into()).or_default().push(id),
            None => self.unhashed.entry(content.size()).or_default().push(id),
        }
    }

    pub(super) fn remove(&mut self, id: Id, content: &Content) {
        // One that was hashed since it was added stands in the other map.
        if let Some(hash) = content.known_md5() {
            remove(&mut self.by_hash, hash, id);
        }
        remove(&mut self.unhashed, &content.size(), id);
    }

    pub(super) fn add_elsewhere(&mut self, content: Content) {
        self.elsewhere.insert(content.md5().to_owned(), content);
    }

    pub(super) fn elsewhere(&self, hash: &str) -> Option<&Content> {
        self.elsewhere.get(hash)
    }

    /// Files of this hash.
    pub(super) fn by_hash(&self, hash: &str) -> &[Id] {
        self.by_hash.get(hash).map_or(&[], Vec::as_slice)
    }

    /// Files of this size whose hash was not known.
    pub(super) fn unhashed(&self, size: u64) -> &[Id] {
        self.unhashed.get(&size).map_or(&[], Vec::as_slice)
    }
}

fn remove<Q, K>(map: &mut HashMap<K, Vec<Id>>, key: &Q, id: Id)
where
    K: std::borrow::Borrow<Q> + Eq + std::hash::Hash,
    Q: Eq + std::hash::Hash + ?Sized,
{
    if let Some(ids) = map.get_mut(key) {
        ids.retain(|&other| other != id);
        if ids.is_empty() {
            map.remove(key);
        }
    }
}
