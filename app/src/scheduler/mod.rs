//! Runs what is due: missed runs, retries, one process at a time.

mod blocking;
mod clock;
mod conclude;
mod heartbeat;
mod run_loop;
mod runner;
mod settings;
mod upcoming;

pub use clock::{Clock, FakeClock, SystemClock};
pub use run_loop::Scheduler;
pub use runner::{Job, Outcome, Runner};
pub use settings::{Settings, WatchSettings};
pub use upcoming::{NextRun, next_runs};
