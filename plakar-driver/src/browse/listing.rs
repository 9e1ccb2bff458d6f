//! Folders and searches: from the index of the restore point if it is there, else as plakar
//! answers.

use std::sync::Arc;
use std::time::Duration;

use crate::browse::api::understood;
use crate::browse::browser::Browser;
use crate::browse::index::{Index, Order};
use crate::browse::index_reader::blocking;
use crate::browse::indexes::IndexState;
use crate::browse::points::{Entry, EntryKind, Items, Page, RawEntry, SearchPage};
use crate::error::{Error, Result};
use crate::names::{SnapshotId, SnapshotPath};

/// A restore point with more entries gets an index when it is browsed.
const MAX_ENTRIES_WITHOUT_INDEX: u64 = 2000;

/// How long an index that is being made is waited for: enough for a small restore point, and no
/// delay to speak of.
const INDEX_TIMEOUT: Duration = Duration::from_millis(100);

/// Maximum number of entries that a search gives at once.
const MAX_SEARCH_RESULTS: u64 = 1000;

/// A part of a folder, and the order that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The entries.
    pub page: Page<Entry>,
    /// The one that was asked for, or plakar's own without an index.
    pub order: Order,
    /// The index is being made: ask again for the order.
    pub reading: bool,
}

/// What a search found, or how far it is.
pub enum SearchAnswer {
    /// What was found.
    Found(Page<Entry>),
    /// The names are still being read into the index; ask again.
    Reading {
        /// How many were read.
        entries_so_far: u64,
    },
}

impl Browser {
    /// The index of a snapshot, which answers in milliseconds. Begins to make it, and waits a
    /// moment for one just begun.
    pub async fn index(&self, id: &SnapshotId) -> IndexState {
        let was_begun = self.index_is_being_made(id);
        match self.want_index(id) {
            (_, Some(ended)) if !was_begun => {
                let _ = tokio::time::timeout(INDEX_TIMEOUT, ended.cancelled()).await;
                self.want_index(id).0
            }
            (state, _) => state,
        }
    }

