//! The one place that drives the real plakar (1.1), by an argument list and strict reading of what it says.
//!
//! What plakar does that must be known here: its exit status 0 does not mean that a backup or a restore is
//! whole, file names go raw into its output, a command's whole argument list ends up in the snapshot, and
//! its configuration files are rewritten without a lock.

mod browse;
mod configuration;
mod error;
mod folders;
mod jobs;
mod names;
mod outcome;
mod process;
mod tags;
mod token;

pub use browse::browser::Browser;
pub use browse::browsers::Browsers;
pub use browse::download::{ArchiveFormat, Download};
pub use browse::index::{Index, Order, OrderBy};
pub use browse::indexes::IndexState;
pub use browse::listing::{Listing, Searched};
pub use browse::points::{Entry, EntryKind, Page, RestorePoint};
pub use configuration::store::{Store, StoreState};
pub use configuration::{Kind, Options, packages, schema};
pub use error::{Error, Result};
pub use folders::restore_folder;
pub use jobs::backup::{Backup, BackupJob};
pub use jobs::check::CheckOf;
pub use jobs::progress::Progress;
pub use jobs::prune::{Planned, Retention};
pub use jobs::restore::Restore;
pub use jobs::restore_job::{RestoreJob, RestoreNews, RestoreTo};
pub use jobs::verify::Verified;
pub use names::{Name, SnapshotId, SnapshotPath, attachment, deceives, file_name, percent};
pub use outcome::{Failure, Verdict};
pub use process::command::Plakar;
pub use process::guard;
pub use process::lines::{Line, Stream};
pub use tokio_util::sync::CancellationToken;
