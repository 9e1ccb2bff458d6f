//! What is kept across restarts: apps, tasks, schedules, policies. One SQLite database, shared by
//! every process that works on it: the command line, the console, and what cron, systemd or
//! Kubernetes start.
//!
//! Every step of a task is one transaction, so that of two processes one does it; unique indexes
//! hold what no fault of ours may break: no slot runs twice, no app runs beside itself. A task
//! knows its process by number, start time and boot, so a killed one is marked `interrupted` by
//! whoever looks next, and one that its living process has given up by that process. No secret is in
//! it: credentials are in Plakar's configuration.

mod alert;
mod app;
mod app_changes;
mod author;
mod baseline;
mod cancel;
mod check;
mod checked;
mod columns;
mod contents;
mod copied;
mod copy;
mod counts;
mod database;
mod days;
mod delivery;
mod effective;
mod ended;
mod error;
mod external;
mod files;
mod follow_up;
mod held;
mod history;
mod ids;
mod interrupted;
mod lease;
mod log;
mod maintenance;
mod migrations;
mod newest;
mod open;
mod package_change;
mod past;
mod pause;
mod pause_columns;
mod pinned;
mod policy;
mod process;
mod queue;
mod resource;
mod schedule;
mod sealed;
mod setting_change;
mod state_id;
mod store_facts;
mod task;
mod token;
mod usage;
mod word;

pub use alert::Judged;
pub use app::{App, AppKind, AppSpec};
pub use author::{Author, ChangeWay};
pub use cancel::CancelResult;
pub use checked::CheckedPoint;
pub use contents::KnownMd5;
pub use copied::CopiedPoint;
pub use counts::TaskCount;
pub use database::State;
pub use days::{PastBackups, SpentCalls};
pub use delivery::{Delivery, NewMessage, ReceiverRecord};
pub use effective::{EffectiveSchedule, ScheduleOrigin};
pub use error::{Result, StateError};
pub use external::ExternalBackup;
pub use files::default_directory;
pub use held::HeldPrune;
pub use history::TaskFilter;
pub use ids::{AppId, PolicyId, ScheduleId, TaskId};
pub(crate) use lease::Lease;
pub use log::{LogPart, LogWriter};
pub use newest::NewestTasks;
pub use package_change::PackageChange;
pub use pinned::Pruning;
pub use policy::{MatchMode, Policy, PolicySpec};
pub use process::Process;
pub use queue::{EnqueueResult, NewTask, TaskResult};
pub use resource::{Resource, ResourceFacts, ResourceId, ResourceRecord, ResourceSpec};
pub use schedule::{Owner, Schedule, ScheduleSpec};
pub use setting_change::{ChangeAction, ChangeFilter, ChangeNote, ChangeSubject, SettingChange};
pub use store_facts::{KnownStore, StoreFacts};
pub use task::{Cause, Task, TaskKind, TaskState};
pub use token::{ApiToken, TOKEN_PREFIX, TokenAccess};
pub use word::{OfferedWord, WordKind};
