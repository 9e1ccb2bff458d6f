//! Units, CronJobs and crontab lines that run an app's schedules without our scheduler.
//!
//! All of them run `app run --due NAME` on the shared state, which decides what is due: so no slot
//! runs twice, and a call too many does nothing. They hold no secrets, only names and paths.

mod calendar;
mod clock_changes;
mod command;
mod crontab;
mod kubernetes;
mod plan;
mod systemd;

pub use command::{Command, ExportedFile, SecretsFile};
pub use crontab::crontab;
pub use kubernetes::{Kubernetes, kubernetes};
pub use systemd::{Systemd, console_unit, systemd};
