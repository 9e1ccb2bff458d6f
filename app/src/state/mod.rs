//! What is kept across restarts: apps, tasks, schedules, policies. One SQLite database, shared by
//! every process that works on it: the command line, the console, and what cron, systemd or
//! Kubernetes start.
//!
//! Every step of a task is one transaction, so that of two processes one does it; unique indexes
//! hold what no fault of ours may break: no slot runs twice, no app runs beside itself. A task
//! knows its process by number, start time and boot, so a killed one is marked `interrupted` by
//! whoever looks next. No secret is in it: credentials are in Plakar's configuration.

mod app;
mod cancel;
mod check;
mod checked;
mod columns;
mod copy;
mod database;
mod effective;
mod error;
mod external;
mod files;
mod follow_up;
mod history;
mod ids;
mod interrupted;
mod log;
mod maintenance;
mod migrations;
mod newest;
mod open;
mod pinned;
mod policy;
mod process;
mod queue;
mod resource;
mod schedule;
mod task;

pub use app::{App, AppKind, AppSpec, SUGGESTED_DATA_CLASSES, SUGGESTED_ENVIRONMENTS};
pub use cancel::CancelResult;
pub use checked::CheckedPoint;
pub use database::State;
pub use effective::{EffectiveSchedule, ScheduleOrigin};
pub use error::{Result, StateError};
pub use external::ExternalBackup;
pub use files::default_directory;
pub use history::TaskFilter;
pub use ids::{AppId, PolicyId, ScheduleId, TaskId};
pub use log::{LogPart, LogWriter};
pub use newest::NewestTasks;
pub use policy::{MatchMode, Policy, PolicySpec};
pub use process::Process;
pub use queue::{EnqueueResult, NewTask, TaskResult};
pub use resource::Resource;
pub use schedule::{Owner, Schedule, ScheduleSpec};
pub use task::{Cause, Task, TaskKind, TaskState};
