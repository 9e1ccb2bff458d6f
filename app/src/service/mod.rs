//! Everything that one does to apps, for the command line and the console alike: they only show it.
//!
//! An app's snapshots carry its random key as a tag, and every way to a restore point checks it,
//! so that an app sees its own points only, in a store that many use.

mod adopt;
mod apart;
mod assign;
mod blocking;
mod checks;
mod dashboard;
mod edit;
mod error;
mod export;
mod handle;
mod health;
mod integrations;
mod log;
mod meter;
mod missing;
mod places;
mod points;
mod prune;
mod prune_plan;
mod recovery;
mod references;
mod runner;
mod schedules;
mod settle_store;
mod sizes;
mod state_copy;
mod stores;
mod strength;
mod tasks;
mod trial;
mod watch;
mod work;
mod work_result;

pub use adopt::{Mark, PlakarEntry};
pub use assign::Assign;
pub use dashboard::{Dashboard, SiteOverview};
pub use edit::{ConfiguredField, Edit};
pub use error::{Error, Problem, Result};
pub use export::{Export, ExportAs};
pub use handle::Service;
pub use health::{AppOverview, AppStatus, StatusReport};
pub use integrations::{Choice, Form};
pub use missing::{LastSeen, MissingEntry};
pub use points::{FoundPoint, OpenedPoint};
pub use prune_plan::{PrunePlan, PrunePoint};
pub use recovery::{RecoverySheet, RecoveryStep};
pub use stores::StoreChoice;
pub use strength::Strength;
pub use work::{CheckScope, RestorePlace, Work};
