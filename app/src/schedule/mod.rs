//! When a task is due, and running it then: cron expressions, time zones, missed runs, retries.

mod clock;
mod cron;
mod due;
pub mod export;
mod retention;
mod runner;
mod scheduler;
mod settings;
mod timing;
mod upcoming;

pub use clock::{Clock, FakeClock, SystemClock, local_zone};
pub use cron::Expression;
pub use due::{Calendar, Due, GRACE};
pub use retention::Retention;
pub use runner::{Job, Outcome, Runner};
pub use scheduler::Scheduler;
pub use settings::Settings;
pub use timing::{TimeOfDay, Timing, Weekday};
pub use upcoming::{NextRun, next_runs};

/// Input that cannot be used: one line that says what is wrong and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);
