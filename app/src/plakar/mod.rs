//! The one place that drives the real plakar (1.1), by an argument list and strict reading of what it says.
//!
//! What plakar does that must be known here: its exit status 0 does not mean that a backup or a restore is
//! whole, file names go raw into its output, a command's whole argument list ends up in the snapshot, and
//! its configuration files are rewritten without a lock.

mod api;
mod backup;
mod browser;
mod browsers;
mod check;
mod command;
mod configuration;
mod download;
mod ended;
mod error;
pub mod guard;
mod index;
mod index_builder;
mod index_reader;
#[cfg(test)]
mod index_tests;
mod indexes;
mod lines;
mod listing;
mod names;
pub mod packages;
mod ping;
mod points;
mod progress;
mod prune;
mod restore;
pub mod schema;
mod store;
mod verify;

pub use backup::{Backup, BackupJob, Failure, Verdict};
pub use browser::Browser;
pub use browsers::Browsers;
pub use check::CheckOf;
pub use command::Plakar;
pub use configuration::{Kind, Options};
pub use download::{ArchiveFormat, Download};
pub use error::{Error, Result};
pub use index::{Index, Order, OrderBy};
pub use indexes::IndexState;
pub use lines::{Line, Stream};
pub use listing::{Listing, Searched};
pub use names::{Name, SnapshotId, SnapshotPath, attachment, file_name};
pub(crate) use names::{deceives, percent};
pub use points::{Entry, EntryKind, Page, RestorePoint};
pub use progress::Progress;
pub use prune::{Planned, Retention};
pub(crate) use restore::folder;
pub use restore::{Restore, RestoreJob, RestoreNews, RestoreTo};
pub use store::{Store, StoreState};
pub use tokio_util::sync::CancellationToken;
pub use verify::Verified;
