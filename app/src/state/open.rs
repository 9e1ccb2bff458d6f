//! Opening the state: the directory, the database, and what earlier processes left.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags};

use super::database::State;
use super::error::Result;
use super::{files, log, migrations};

/// How long a change waits for another process to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl State {
    /// Opens the state in a directory (made if it is missing), brings it up to date, and marks
    /// tasks as interrupted whose process is gone.
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
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrations::migrate(&mut connection, &path, migrations::MIGRATIONS)?;
        let state = Self::of(connection, directory);
        state.mark_interrupted(now)?;
        Ok(state)
    }
}
