//! Remotes: a backend, opened at a base path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::client::Rclone;
use super::entry::{EmptyReply, Entry, RawEntry, nanoseconds, parent};
use super::error::{Error, Result};
use super::ffi::Handle;
use super::listing::Listing;
use super::object::Object;
use super::remote_config::RemoteConfig;
use super::writer::Writer;

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
    /// How many downloads there may be at once; 0 where the backend does not bound them. Where it
    /// does, what somebody waits for comes before what is read ahead, and a large file is read over
    /// several connections.
    pub downloads: usize,
    /// Whether what is there is encrypted, as by crypt: there is a password beside that of a login.
    pub encrypted: bool,
    /// What the remote cannot tell of, a sentence each (go/guards).
    #[serde(default)]
    pub limits: Option<Vec<String>>,
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
pub struct Remote(Arc<RemoteInner>);

#[derive(Debug)]
struct RemoteInner {
    handle: Handle,
    features: Features,
    /// Whether the last small read took so little time that another thread is not worth being woken
    /// for the next.
    fast: AtomicBool,
}

/// A remote's quota in bytes, as far as the backend knows.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Quota {
    /// All there is.
    pub total: Option<u64>,
    /// What is used.
    pub used: Option<u64>,
    /// What is left.
    pub free: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct RemoteParams {
    pub(super) remote: Handle,
}

