//! What the bridge tells of files and folders.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::ffi::Handle;
use super::object::Object;
use super::object_path::ObjectPath;
use super::remote::Remote;

/// A file or folder in a listing.
#[derive(Debug)]
pub struct Entry {
    /// Last component of the path; always UTF-8. Control characters and slashes are look-alikes, as
    /// in rclone's standard encoding, but nothing is quoted (go/core/names.go). It comes from the
    /// server and may be anything: `..`, or hold a slash.
    pub name: String,
    /// Bytes; `None` if unknown. 0 for folders.
    pub size: Option<u64>,
    /// `None` if the backend does not know.
    pub modified: Option<SystemTime>,
    /// The hash in hex, of the type in [`Features::hash`](super::Features::hash).
    pub hash: Option<String>,
    /// Whether its upload is not finished, or never was: such a file is no empty file.
    pub unfinished: bool,
    /// The name that it was to get, or the beginning of a long one, if it is what an upload of ours
    /// has left, or makes right now.
    pub partial_of: Option<String>,
    /// Whether crypt cannot decrypt the name, which is the one on the wrapped remote then. Such an
    /// entry is neither a file nor a folder, and nothing else is known of it.
    pub undecryptable: bool,
    /// What the backend knows a folder by, whatever its path; `None` for a file, or if it has no
    /// such thing.
    pub id: Option<String>,
    /// What tells a file from another one of its name, in this process; 0 for what is no file.
    pub stamp: u64,
    /// The object, kept for reading; `None` for what is no file.
    pub object: Option<Object>,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.object.is_none() && !self.undecryptable
    }
}

/// `entry` in go/core/objects.go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawEntry {
    name: String,
    #[serde(default)]
    folder: bool,
    size: i64,
    mod_time_ns: Option<i64>,
    #[serde(default)]
    hash: String,
    #[serde(default)]
    unfinished: bool,
    #[serde(default)]
    partial_of: String,
    #[serde(default)]
    undecryptable: bool,
    #[serde(default)]
    id: String,
    #[serde(default)]
    stamp: u64,
    #[serde(default)]
    object: Handle,
}

/// The reply of a call that gives nothing.
#[derive(Deserialize)]
pub(super) struct EmptyReply {}

impl RawEntry {
    pub(super) fn into_entry(self, remote: &Remote, folder: &Arc<str>) -> Entry {
        let object = (!self.folder && !self.undecryptable).then(|| {
            let path = ObjectPath::new(folder, &self.name);
            Object::new(remote.clone(), self.object, path, u64::try_from(self.size).ok())
        });
        Entry {
            size: u64::try_from(self.size).ok(),
            modified: self.mod_time_ns.map(system_time),
            hash: (!self.hash.is_empty()).then_some(self.hash),
            unfinished: self.unfinished,
            partial_of: (!self.partial_of.is_empty()).then_some(self.partial_of),
            undecryptable: self.undecryptable,
            id: (!self.id.is_empty()).then_some(self.id),
            stamp: self.stamp,
            object,
            name: self.name,
        }
    }
}

/// The folder that a path is in; "" for the base.
pub(super) fn parent(path: &str) -> Arc<str> {
    path.rsplit_once('/').map_or("", |(folder, _)| folder).into()
}

pub(super) fn system_time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

pub(super) fn nanoseconds(time: SystemTime) -> i64 {
    let clamp = |distance: Duration| i64::try_from(distance.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => clamp(after),
        Err(before) => -clamp(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_there_and_back() {
        for ns in [0, 1, -1, 1_700_000_000_123_456_789, -1_000_000_000] {
            assert_eq!(nanoseconds(system_time(ns)), ns);
        }
    }
}
