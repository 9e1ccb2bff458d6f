//! Kept objects.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::client::{CancelOnDrop, Rclone, blocking};
use super::entry::{EmptyReply, Entry, RawEntry, nanoseconds, parent, system_time};
use super::error::Result;
use super::ffi::{self, Handle};
use super::object_path::ObjectPath;
use super::reader::{CLOSED, Prefetch, PrefetchJob, Reader};
use super::remote::Remote;
use super::urgency::Urgency;

/// Maximum number of dropped objects that wait to be released.
const MAX_DROPPED_HANDLES: usize = 256;

/// The handles of objects that were dropped. They are released together: a call into Go costs more
/// than what it does then.
static DROPPED_HANDLES: Mutex<Vec<Handle>> = Mutex::new(Vec::new());

/// An object that a listing or an upload gave, kept so that reading it needs no look-up: on
/// OpenDrive one call instead of three. Released when dropped, or soon after.
#[derive(Debug)]
pub struct Object {
    remote: Remote,
    handle: Handle,
    path: ObjectPath,
    size: Option<u64>,
}

impl Object {
    pub(super) fn new(remote: Remote, handle: Handle, path: ObjectPath, size: Option<u64>) -> Self {
        Self { remote, handle, path, size }
    }

    /// Bytes; `None` if the server does not know beforehand.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The path, relative to the remote's base.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// Opens it for reading `length` bytes (all if `None`) from `offset` on. The server is asked
    /// at the first read.
    ///
    /// A whole object is checked: when its size or its hash is not what it was when listed, the
    /// last read is an error of kind `Corrupt`.
    ///
    /// # Errors
    /// `Handle` if the remote is closed.
    pub async fn read(&self, offset: u64, length: Option<u64>) -> Result<Reader> {
        self.open(offset, length)
    }

    /// Does not wait: go/core/readers.go asks the server at the first read only.
    fn open(&self, offset: u64, length: Option<u64>) -> Result<Reader> {
        let handle =
            ffi::open(self.handle, offset, length).map_err(|error| error.at(&self.path()))?;
        let expected = match (self.size, length) {
            (Some(size), _) => Some(size.saturating_sub(offset).min(length.unwrap_or(u64::MAX))),
            (None, length) => length,
        };
        Ok(Reader::new(self.remote.clone(), handle, expected))
    }

    /// Prepares fetching its first `length` bytes, or all if it has fewer; they come when the job
    /// is started.
    pub fn prefetch(self: &Arc<Self>, length: usize) -> (Prefetch, PrefetchJob) {
        Prefetch::new(self.clone(), length)
    }

    /// A reader for the whole of it that some other call has opened; or that is over already, where
    /// there is no handle.
    pub(super) fn reader(&self, handle: Option<Handle>) -> Reader {
        Reader::new(self.remote.clone(), handle.unwrap_or(CLOSED), self.size)
    }

    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle
    }

    /// Sets its modification time, and gives the one that it has then: the nearest that the backend
    /// takes. `None` if that is not known.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot, or what the server says.
    pub async fn set_modified(&self, modified: SystemTime) -> Result<Option<SystemTime>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct SetTimeParams {
            object: Handle,
            mod_time_ns: i64,
        }
        let request = SetTimeParams { object: self.handle, mod_time_ns: nanoseconds(modified) };
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct SetTimeReply {
            mod_time_ns: Option<i64>,
        }
        let reply: Result<SetTimeReply> =
            Rclone::get().rpc_cancellable("bridge/settime", &request).await;
        reply
            .map(|reply| reply.mod_time_ns.map(system_time))
            .map_err(|error| error.at(&self.path()))
    }

    /// Reads exactly `length` bytes from `offset` on into one piece of memory; as urgently as
    /// `urgency` says.
    ///
    /// # Errors
    /// `Corrupt` if there are fewer, or what the server says.
    pub async fn fetch(&self, offset: u64, length: usize, urgency: &Urgency) -> Result<Bytes> {
        let mut call = CancelOnDrop::new();
        let (object, number, ahead) = (self.handle, call.number, !urgency.begin(call.number));
        let outcome = blocking(move || {
            let mut buffer = BytesMut::zeroed(length);
            ffi::fetch(object, number, offset, ahead, &mut buffer)?;
            Ok(buffer.freeze())
        });
        let outcome = outcome.await;
        call.disarm();
        urgency.end();
        outcome.map_err(|error| error.at(&self.path()))
    }

    /// Deletes it on the remote; it cannot be read afterwards.
    ///
    /// # Errors
    /// `NotFound`, or what the server says.
    pub async fn delete(&self) -> Result<()> {
        #[derive(Serialize)]
        struct DeleteParams {
            object: Handle,
        }
        let request = DeleteParams { object: self.handle };
        let reply: Result<EmptyReply> =
            Rclone::get().rpc_cancellable("bridge/delete", &request).await;
        reply.map(drop).map_err(|error| error.at(&self.path()))
    }

    /// Moves it to another path on the same remote, replacing what is there, and gives the object
    /// at its new place.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot, or what the server says.
    pub async fn rename(self, path: &str) -> Result<Entry> {
        #[derive(Serialize)]
        struct MoveParams<'a> {
            object: Handle,
            path: &'a str,
        }
        let request = MoveParams { object: self.handle, path };
        let reply: Result<RawEntry> = Rclone::get().rpc_cancellable("bridge/move", &request).await;
        let raw = reply.map_err(|error| error.at(path))?;
        Ok(raw.into_entry(&self.remote, &parent(path)))
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let mut dropped = dropped();
        dropped.push(self.handle);
        if dropped.len() >= MAX_DROPPED_HANDLES {
            release(dropped);
        }
    }
}

/// Releases the objects that were dropped until now.
pub(super) fn release_dropped() {
    release(dropped());
}

fn release(mut dropped: MutexGuard<'_, Vec<Handle>>) {
    let handles = std::mem::take(&mut *dropped);
    drop(dropped);
    if !handles.is_empty() {
        // Frees memory in Go and nothing else. An error means that an object was deleted or moved,
        // or its remote closed.
        let _ = ffi::release(&handles);
    }
}

fn dropped() -> MutexGuard<'static, Vec<Handle>> {
    // No code that can panic in between leaves it half changed.
    DROPPED_HANDLES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
