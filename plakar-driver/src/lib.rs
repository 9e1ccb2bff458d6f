//! The one place that drives the real plakar (1.1), by an argument list and strict reading of what
//! it says.
//!
//! What plakar does that must be known here: its exit status 0 does not mean that a backup or a
//! restore is whole, file names go raw into its output, a command's whole argument list ends up in
//! the snapshot, and its configuration files are rewritten without a lock.

mod browse;
mod configuration;
mod error;
mod folders;
mod jobs;
mod names;
mod outcome;
mod process;
mod retention;
mod tags;
mod token;

pub use browse::browser::Browser;
pub use browse::browsers::Browsers;
pub use browse::download::{ArchiveFormat, Download};
pub use browse::index::{Index, Order, OrderBy};
pub use browse::indexes::IndexState;
pub use browse::listing::{Listing, SearchAnswer};
pub use browse::points::{Entry, EntryKind, Page, RestorePoint};
pub use configuration::store::{Store, StoreState};
pub use configuration::{Kind, Options, mask, packages, parse_shown, schema};
pub use error::{Error, Result};
pub use folders::restore_folder;
pub use jobs::backup::{BackupJob, BackupResult};
pub use jobs::check::CheckTarget;
pub use jobs::progress::Progress;
pub use jobs::prune::PlannedPoint;
pub use jobs::restore::RestoreResult;
pub use jobs::restore_job::{RestoreJob, RestoreProgress, RestoreTarget};
pub use jobs::verify::Verification;
pub use names::{Name, SnapshotId, SnapshotPath, attachment, deceives, file_name, percent};
pub use outcome::{Failure, Verdict};
pub use process::command::Plakar;
pub use process::guard;
pub use process::lines::{Line, Stream};
pub use retention::Retention;
pub use token::random_hex;
pub use tokio_util::sync::CancellationToken;