    /// What is in a folder, by the bytes of the names.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as for all here.
    pub async fn children(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Entry>> {
        let index = match self.known_index(id) {
            Some(index) => index,
            None => {
                let point = self.restore_point(id).await?;
                if point.files.saturating_add(point.folders) > MAX_ENTRIES_WITHOUT_INDEX {
                    drop(self.want_index(id))
                } else {
                    self.needs_no_index(id)
                }
                None
            }
        };
        let found = index
            .filter(|_| limit > 0)
            .and_then(|index| index.children(folder, offset, limit, Order::default()));
        if let Some(page) = found { Ok(page) } else { self.listed(id, folder, offset, limit).await }
    }

    /// What is in a folder, in an order. Of a folder that is not given whole, and without the
    /// index, which is made then, it is that of [`Browser::children`].
    ///
    /// # Errors
    /// As for [`Browser::children`].
    pub async fn ordered(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
        order: Order,
    ) -> Result<Listing> {
        let mut page = self.children(id, folder, offset, limit).await?;
        if order == Order::default() {
            return Ok(Listing { page, order, reading: false });
        }
        // All of the folder: for that, no index has to be waited for.
        if offset == 0 && !page.more {
            order.sort(&mut page.items);
            return Ok(Listing { page, order, reading: false });
        }
        let state = self.index(id).await;
        if let IndexState::Ready(index) = &state
            && let Some(page) = index.children(folder, offset, limit, order)
        {
            return Ok(Listing { page, order, reading: false });
        }
        Ok(Listing {
            page,
            order: Order::default(),
            reading: matches!(state, IndexState::Building { .. }),
        })
    }

    /// What is in a folder, always as plakar tells it.
    ///
    /// # Errors
    /// [`Error::Refused`] where the list ends before its end.
    pub(crate) async fn listed(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Entry>> {
        if limit == 0 {
            return Err(Error::Input("a page has at least one entry".into()));
        }
        // Below the root, the first is "..", which counts as one.
        let first = offset.saturating_add(u64::from(*folder != SnapshotPath::root()));
        let query = [("offset", first.to_string()), ("limit", limit.to_string())];
        let found: Items<RawEntry> = self.in_snapshot("children/", id, folder, &query).await?;
        part_of_list(found, folder, offset)
    }

    /// What is below a folder and has this text in its name, or matches it if it has a `*` or `?`;
    /// without regard to case.
    ///
    /// The index, or plakar, whichever is first to know: plakar tells of no folders and not how
    /// much there is (`total` is none), and takes seconds in a large restore point.
    ///
    /// # Errors
    /// As for all here.
    pub async fn search(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Entry>> {
        let limit = limit.clamp(1, MAX_SEARCH_RESULTS);
        // A small restore point has its index at once.
        let mut state = self.index(id).await;
        let by_plakar = self.searched(id, folder, text, offset, limit);
        tokio::pin!(by_plakar);
        loop {
            state = match state {
                IndexState::Ready(index) => {
                    match in_index(index, folder, text, offset, limit).await? {
                        Some(page) => return Ok(page),
                        None => return by_plakar.await,
                    }
                }
                IndexState::Building { .. } => match self.want_index(id) {
                    (_, Some(ended)) => tokio::select! {
                        page = &mut by_plakar => return page,
                        () = ended.cancelled() => self.want_index(id).0,
                    },
                    (state, None) => state,
                },
                IndexState::TooLarge | IndexState::Failed(_) => return by_plakar.await,
            };
        }
    }

    /// The same, but an index that is being made is not waited for, nor plakar asked meanwhile.
    ///
    /// # Errors
    /// As for all here.
    pub async fn search_soon(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<SearchAnswer> {
        if let IndexState::Building { entries_so_far } = self.index(id).await {
            return Ok(SearchAnswer::Reading { entries_so_far });
        }
        Ok(SearchAnswer::Found(self.search(id, folder, text, offset, limit).await?))
    }

    /// The files and links below a folder that plakar finds.
    async fn searched(
        &self,
        id: &SnapshotId,
        folder: &SnapshotPath,
        text: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Entry>> {
        // From the root plakar takes twenty times as long as from a folder: nothing is outside of
        // what was backed up.
        let whole = if *folder == SnapshotPath::root() {
            SnapshotPath::new(&self.restore_point(id).await?.root)?
        } else {
            folder.clone()
        };
        let limit = limit.to_string();
        let query = [
            ("pattern", pattern(text)),
            ("recursive", "true".to_owned()),
            ("offset", offset.to_string()),
            ("limit", limit),
        ];
        self.touch();
        // No `asks`: what reads the names is quicker, and need not give way to this.
        let found: SearchPage =
            understood(&self.api.of_path("search/", id, &whole, &query).await?)?;
        let items = found
            .items
            .into_iter()
            .map(RawEntry::entry)
            .filter(|entry| entry.kind != EntryKind::Folder)
            .collect();
        Ok(Page { items, total: None, more: found.has_next })
    }
}

/// A part of a folder's list, from an offset on. Where plakar cannot read on, its answer ends
/// without a word: what comes after that is an error, so that nobody takes the list for whole.
fn part_of_list(found: Items<RawEntry>, folder: &SnapshotPath, offset: u64) -> Result<Page<Entry>> {
    let items: Vec<Entry> = found.items.into_iter().map(RawEntry::entry).collect();
    if items.is_empty() && offset < found.total {
        return Err(Error::Refused(format!(
            "only {offset} of {} entries of {folder} can be listed: the folder's list is damaged or missing in the store; check the restore point",
            found.total
        )));
    }
    let more = offset.saturating_add(items.len() as u64) < found.total;
    Ok(Page { items, total: Some(found.total), more })
}

/// None if the index does not know all there is, or the folder.
async fn in_index(
    index: Arc<Index>,
    folder: &SnapshotPath,
    text: &str,
    offset: u64,
    limit: u64,
) -> Result<Option<Page<Entry>>> {
    if !index.is_whole() {
        return Ok(None);
    }
    let (folder, text) = (folder.clone(), text.to_owned());
    blocking(move || index.search(&folder, &text, offset, limit)).await?
}

/// Plakar takes a glob first, then a regular expression for any part of the name: this is the
/// latter.
fn pattern(text: &str) -> String {
    let whole = text.contains(['*', '?']);
    let part = |letter: char| match letter {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        letter if letter.is_alphanumeric() || letter == '_' || !letter.is_ascii() => {
            letter.to_string()
        }
        letter => format!("\\x{{{:x}}}", u32::from(letter)),
    };
    let inner: String = text.chars().map(part).collect();
    if whole { format!("(?is)^{inner}$") } else { format!("(?is){inner}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_text_but_for_stars_and_question_marks() {
        assert_eq!(pattern("Letter"), "(?is)Letter");
        assert_eq!(pattern("a.[b"), "(?is)a\\x{2e}\\x{5b}b");
        assert_eq!(pattern("*.tx?"), "(?is)^.*\\x{2e}tx.$");
    }

    #[test]
    fn a_list_that_ends_before_its_end_is_an_error() {
        let folder = SnapshotPath::new("/a").unwrap();
        let part = |names: &[&str], offset: u64, total: u64| {
            let item = |name: &&str| {
                let info = serde_json::json!({
                    "name": *name, "size": 1, "mode": 420, "mod_time": "2026-01-01T00:00:00Z",
                });
                serde_json::json!({ "parent_path": "/a", "file_info": info })
            };
            let items: Vec<serde_json::Value> = names.iter().map(item).collect();
            let found = serde_json::json!({ "total": total, "items": items });
            part_of_list(serde_json::from_value(found).unwrap(), &folder, offset)
        };
        let listed = |names: &[&str], offset: u64, total: u64| {
            let page = part(names, offset, total).unwrap();
            (page.items.len(), page.more)
        };
        assert_eq!(listed(&[], 0, 0), (0, false));
        assert_eq!(listed(&["b", "c"], 0, 2), (2, false));
        // Also where plakar could not read on: what comes next is asked for.
        assert_eq!(listed(&["b", "c"], 0, 3), (2, true));
        assert_eq!(listed(&[], 3, 3), (0, false));
        for offset in [0, 2] {
            let Err(Error::Refused(told)) = part(&[], offset, 3) else { panic!("{offset}") };
            assert!(told.starts_with(&format!("only {offset} of 3 entries of /a can")), "{told}");
        }
    }
}
