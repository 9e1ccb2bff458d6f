//! Remotes: a backend, opened at a base path.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::client::Rclone;
use super::error::{Error, Result};
use super::ffi::Handle;
use super::object::Object;
use super::writer::Writer;

/// How to open a remote: the section of an rclone configuration, and the base path.
///
/// Its `Debug` form shows the names of the options, never their values.
#[derive(Clone, Default, Serialize)]
pub struct RemoteConfig {
    /// What messages call the remote.
    pub name: String,
    /// The options by rclone's names, `type` included. A password is obscured as in
    /// `rclone config`, unless it is named in `plain`.
    #[serde(rename = "config")]
    pub options: BTreeMap<String, String>,
    /// The password options that are in plain text.
    pub plain: Vec<String>,
    /// The base path; empty for the root.
    pub path: String,
    /// How many downloads there may be at once, where the backend bounds them; 0 for its default.
    pub downloads: usize,
    /// Whether it is an error if a drive has the base twice, under one name. It costs a listing of the folders beside it.
    pub certain: bool,
}

impl RemoteConfig {
    /// A configuration for a backend at a base path, to add options to.
    pub fn new(backend: &str, path: &str) -> Self {
        let options = BTreeMap::from([("type".to_owned(), backend.to_owned())]);
        Self { name: backend.to_owned(), options, path: path.to_owned(), ..Self::default() }
    }

    /// Adds an option.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a password in plain text.
    pub fn plain_password(mut self, name: &str, value: &str) -> Self {
        self.plain.push(name.to_owned());
        self.option(name, value)
    }
}

impl fmt::Debug for RemoteConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RemoteConfig")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("options", &self.options.keys())
            .finish_non_exhaustive()
    }
}

/// What a remote's backend can do and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Features {
    /// rclone's name of the backend.
    pub backend: String,
    /// The hash that entries carry, by rclone's name; empty if they have none.
    pub hash: String,
    /// Whether names that differ in case only are the same name.
    pub case_insensitive: bool,
    /// Whether folders can be empty.
    pub empty_folders: bool,
    /// Precision of modification times in nanoseconds.
    pub precision_ns: i64,
    /// How many downloads there may be at once; 0 where the backend does not bound them. Where it does, what somebody waits
    /// for comes before what is read ahead, and a large file is read over several connections.
    pub downloads: usize,
    /// Whether what is there is encrypted, as by crypt: there is a password beside that of a login.
    pub encrypted: bool,
}

/// An open remote. Clones share it; the last one dropped closes it, and with it whatever still
/// runs on it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use plakar_opendrive::rclone::{Remote, RemoteConfig};
/// use std::time::UNIX_EPOCH;
///
/// let remote = Remote::open(&RemoteConfig::new("memory", "doc-remote")).await?;
/// let mut writer = remote.create("folder/hello.txt", Some(5), UNIX_EPOCH).await?;
/// writer.write(b"hello".as_slice()).await?;
/// writer.commit().await?;
///
/// let entries = remote.list("folder").await?;
/// assert_eq!(entries[0].name, "hello.txt");
/// assert_eq!(entries[0].size, Some(5));
/// # Ok::<(), plakar_opendrive::rclone::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handle: Handle,
    features: Features,
    /// Whether the last small read took so little time that another thread is not worth being woken for the next.
    quick: AtomicBool,
}

/// A file or folder in a listing.
#[derive(Debug)]
pub struct Entry {
    /// Last component of the path; always UTF-8. Control characters and slashes are look-alikes, as in rclone's standard
    /// encoding, but nothing is quoted (go/core/names.go). It comes from the server and may be anything: `..`, or hold a slash.
    pub name: String,
    /// Bytes; `None` if unknown. 0 for folders.
    pub size: Option<u64>,
    /// `None` if the backend does not know.
    pub modified: Option<SystemTime>,
    /// The hash in hex, of the type in [`Features::hash`].
    pub hash: Option<String>,
    /// Whether its upload is not finished, or never was: such a file is no empty file.
    pub unfinished: bool,
    /// Whether crypt cannot decrypt the name, which is the one on the wrapped remote then. Such an entry is neither a file nor a
    /// folder, and nothing else is known of it.
    pub undecryptable: bool,
    /// What the backend knows a folder by, whatever its path; `None` for a file, or if it has no such thing.
    pub id: Option<String>,
    /// The object, kept for reading; `None` for what is no file.
    pub object: Option<Object>,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.object.is_none() && !self.undecryptable
    }
}

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Its files and folders.
    pub entries: Vec<Entry>,
    /// What is in it beside them, if anything.
    pub left_out: Option<Unlisted>,
}

