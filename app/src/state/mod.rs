//! What is kept across restarts: apps, tasks, schedules, policies. One SQLite database, shared by every process that
//! works on it: the command line, the console, and what cron, systemd or Kubernetes start.

mod app;
mod check;
mod effective;
mod error;
mod files;
mod history;
mod log;
mod migrations;
mod policy;
mod process;
mod queue;
mod resource;
mod schedule;
mod task;
mod text;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub use app::{App, AppId, AppKind, AppSpec, SUGGESTED_DATA_CLASSES, SUGGESTED_ENVIRONMENTS};
pub use effective::{Effective, Origin};
pub use error::{Result, StateError};
pub use files::default_directory;
pub use history::{Overview, TaskFilter};
pub use log::{LogPart, LogWriter};
pub use policy::{Match, Policy, PolicyId, PolicySpec};
pub use process::Process;
pub use queue::{Cancelled, Finish, NewTask, Slotted};
pub use resource::Resource;
pub use schedule::{Owner, Schedule, ScheduleId, ScheduleSpec};
pub use task::{Cause, Task, TaskId, TaskKind, TaskState};

/// How long a change waits for another process to finish its own.
const BUSY: Duration = Duration::from_secs(10);

/// The state. Clones share one connection; every call is short.
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Mutex<Connection>,
    directory: PathBuf,
    process: Process,
}

impl State {
    /// Opens the state in a directory (made if it is missing), brings it up to date, and marks tasks as interrupted whose
    /// process is gone.
    ///
    /// # Errors
    ///
    /// The directory or the database is not safe to use, or of a newer version.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::open_at(directory, Utc::now())
    }

    /// As [`State::open`], at the time that a clock shows.
    ///
    /// # Errors
    ///
    /// As [`State::open`].
    pub fn open_at(directory: &Path, now: DateTime<Utc>) -> Result<Self> {
        let directory = files::prepare(directory)?;
        files::prepare(&directory.join(log::DIRECTORY))?;
        let path = directory.join("state.db");
        files::prepare_database(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrations::migrate(&mut connection, &path, migrations::MIGRATIONS)?;
        let state = Self { inner: Arc::new(Inner { connection: Mutex::new(connection), directory, process: Process::current() }) };
        state.mark_interrupted(now)?;
        Ok(state)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// The plan that SQLite makes for a statement.
    #[cfg(test)]
    fn explain(&self, sql: &str) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
            let lines = statement.query_map(rusqlite::params_from_iter(unbound), |row| row.get(3))?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        // A panic rolls its transaction back, so what it leaves behind is sound.
        work(&self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a change as one transaction, which excludes every other process's changes from its first line on.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
