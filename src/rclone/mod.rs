//! A safe layer over rclone: remotes, objects, readers and writers with owned handles and typed
//! errors.
//!
//! Calls into Go block, so they run on Tokio's blocking threads; dropping a future or a stream
//! cancels what is in flight. Nothing here knows of Plakar.
//!
//! `ffi.rs` is the only file with `unsafe`. `Reader::chunk` gives 1 MiB pieces, which gRPC sends
//! without copying them again; an `Urgency` is how much a block is wanted. A `Writer` that is
//! dropped is aborted. A `Listing` is told piece by piece.

mod client;
mod entry;
mod error;
mod fast_reads;
mod ffi;
mod listing;
mod object;
mod object_path;
pub mod probe;
mod reader;
mod remote;
mod remote_config;
mod signals;
mod spent;
mod urgency;
mod writer;

pub use client::{ListItem, Rclone, Stats};
pub use entry::Entry;
pub use error::{Error, ErrorKind, Result};
pub use listing::{Listing, Unlisted};
pub use object::Object;
pub use reader::{CHUNK_BYTES, Prefetch, PrefetchJob, Reader};
pub use remote::{Features, Quota, Remote};
pub use remote_config::RemoteConfig;
pub use signals::listen_to_children;
pub use spent::Spent;
pub use urgency::Urgency;
pub use writer::Writer;

#[cfg(test)]
mod tests {
    use super::*;

    /// Which types may cross threads is part of the contract: these only have to compile.
    #[test]
    fn handles_can_be_sent_and_shared() {
        fn send_and_sync<T: Send + Sync>() {}
        send_and_sync::<Remote>();
        send_and_sync::<Object>();
        send_and_sync::<Reader>();
        send_and_sync::<Writer>();
        send_and_sync::<Error>();
    }
}
