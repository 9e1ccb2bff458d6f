//! What a schedule and a retention mean, without state and without a clock: cron expressions,
//! calendars, due times.

mod cron;
mod due;
mod gap;
mod health;
mod health_facts;
mod invalid;
mod progress;
mod protection;
mod retention;
pub(crate) mod timing;
mod tracker;
mod words;
mod zone;

pub use cron::CronExpression;
pub use due::{Calendar, Due, GRACE};
pub use health::{Health, HealthReason, HealthVerdict, health};
pub use health_facts::{HealthFacts, PastTask, PlannedTask, SilentTask, TaskEnd};
pub use invalid::Invalid;
pub use progress::TaskProgress;
pub use protection::Protection;
pub use retention::Retention;
pub(crate) use retention::retention_faults;
pub use timing::{TimeOfDay, Timing, Weekday};
pub use tracker::{Expected, ProgressTracker};
pub use words::{count_text, duration_text, plain_text, size_text};
pub use zone::local_zone;