/// What is in a folder that rclone does not list. Only its local backend tells.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Unlisted {
    /// Symbolic links.
    pub links: u64,
    /// Named pipes.
    pub pipes: u64,
    /// Sockets.
    pub sockets: u64,
    /// Block and character devices.
    pub devices: u64,
    /// The name of one of them.
    pub example: String,
}

/// A remote's quota in bytes, as far as the backend knows.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct About {
    /// All there is.
    pub total: Option<u64>,
    /// What is used.
    pub used: Option<u64>,
    /// What is left.
    pub free: Option<i64>,
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
    undecryptable: bool,
    #[serde(default)]
    id: String,
    #[serde(default)]
    object: Handle,
}

#[derive(Serialize)]
pub(super) struct OnRemote {
    pub(super) remote: Handle,
}

#[derive(Serialize)]
struct OnPath<'a> {
    remote: Handle,
    path: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

impl Remote {
    /// Opens a remote: checks the configuration, logs in where the backend has a login, and makes
    /// sure that the base is not a file.
    ///
    /// # Errors
    /// `Config` for a configuration that is wrong, naming the option; `Authentication` if the
    /// server refuses the login; `IsFile` if the base is a file. That the base exists is not
    /// checked: its listing tells.
    pub async fn open(config: &RemoteConfig) -> Result<Self> {
        #[derive(Deserialize)]
        struct Answer {
            remote: Handle,
            #[serde(flatten)]
            features: Features,
        }
        let Answer { remote, features } = Rclone::get().rpc_cancellable("bridge/open", config).await?;
        Ok(Self(Arc::new(Inner { handle: remote, features, quick: AtomicBool::new(false) })))
    }

    /// What the backend can do.
    pub fn features(&self) -> &Features {
        &self.0.features
    }

    /// Lists a folder, with every object kept for reading. `path` is relative to the base.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder; `Undecryptable` if there is something in it, and crypt can decrypt the name of
    /// nothing.
    pub async fn list(&self, path: &str) -> Result<Vec<Entry>> {
        self.listing(path).await.map(|listing| listing.entries)
    }

