//! The database and who uses it: every read and every change goes through here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::author::Author;
use super::error::Result;
use super::process::Process;

/// The state. Clones share one connection; every call is short.
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
    author: Author,
}

struct Inner {
    connection: Mutex<Connection>,
    directory: PathBuf,
    process: Process,
}

impl State {
    /// The state of a database that is open and up to date.
    pub(super) fn of(connection: Connection, directory: PathBuf) -> Self {
        let inner =
            Inner { connection: Mutex::new(connection), directory, process: Process::current() };
        Self { inner: Arc::new(inner), author: Author::command_line() }
    }

    /// The same, for somebody who came by another way than a command: so his changes are recorded.
    #[must_use]
    pub fn by(&self, author: Author) -> Self {
        Self { inner: Arc::clone(&self.inner), author }
    }

    /// Who makes the changes.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// This process, as tasks name their runner.
    pub(super) fn process(&self) -> &Process {
        &self.inner.process
    }

    /// The plan that SQLite makes for a statement.
    #[cfg(test)]
    pub(super) fn explain(&self, sql: &str) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
            let lines = statement
                .query_map(rusqlite::params_from_iter(unbound), |row| row.get("detail"))?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        // A panic rolls its transaction back, so what it leaves behind is sound.
        work(&self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a change as one transaction, which excludes every other process's changes from its
    /// first line on.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
