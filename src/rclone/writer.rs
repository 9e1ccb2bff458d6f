//! Uploading objects.

use bytes::Bytes;
use serde::Serialize;

use super::client::{Rclone, blocking};
use super::entry::{Entry, RawEntry, parent};
use super::error::{Error, ErrorKind, Result};
use super::ffi::{self, Handle};
use super::reader::{CLOSED, StreamHandle};
use super::remote::Remote;

/// An upload. Nothing of it stays under its name unless [`Writer::commit`] succeeds: dropping it
/// aborts it and removes what the backend has made of it.
#[derive(Debug)]
pub struct Writer {
    remote: Remote,
    path: String,
    /// `None` once it is committed.
    handle: Option<Handle>,
}

impl Writer {
    pub(super) async fn create(
        remote: Remote,
        path: &str,
        size: Option<u64>,
        mod_time_ns: i64,
    ) -> Result<Self> {
        let (on, to) = (remote.handle(), path.to_owned());
        // go/core/writers.go uploads in a goroutine, but some servers are asked something first
        // (go/guards/webdav_addresses.go). What begins when nobody waits for it any more is closed.
        let begun = blocking(move || ffi::create(on, &to, size, mod_time_ns).map(StreamHandle));
        let mut stream = begun.await.map_err(|error| error.at(path))?;
        let handle = std::mem::replace(&mut stream.0, CLOSED);
        Ok(Self { remote, path: path.to_owned(), handle: Some(handle) })
    }

    /// The path that is uploaded to.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Appends bytes; returns when the upload has taken them over.
    ///
    /// # Errors
    /// Why the upload failed; it cannot be committed then.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<()> {
        let bytes = bytes.into();
        let handle =
            self.handle.ok_or_else(|| Error::new(ErrorKind::Handle, "the upload is over"))?;
        blocking(move || ffi::write(handle, &bytes)).await.map_err(|error| error.at(&self.path))
    }

    /// Finishes the upload, and gives the object as the server has stored it. Size and hash are
    /// compared with what was sent.
    ///
    /// # Errors
    /// `Corrupt` if fewer bytes came than announced or the server stored something else, `NoSpace`,
    /// or what the server says. Nothing stays under the name then, unless another object was there
    /// before and is untouched.
    pub async fn commit(mut self) -> Result<Entry> {
        #[derive(Serialize)]
        struct CommitParams {
            writer: Handle,
        }
        let handle =
            self.handle.ok_or_else(|| Error::new(ErrorKind::Handle, "the upload is over"))?;
        let reply: Result<RawEntry> =
            Rclone::get().rpc("bridge/commit", &CommitParams { writer: handle }).await;
        // From here on the bridge has cleaned up by itself; a future that is dropped before gets
        // here still has the handle, and `Drop` aborts.
        self.handle = None;
        let raw = reply.map_err(|error| error.at(&self.path))?;
        Ok(raw.into_entry(&self.remote, &parent(&self.path)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        // Aborting waits for the upload to end and cleans up on the server; that is not for an
        // async thread.
        let remote = self.remote.clone();
        let abort = move || {
            let _ = ffi::close(handle);
            drop(remote);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(abort)),
            Err(_) => abort(),
        }
    }
}
