//! Everything that one does to apps, for the command line and the console alike: they only show it.
//!
//! An app's snapshots carry its random key as a tag, and every way to a restore point checks it,
//! so that an app sees its own points only, in a store that many use.

mod assign;
mod dashboard;
mod error;
mod export;
mod handle;
mod integrations;
mod log;
mod meter;
mod points;
mod references;
mod runner;
mod schedules;
mod sizes;
mod stores;
mod tasks;
mod watch;
mod work;

pub use assign::{Assign, ConfiguredField, Edit};
pub use dashboard::{Dashboard, SiteOverview};
pub use error::{Error, Problem, Result};
pub use export::{Export, ExportAs};
pub use handle::Service;
pub use integrations::{Choice, Form};
pub use points::OpenedPoint;
pub use stores::StoreChoice;
pub use work::{RestorePlace, Work};
