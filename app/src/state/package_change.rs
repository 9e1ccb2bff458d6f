//! While Plakar's package is replaced no task runs: Plakar has none for a moment.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::UnixMillis;
use super::database::State;
use super::error::{Result, StateError};
use super::ids::TaskId;
use super::process::Process;
use super::task::TaskKind;

/// Maximum time that a package is replaced for: one that takes longer has broken off.
const MAX_CHANGE_TIME: TimeDelta = TimeDelta::minutes(10);

/// As long as it lives no task begins.
pub struct PackageChange {
    state: State,
}

impl Drop for PackageChange {
    fn drop(&mut self) {
        let ended = self
            .state
            .write(|transaction| Ok(transaction.execute("DELETE FROM package_change", [])?));
        if let Err(error) = ended {
            tracing::warn!(%error, "that the package is replaced could not be taken back; it ends by itself");
        }
    }
}

/// Whether a process replaces the package now.
pub(super) fn is_on(connection: &Connection, here: &Process, now: DateTime<Utc>) -> Result<bool> {
    let sql = "SELECT begun, pid, process_start, boot, namespace FROM package_change";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([], |row| {
        let process = Process {
            pid: row.get("pid")?,
            start: row.get("process_start")?,
            boot: row.get("boot")?,
            namespace: row.get("namespace")?,
        };
        Ok((row.get::<_, UnixMillis>("begun")?.0, process))
    });
    Ok(found.optional()?.is_some_and(|(begun, process)| {
        (now - begun).abs() < MAX_CHANGE_TIME && process.is_alive(here, begun, now)
    }))
}

/// # Errors
///
/// The package is being replaced.
pub(super) fn not_during(
    connection: &Connection,
    here: &Process,
    now: DateTime<Utc>,
) -> Result<()> {
    if is_on(connection, here, now)? {
        return Err(StateError::Busy(
            "Plakar's package is being replaced: nothing runs meanwhile; try again in a minute"
                .into(),
        ));
    }
    Ok(())
}

impl State {
    /// Keeps all tasks from beginning, for as long as what it gives lives, ten minutes at most.
    ///
    /// # Errors
    ///
    /// A task runs, or another process does the same.
    pub fn begin_package_change(&self, now: DateTime<Utc>) -> Result<PackageChange> {
        let here = self.process();
        self.write(|transaction| {
            not_during(transaction, here, now)?;
            let sql = "SELECT id, kind FROM task WHERE state = 'running' LIMIT 1";
            let running = transaction
                .prepare_cached(sql)?
                .query_row([], |row| Ok((row.get("id")?, row.get("kind")?)))
                .optional()?;
            if let Some((id, kind)) = running {
                let (id, kind): (TaskId, TaskKind) = (id, kind);
                return Err(StateError::Busy(format!(
                    "task {id} ({kind}) is running, and needs Plakar's package; wait for its end, or cancel it"
                )));
            }
            let sql = "INSERT OR REPLACE INTO package_change (one, begun, pid, process_start, boot, namespace) \
                 VALUES (1, ?1, ?2, ?3, ?4, ?5)";
            let Process { pid, start, boot, namespace } = here;
            let values = params![UnixMillis(now), pid, start, boot, namespace];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })?;
        Ok(PackageChange { state: self.clone() })
    }
}