    /// The same, with what is there and not listed.
    ///
    /// # Errors
    /// As for [`Remote::list`].
    pub async fn listing(&self, path: &str) -> Result<Listing> {
        #[derive(Serialize)]
        struct Request<'a> {
            remote: Handle,
            path: &'a str,
            keep: bool,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            entries: Vec<RawEntry>,
            left_out: Option<Unlisted>,
        }
        let request = Request { remote: self.0.handle, path, keep: true };
        let answer: Answer = Rclone::get().rpc_cancellable("bridge/list", &request).await.map_err(|error| error.at(path))?;
        let entries = answer.entries.into_iter().map(|raw| raw.into_entry(self, path)).collect();
        Ok(Listing { entries, left_out: answer.left_out })
    }

    /// Looks up one file.
    ///
    /// # Errors
    /// `NotFound` if there is no such file.
    pub async fn stat(&self, path: &str) -> Result<Entry> {
        let raw: RawEntry = self.on_path("bridge/stat", path).await?;
        Ok(raw.into_entry(self, parent(path)))
    }

    /// Makes a folder and its parents; one that is there is no error.
    ///
    /// # Errors
    /// What the server says.
    pub async fn make_folder(&self, path: &str) -> Result<()> {
        self.on_path::<Nothing>("bridge/mkdir", path).await.map(drop)
    }

    /// Makes a folder whose parent is there, which is not there itself and which nobody else makes
    /// at the same time: that spares the look for it, and others may be made meanwhile.
    ///
    /// # Errors
    /// What the server says.
    pub async fn make_new_folder(&self, path: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Request<'a> {
            remote: Handle,
            path: &'a str,
            new: bool,
        }
        let request = Request { remote: self.0.handle, path, new: true };
        let answer: Result<Nothing> = Rclone::get().rpc_cancellable("bridge/mkdir", &request).await;
        answer.map(drop).map_err(|error| error.at(path))
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `NotFound`, or what the server says.
    pub async fn remove_folder(&self, path: &str) -> Result<()> {
        self.on_path::<Nothing>("bridge/rmdir", path).await.map(drop)
    }

    /// Removes a folder and everything in it.
    ///
    /// # Errors
    /// `NotFound`, or what the server says.
    pub async fn purge(&self, path: &str) -> Result<()> {
        self.on_path::<Nothing>("bridge/purge", path).await.map(drop)
    }

    /// Begins an upload of `size` bytes (`None`: unknown, where the backend can) to `path`. What
    /// is there is replaced when it is committed.
    ///
    /// # Errors
    /// `Unsupported` if the backend needs the size.
    pub async fn create(&self, path: &str, size: Option<u64>, modified: SystemTime) -> Result<Writer> {
        Writer::create(self.clone(), path, size, nanoseconds(modified)).await
    }

    /// Copies `length` bytes (all if `None`) of a file from `offset` on into a writer, and gives
    /// their number. The file is looked up first; reading a listed [`Object`] spares that.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` if the bytes are not those that the server announced, and what the
    /// writer says.
    pub async fn cat<W: AsyncWrite + Unpin>(&self, path: &str, offset: u64, length: Option<u64>, target: &mut W) -> Result<u64> {
        let entry = self.stat(path).await?;
        let Some(object) = &entry.object else { return Ok(0) };
        let mut reader = object.read(offset, length).await?;
        let mut count = 0;
        while let Some(chunk) = reader.chunk().await? {
            count += chunk.len() as u64;
            target.write_all(&chunk).await.map_err(|error| Error::new(super::ErrorKind::Other, error.to_string()))?;
        }
        Ok(count)
    }

    /// The quota.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot tell.
    pub async fn about(&self) -> Result<About> {
        Rclone::get().rpc_cancellable("bridge/about", &OnRemote { remote: self.0.handle }).await
    }

    /// How far this machine's clock is ahead of the server's (negative: behind), in seconds and to about one, by the
    /// last answer that came. `None` if the backend does not know, or before the first answer.
    ///
    /// # Errors
    /// `Handle` if the remote is closed.
    pub async fn clock_ahead(&self) -> Result<Option<f64>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            ahead_ms: Option<i64>,
        }
        let answer: Answer = Rclone::get().rpc_cancellable("bridge/clock", &OnRemote { remote: self.0.handle }).await?;
        Ok(answer.ahead_ms.map(|milliseconds| milliseconds as f64 / 1e3))
    }

    /// Whether bytes come at once, as from a local disk.
    pub(super) fn is_quick(&self) -> bool {
        self.0.quick.load(Ordering::Relaxed)
    }

    pub(super) fn set_quick(&self, quick: bool) {
        self.0.quick.store(quick, Ordering::Relaxed);
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.handle
    }

    async fn on_path<Answer: serde::de::DeserializeOwned + Send + 'static>(&self, method: &'static str, path: &str) -> Result<Answer> {
        let request = OnPath { remote: self.0.handle, path };
        Rclone::get().rpc_cancellable(method, &request).await.map_err(|error| error.at(path))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Only frees memory and cancels; where it fails, the remote is closed already.
        let closed: Result<Nothing> = Rclone::get().rpc_blocking("bridge/close", &OnRemote { remote: self.handle });
        drop(closed);
    }
}

impl RawEntry {
    pub(super) fn into_entry(self, remote: &Remote, folder: &str) -> Entry {
        let object = (!self.folder && !self.undecryptable).then(|| {
            let path = if folder.is_empty() { self.name.clone() } else { format!("{folder}/{}", self.name) };
            Object::new(remote.clone(), self.object, path, u64::try_from(self.size).ok())
        });
        Entry {
            size: u64::try_from(self.size).ok(),
            modified: self.mod_time_ns.map(system_time),
            hash: (!self.hash.is_empty()).then_some(self.hash),
            unfinished: self.unfinished,
            undecryptable: self.undecryptable,
            id: (!self.id.is_empty()).then_some(self.id),
            object,
            name: self.name,
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
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

    #[test]
    fn debug_shows_no_value() {
        let config = RemoteConfig::new("opendrive", "x").option("username", "somebody").plain_password("password", "hunter2");
        let shown = format!("{config:?}");
        assert!(shown.contains("password") && !shown.contains("hunter2") && !shown.contains("somebody"), "{shown}");
    }
}