#[derive(Serialize)]
struct PathParams<'a> {
    remote: Handle,
    path: &'a str,
}

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
        struct OpenReply {
            remote: Handle,
            #[serde(flatten)]
            features: Features,
        }
        let OpenReply { remote, features } =
            Rclone::get().rpc_cancellable("bridge/open", config).await?;
        Ok(Self(Arc::new(RemoteInner { handle: remote, features, fast: AtomicBool::new(false) })))
    }

    /// What the backend can do.
    pub fn features(&self) -> &Features {
        &self.0.features
    }

    /// Lists a folder, with every object kept for reading, in the order of the names. `path` is
    /// relative to the base.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder; `Undecryptable` if there is something in it, and
    /// crypt can decrypt the name of nothing.
    pub async fn list(&self, path: &str) -> Result<Vec<Entry>> {
        self.listing(path).await?.rest().await
    }

    /// The same piece by piece, for a folder that may be large, and with what is there and not
    /// listed.
    ///
    /// # Errors
    /// As for [`Remote::list`].
    pub async fn listing(&self, path: &str) -> Result<Listing> {
        Listing::begin(self, path).await
    }

    /// Downloads objects that are in one folder in one call, where the backend has such a call, and
    /// gives how many came: each is in memory until it was read once. Those that did not come are
    /// read as always.
    ///
    /// # Errors
    /// `Unsupported`, or what the server says.
    pub async fn gather(
        &self,
        folder: &str,
        objects: impl Iterator<Item = &Object>,
    ) -> Result<usize> {
        #[derive(Serialize)]
        struct GatherParams<'a> {
            remote: Handle,
            path: &'a str,
            objects: Vec<Handle>,
        }
        #[derive(Deserialize)]
        struct GatherReply {
            gathered: usize,
        }
        let objects = objects.map(Object::handle).collect();
        let request = GatherParams { remote: self.0.handle, path: folder, objects };
        let reply: Result<GatherReply> =
            Rclone::get().rpc_cancellable("bridge/gather", &request).await;
        reply.map(|reply| reply.gathered).map_err(|error| error.at(folder))
    }

    /// Looks up one file.
    ///
    /// # Errors
    /// `NotFound` if there is no such file.
    pub async fn stat(&self, path: &str) -> Result<Entry> {
        let raw: RawEntry = self.on_path("bridge/stat", path).await?;
        Ok(raw.into_entry(self, &parent(path)))
    }

    /// Makes a folder and its parents; one that is there is no error.
    ///
    /// # Errors
    /// What the server says.
    pub async fn make_folder(&self, path: &str) -> Result<()> {
        self.on_path::<EmptyReply>("bridge/mkdir", path).await.map(drop)
    }

    /// Makes a folder whose parent is there, which is not there itself and which nobody else makes
    /// at the same time: that spares the look for it, and others may be made meanwhile.
    ///
    /// # Errors
    /// What the server says.
    pub async fn make_new_folder(&self, path: &str) -> Result<()> {
        #[derive(Serialize)]
        struct MakeFolderParams<'a> {
            remote: Handle,
            path: &'a str,
            new: bool,
        }
        let request = MakeFolderParams { remote: self.0.handle, path, new: true };
        let reply: Result<EmptyReply> =
            Rclone::get().rpc_cancellable("bridge/mkdir", &request).await;
        reply.map(drop).map_err(|error| error.at(path))
    }

    /// Removes a folder and everything in it.
    ///
    /// # Errors
    /// `NotFound`, or what the server says.
    pub async fn purge(&self, path: &str) -> Result<()> {
        self.on_path::<EmptyReply>("bridge/purge", path).await.map(drop)
    }

    /// Begins an upload of `size` bytes (`None`: unknown, where the backend can) to `path`. What
    /// is there is replaced when it is committed.
    ///
    /// # Errors
    /// `Unsupported` if the backend needs the size.
    pub async fn create(
        &self,
        path: &str,
        size: Option<u64>,
        modified: SystemTime,
    ) -> Result<Writer> {
        Writer::create(self.clone(), path, size, nanoseconds(modified)).await
    }

    /// Copies `length` bytes (all if `None`) of a file from `offset` on into a writer, and gives
    /// their number. The file is looked up first; reading a listed [`Object`] spares that.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` if the bytes are not those that the server announced, and what the
    /// writer says.
    pub async fn cat<W: AsyncWrite + Unpin>(
        &self,
        path: &str,
        offset: u64,
        length: Option<u64>,
        target: &mut W,
    ) -> Result<u64> {
        let entry = self.stat(path).await?;
        let Some(object) = &entry.object else { return Ok(0) };
        let mut reader = object.read(offset, length).await?;
        let mut count = 0;
        while let Some(chunk) = reader.chunk().await? {
            count += chunk.len() as u64;
            target
                .write_all(&chunk)
                .await
                .map_err(|error| Error::new(super::ErrorKind::Other, error.to_string()))?;
        }
        Ok(count)
    }

    /// The quota.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot tell.
    pub async fn quota(&self) -> Result<Quota> {
        Rclone::get().rpc_cancellable("bridge/about", &RemoteParams { remote: self.0.handle }).await
    }

    /// How far this machine's clock is ahead of the server's (negative: behind), in seconds and to
    /// about one, by the last answer that came. `None` if the backend does not know, or before the
    /// first answer.
    ///
    /// # Errors
    /// `Handle` if the remote is closed.
    pub async fn clock_ahead(&self) -> Result<Option<f64>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ClockReply {
            ahead_ms: Option<i64>,
        }
        let request = RemoteParams { remote: self.0.handle };
        let reply: ClockReply = Rclone::get().rpc_cancellable("bridge/clock", &request).await?;
        Ok(reply.ahead_ms.map(|milliseconds| milliseconds as f64 / 1e3))
    }

    /// Whether bytes come at once, as from a local disk.
    pub(super) fn is_fast(&self) -> bool {
        self.0.fast.load(Ordering::Relaxed)
    }

    pub(super) fn set_fast(&self, fast: bool) {
        self.0.fast.store(fast, Ordering::Relaxed);
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.handle
    }

    async fn on_path<Reply: serde::de::DeserializeOwned + Send + 'static>(
        &self,
        method: &'static str,
        path: &str,
    ) -> Result<Reply> {
        let request = PathParams { remote: self.0.handle, path };
        Rclone::get().rpc_cancellable(method, &request).await.map_err(|error| error.at(path))
    }
}

impl Drop for RemoteInner {
    fn drop(&mut self) {
        // Only frees memory and cancels; where it fails, the remote is closed already.
        let closed: Result<EmptyReply> =
            Rclone::get().rpc_blocking("bridge/close", &RemoteParams { remote: self.handle });
        drop(closed);
    }
}
