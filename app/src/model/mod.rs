//! What a schedule and a retention mean, without state and without a clock: cron expressions, calendars, due times.

mod cron;
mod due;
mod retention;
pub(crate) mod timing;

pub use cron::Expression;
pub use due::{Calendar, Due, GRACE};
pub use retention::Retention;
pub use timing::{TimeOfDay, Timing, Weekday};

/// Input that cannot be used: one line that says what is wrong and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);
