//! Brings a database to the newest version.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Result, StateError};
use super::sealed::seal_all;

/// What has changes sealed: those that are there are sealed after it.
const SEALED: &str = include_str!("0012.sql");

/// Each brings the database from version N to N + 1. One that was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("0001.sql"),
    include_str!("0002.sql"),
    include_str!("0003.sql"),
    include_str!("0004.sql"),
    include_str!("0005.sql"),
    include_str!("0006.sql"),
    include_str!("0007.sql"),
    include_str!("0008.sql"),
    include_str!("0009.sql"),
    include_str!("0010.sql"),
    include_str!("0011.sql"),
    SEALED,
    include_str!("0013.sql"),
    include_str!("0014.sql"),
    include_str!("0015.sql"),
    include_str!("0016.sql"),
];

/// Marks the file as ours ("plod"), so that another program's database is not taken for an old one.
const APPLICATION: i64 = 0x706c_6f64;

/// # Errors
///
/// The database is of a newer version or another program's.
pub(super) fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let known = migrations.len() as i64;
    // Other processes may be at the same: the first does the work, the others see it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (application != 0 || tables > 0) {
        return Err(StateError::Unsafe(format!(
            "{} is another program's database; name another directory",
            path.display()
        )));
    }
    if version > known {
        return Err(StateError::Newer { path: path.into(), found: version, known });
    }
    for migration in &migrations[usize::try_from(version).unwrap_or(0)..] {
        transaction.execute_batch(migration)?;
        if *migration == SEALED {
            seal_all(&transaction)?;
        }
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: &str = "CREATE TABLE later (x INTEGER) STRICT; ALTER TABLE policy ADD COLUMN note TEXT NOT NULL DEFAULT '';";

    #[test]
    fn an_older_database_is_brought_up_and_a_newer_one_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, MIGRATIONS).unwrap();
        connection
            .execute("INSERT INTO policy (name, environments, data_classes, classes, retention, enabled, since) VALUES ('p', '[]', '[]', 'any', '{}', 1, 0)", [])
            .unwrap();
        let both = [MIGRATIONS, &[SECOND]].concat();
        migrate(&mut connection, &path, &both).unwrap();
        migrate(&mut connection, &path, &both).unwrap();
        let note: String =
            connection.query_row("SELECT note FROM policy", [], |row| row.get(0)).unwrap();
        assert_eq!(note, "");
        let error = migrate(&mut connection, &path, MIGRATIONS).unwrap_err().to_string();
        let (found, known) = (both.len(), MIGRATIONS.len());
        assert!(
            error.contains(&format!("has version {found}, and this program knows up to {known}")),
            "{error}"
        );
    }

    /// What was missed was told from what was cancelled by its verdict alone.
    #[test]
    fn the_second_version_keeps_all_that_the_first_knew() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        migrate(&mut connection, Path::new("x"), &MIGRATIONS[..1]).unwrap();
        let old = "INSERT INTO resource (name, class, subclass) VALUES ('r', 'c', '');
            INSERT INTO app (key, kind, name, resource, environment, data_classes, integration, protocol, entry, store, retention, created, since)
                VALUES ('k', 'source', 'a', 1, '', '[]', 'i', 'p', 'a', '/s', '{}', 1, 1);
            INSERT INTO schedule (id, app, kind, cron, time_zone, enabled, catch_up, since) VALUES (7, 1, 'backup', '0 2 * * *', 'UTC', 1, 1, 1);
            INSERT INTO schedule (id, app, kind, cron, time_zone, enabled, catch_up, since) VALUES (9, 1, 'check', '0 3 * * *', 'UTC', 1, 1, 1);
            DELETE FROM schedule WHERE id = 9;
            INSERT INTO handled VALUES (1, 7, 123);
            INSERT INTO task (app, kind, cause, state, input, created, verdict) VALUES
                (1, 'backup', 'schedule', 'succeeded', '{}', 1, 'fine'),
                (1, 'backup', 'schedule', 'cancelled', '{}', 2, 'missed: nothing ran the schedule'),
                (1, 'backup', 'schedule', 'cancelled', '{}', 3, 'left out: task 1 (backup) is still running'),
                (1, 'backup', 'manual', 'cancelled', '{}', 4, 'cancelled'),
                (1, 'backup', 'manual', 'cancelled', '{}', 5, 'cancelled');
            DELETE FROM task WHERE id = 5;";
        connection.execute_batch(old).unwrap();
        migrate(&mut connection, Path::new("x"), MIGRATIONS).unwrap();
        let text =
            |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(
            text("SELECT group_concat(state) FROM (SELECT state FROM task ORDER BY id)"),
            "succeeded,missed,missed,cancelled"
        );
        assert_eq!(text("SELECT app || schedule || slot FROM handled"), "17123");
        assert_eq!(text("SELECT protection || name FROM app"), "{}a");
        // No number is given again.
        let next = "INSERT INTO schedule (app, kind, cron, time_zone, enabled, catch_up, since) VALUES (1, 'maintenance', '', '', 1, 1, 1);
            INSERT INTO task (app, kind, cause, state, input, created) VALUES (1, 'maintenance', 'manual', 'missed', '{}', 6);";
        connection.execute_batch(next).unwrap();
        assert_eq!(text("SELECT max(schedule.id) || max(task.id) FROM schedule, task"), "106");
    }

    #[test]
    fn changes_from_before_they_were_sealed_are_sealed() {
        let mut connection = Connection::open_in_memory().unwrap();
        let sealed = MIGRATIONS.iter().position(|sql| *sql == SEALED).unwrap();
        migrate(&mut connection, Path::new("x"), &MIGRATIONS[..sealed]).unwrap();
        let old = "INSERT INTO setting_change (at, way, subject, action, name, fields) VALUES
            (1, 'console', 'app', 'added', 'a', '[]'), (2, 'console', 'app', 'removed', 'a', '[]');";
        connection.execute_batch(old).unwrap();
        migrate(&mut connection, Path::new("x"), MIGRATIONS).unwrap();
        let state = super::super::database::State::of(connection, "x".into());
        let (ends, changes) = state.sealed_changes().unwrap();
        assert_eq!((changes.len(), ends.head.as_ref().map(|(id, _)| *id)), (2, Some(2)));
        assert_eq!(ends.first_fault(changes), None);
    }

    #[test]
    fn an_alarm_and_an_alert_from_before_several_were_kept_stay() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        migrate(&mut connection, Path::new("x"), &MIGRATIONS[..15]).unwrap();
        let old = "INSERT INTO resource (name, class, subclass) VALUES ('r', 'c', '');
            INSERT INTO app (key, kind, name, resource, environment, data_classes, integration, protocol, entry, store, retention, created, since)
                VALUES ('k', 'source', 'a', 1, '', '[]', 'i', 'p', 'a', '/s', '{}', 1, 1);
            INSERT INTO held_prune (app, at, task, reason, examples) VALUES (1, 5, 7, 'half', '[\"/a: gone\"]');
            INSERT INTO alert (app, kind, since, told) VALUES (1, 'prune held', 5, 6);";
        connection.execute_batch(old).unwrap();
        migrate(&mut connection, Path::new("x"), MIGRATIONS).unwrap();
        let state = super::super::database::State::of(connection, "x".into());
        let held = state.held_prunes(1).unwrap();
        assert_eq!((held.len(), held[0].task, held[0].reason.as_str()), (1, 7, "half"));
        assert_eq!(held[0].examples, ["/a: gone"]);
        let open = state.open_alerts(1).unwrap();
        assert!(open.len() == 1 && open[0].marks.is_empty(), "{open:?}");
        assert_eq!(state.alarm_baseline(1).unwrap(), None);
        assert!(state.release_prune(1, Some(7)).unwrap());
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("x"), MIGRATIONS).unwrap();
        let broken = [MIGRATIONS, &["CREATE TABLE half (x INTEGER); nonsense"]].concat();
        assert!(migrate(&mut connection, Path::new("x"), &broken).is_err());
        migrate(&mut connection, Path::new("x"), MIGRATIONS).unwrap();
        assert!(connection.prepare("SELECT * FROM half").is_err());
    }

    #[test]
    fn another_programs_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE photos (x)").unwrap();
        let error =
            migrate(&mut connection, Path::new("/x/state.db"), MIGRATIONS).unwrap_err().to_string();
        assert_eq!(error, "/x/state.db is another program's database; name another directory");
    }
}
