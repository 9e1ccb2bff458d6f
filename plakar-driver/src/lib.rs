//! The one place that drives the real plakar (1.1), by an argument list and strict reading of what
//! it says.
//!
//! What plakar does that must be known here: its exit status 0 does not mean that a backup or a
//! restore is whole, file names go raw into its output, a command's whole argument list ends up in
//! the snapshot, and its configuration files are rewritten without a lock.
//!
//! Each plakar runs under a guard, our own executable again (`process/guard.rs`), whose standard
//! input is a lifeline: when we end, however we end, plakar and all it started end too, and its
//! temporary folder goes. What plakar prints is read strictly (`jobs/progress.rs`): a result line
//! counts only with the id of the snapshot that is being made. Configurations go in as JSON on
//! standard input under a lock of ours, and are read back.
//!
//! Browsing goes through one `plakar ui` for each store, on loopback with a token that stays in
//! this process, and through a fixed list of its reading routes. A restore is done only when the
//! destination was read again and compared, entry by entry (`jobs/verify.rs`): the destination is
//! backed up for a moment into a store of its own with the same key, in which equal contents have
//! equal digests.

mod browse;
mod configuration;
mod disk_space;
mod error;
mod folders;
mod jobs;
mod names;
mod outcome;
mod process;
mod retention;
mod tags;
mod token;

pub use browse::all_points::AllPointsAnswer;
pub use browse::browser::{Browser, Repository};
pub use browse::browsers::Browsers;
pub use browse::catalogue::{FoundPath, PointOfPath};
pub use browse::download::{ArchiveFormat, Download};
pub use browse::index::{Index, Order, OrderBy};
pub use browse::index_files::IndexedFile;
pub use browse::indexes::IndexState;
pub use browse::listing::{Listing, SearchAnswer};
pub use browse::points::{Amount, Entry, EntryKind, Page, RestorePoint};
pub use browse::several::{MAX_SEVERAL, common_folder};
pub use configuration::location::{local_folder, same_place};
pub use configuration::overlap::{Overlap, is_within, lies_in, overlap};
pub use configuration::store::{NewStore, Store, StoreState};
pub use configuration::{Kind, Options, mask, packages, parse_shown, schema};
pub use disk_space::{DiskSpace, disk_space, folder_bytes};
pub use error::{Error, Result};
pub use folders::restore_folder;
pub use jobs::backup::{BackupJob, BackupResult};
pub use jobs::check::{CheckResult, PointCheck};
pub use jobs::compare::Verification;
pub use jobs::drill::{DrillResult, DrilledFile};
pub use jobs::drive_listing::{DriveFile, DriveListing};
pub use jobs::maintenance::{Maintained, MaintenanceResult};
pub use jobs::own_package::{InstalledPackage, OWN_PACKAGE, OwnPackage};
pub use jobs::program::ProgramJob;
pub use jobs::progress::Progress;
pub use jobs::prune_rule::{PlannedPoint, PrunePeriod, PruneRule};
pub use jobs::restore::RestoreResult;
pub use jobs::restore_job::{RestoreJob, RestoreProgress, RestoreTarget};
pub use jobs::sync::{SeenAnew, SyncJob};
pub use jobs::temporary::is_temporary;
pub use names::{Name, SnapshotId, SnapshotPath, attachment, deceives, file_name, percent};
pub use outcome::{Failure, Verdict};
pub use process::command::Plakar;
pub use process::group::{KilledOnDrop, ProcessGroup};
pub use process::guard;
pub use process::lines::{Line, Stream};
pub use process::own_cache::{MIN_CHECK_SPACE_BYTES, temporary_fault};
pub use process::references::{REFERENCE, SecretSource};
pub use process::spent::DriveSpent;
pub use process::vitals::{VitalSigns, Vitals};
pub use retention::{KeptPeriods, Retention};
pub use tags::{BackupScope, is_own_tag};
pub use token::random_hex;
pub use tokio_util::sync::CancellationToken;
