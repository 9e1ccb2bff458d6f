//! Brings a database to the newest version.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Result, StateError};

/// Each brings the database from version N to N + 1. One that was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("0001.sql"), include_str!("0002.sql")];

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
