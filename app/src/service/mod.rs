//! Everything that one does to apps, for the command line and the console alike: they only show it.
//!
//! An app's snapshots carry its random key as a tag, and every way to a restore point checks it,
//! so that an app sees its own points only, in a store that many use.

mod assign;
mod dashboard;
mod error;
mod export;
mod handle;
mod health;
mod integrations;
mod log;
mod points;
mod prune;
mod prune_plan;
mod references;
mod runner;
mod schedules;
mod stores;
mod tasks;
mod work;

pub use assign::{Assign, ConfiguredField, Edit};
pub use dashboard::{Dashboard, SiteOverview};
pub use error::{Error, Problem, Result};
pub use export::{Export, ExportAs};
pub use handle::Service;
pub use health::{AppOverview, AppStatus, StatusReport};
pub use integrations::{Choice, Form};
pub use points::OpenedPoint;
pub use prune_plan::{PrunePlan, PrunePoint};
pub use stores::StoreChoice;
pub use work::{RestorePlace, Work};
