//! Folders and files, and their names.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Refusal;
use crate::content::Content;

/// Folders and files are counted together; 0 is the root folder.
pub(crate) type Id = u64;

pub(crate) const ROOT: Id = 0;

/// The longest name, in bytes.
const NAME_LIMIT: usize = 255;

pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) parent: Id,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) access: i64,
    /// When its creation ended.
    pub(crate) made: Instant,
    /// Until then `folder/itembyname` does not know the folder.
    pub(crate) hidden_until: Option<Instant>,
    /// By lower-case name. Several may share a name.
    pub(crate) folders: BTreeMap<String, Vec<Id>>,
    /// By lower-case name.
    pub(crate) files: BTreeMap<String, Id>,
}

impl Folder {
    pub(super) fn new(name: String, parent: Id) -> Self {
        let now = now();
        Self {
            name,
            parent,
            created: now,
            modified: now,
            access: 0,
            made: Instant::now(),
            hidden_until: None,
            folders: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }
}

pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) parent: Id,
    pub(crate) modified: i64,
    pub(crate) access: i64,
    pub(crate) version: u64,
    pub(crate) content: Content,
    /// Whether an upload of it has ever ended; until then it has the size 0 and no hash.
    pub(crate) finished: bool,
    /// The time that the beginning of its upload gave it.
    pub(crate) time_given: Option<i64>,
    /// Until then `folder/itembyname` does not know the file.
    pub(crate) hidden_until: Option<Instant>,
    /// Until then downloads and `file/info` don't know it.
    missing_until: Option<Instant>,
}

impl File {
    /// One whose first upload is not finished.
    pub(super) fn new(name: String, parent: Id) -> Self {
        Self {
            name,
            parent,
            modified: now(),
            access: 0,
            version: 1,
            content: Content::empty(),
            finished: false,
            time_given: None,
            hidden_until: None,
            missing_until: None,
        }
    }

    /// Makes it 404 to downloads and `file/info` for so long.
    pub(crate) fn hide(&mut self, time: Duration) {
        self.missing_until = later(time);
    }

    pub(crate) fn is_missing(&self) -> bool {
        is_ahead(self.missing_until)
    }

    /// Its hash; empty for one that is not finished. Takes long if it is not known.
    pub(crate) fn hash(&self) -> &str {
        if self.finished { self.content.md5() } else { "" }
    }
}

/// The moment so much later; none for no time.
pub(crate) fn later(time: Duration) -> Option<Instant> {
    (!time.is_zero()).then(|| Instant::now() + time)
}

/// Whether this moment is still to come.
pub(crate) fn is_ahead(moment: Option<Instant>) -> bool {
    moment.is_some_and(|moment| moment > Instant::now())
}

/// Joins two parts of a path, either of which may be empty.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.into() } else { format!("{parent}/{name}") }
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}

/// A name without white space at its ends, which the drive cuts off without a word.
pub(crate) fn trimmed(name: &str) -> &str {
    name.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}'])
}

/// A name as it is stored.
pub(super) fn stored(name: &str) -> Result<&str, Refusal> {
    let name = trimmed(name);
    if name.is_empty() {
        return Err(Refusal::new(400, "The name must not be empty"));
    }
    if name.len() > NAME_LIMIT {
        return Err(Refusal::new(400, "The name must not be longer than 255 characters"));
    }
    if name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Err(Refusal::new(400, "The name contains invalid characters"));
    }
    Ok(name)
}

/// Cuts a name to what `move_copy` keeps of it: rclone's Move says that it truncates silently.
pub(crate) fn truncate_name(name: &str) -> &str {
    let end = (0..=name.len().min(NAME_LIMIT)).rev().find(|&at| name.is_char_boundary(at));
    &name[..end.unwrap_or(0)]
}
