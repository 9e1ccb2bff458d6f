//! The seals of changes: made with each, and read back.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};

use super::database::State;
use super::error::Result;
use crate::model::{ChainEnds, FIRST_SEAL, SealedChange, seal};

const COLUMNS: &str = "id, at, way, token, subject, action, name, app, fields, before, seal";

/// A change as it is sealed, which stays so in all versions of this program.
fn content(row: &Row<'_>) -> rusqlite::Result<String> {
    let fields: String = row.get("fields")?;
    let text = |name: &str| row.get::<_, String>(name);
    let (id, at): (i64, i64) = (row.get("id")?, row.get("at")?);
    let (token, app): (Option<String>, Option<i64>) = (row.get("token")?, row.get("app")?);
    // As text: what parses to the same may be written in several ways.
    let all: Value = json!([
        id,
        at,
        text("way")?,
        token,
        text("subject")?,
        text("action")?,
        text("name")?,
        app,
        fields
    ]);
    Ok(all.to_string())
}

fn sealed(row: &Row<'_>) -> rusqlite::Result<SealedChange> {
    let (before, seal) = (row.get("before")?, row.get("seal")?);
    Ok(SealedChange { id: row.get("id")?, content: content(row)?, before, seal })
}

fn ends(connection: &Connection) -> Result<ChainEnds> {
    let sql = "SELECT first_before, head_id, head FROM change_chain";
    let mut statement = connection.prepare_cached(sql)?;
    let known = statement.query_row([], |row| {
        let (id, seal): (Option<i64>, Option<String>) = (row.get("head_id")?, row.get("head")?);
        Ok(ChainEnds { first_before: row.get("first_before")?, head: id.zip(seal) })
    });
    // Without it nothing is known to be whole.
    let none = || ChainEnds { first_before: String::new(), head: None };
    Ok(known.optional()?.unwrap_or_else(none))
}

/// Seals a change that was written in this transaction, as the newest.
pub(super) fn seal_change(transaction: &Transaction<'_>, id: i64) -> Result<()> {
    let ends = ends(transaction)?;
    let before = ends.head.map_or(ends.first_before, |(_, seal)| seal);
    let sql = format!("SELECT {COLUMNS} FROM setting_change WHERE id = ?1");
    let content = transaction.prepare_cached(&sql)?.query_row([id], content)?;
    let seal = seal(&before, &content);
    let sql = "UPDATE setting_change SET before = ?2, seal = ?3 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![id, before, seal])?;
    let sql = "UPDATE change_chain SET head_id = ?1, head = ?2";
    transaction.prepare_cached(sql)?.execute(params![id, seal])?;
    Ok(())
}

/// Says before changes are removed, up to this one, that the chain begins after it.
pub(super) fn cut(transaction: &Transaction<'_>, oldest: i64) -> Result<()> {
    let sql = "UPDATE change_chain SET first_before = seal FROM \
         (SELECT seal FROM setting_change WHERE id <= ?1 ORDER BY id DESC LIMIT 1)";
    transaction.prepare_cached(sql)?.execute([oldest])?;
    Ok(())
}

/// Seals all changes that are there: those from before changes were sealed.
pub(super) fn seal_all(transaction: &Transaction<'_>) -> Result<()> {
    let sql = "INSERT INTO change_chain (one, first_before) VALUES (1, ?1)";
    transaction.execute(sql, [FIRST_SEAL])?;
    let mut statement = transaction.prepare("SELECT id FROM setting_change ORDER BY id")?;
    let all: Vec<i64> =
        statement.query_map([], |row| row.get("id"))?.collect::<rusqlite::Result<_>>()?;
    all.into_iter().try_for_each(|id| seal_change(transaction, id))
}

impl State {
    /// All changes that are kept, as they are sealed, the oldest first, and between what they lie.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn sealed_changes(&self) -> Result<(ChainEnds, Vec<SealedChange>)> {
        self.read(|connection| {
            // One look: a change may come between two.
            let transaction = connection.unchecked_transaction()?;
            let sql = format!("SELECT {COLUMNS} FROM setting_change ORDER BY id");
            let mut statement = transaction.prepare_cached(&sql)?;
            let changes = statement.query_map([], sealed)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((ends(&transaction)?, changes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChainFault, FieldChange, MAX_KEPT_CHANGES};
    use crate::state::{ChangeAction, ChangeNote, ChangeSubject};

    fn note(number: i64) -> ChangeNote {
        let (subject, action) = (ChangeSubject::Pause, ChangeAction::Added);
        let fields = vec![FieldChange::new("until", None, Some("tomorrow"))];
        ChangeNote { subject, action, name: format!("app {number}"), app: Some(number), fields }
    }

    fn fault(state: &State) -> Option<ChainFault> {
        let (ends, changes) = state.sealed_changes().unwrap();
        ends.first_fault(changes)
    }

    fn state_of(changes: i64) -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        (1..=changes).for_each(|number| state.record_change(note(number)).unwrap());
        (folder, state)
    }

    #[test]
    fn whatever_is_done_to_the_table_is_found() {
        for (sql, id) in [
            ("UPDATE setting_change SET name = 'x' WHERE id = 3", 3),
            ("UPDATE setting_change SET at = at + 1 WHERE id = 3", 3),
            ("UPDATE setting_change SET way = 'console' WHERE id = 3", 3),
            ("UPDATE setting_change SET token = 'x' WHERE id = 3", 3),
            ("UPDATE setting_change SET app = NULL WHERE id = 3", 3),
            ("UPDATE setting_change SET fields = '[]' WHERE id = 3", 3),
            ("UPDATE setting_change SET id = 30 WHERE id = 5", 30),
            ("DELETE FROM setting_change WHERE id = 3", 4),
            ("DELETE FROM setting_change WHERE id = 1", 2),
            ("DELETE FROM setting_change WHERE id > 3", 3),
            ("DELETE FROM setting_change", 5),
            ("DELETE FROM change_chain", 1),
            (
                "INSERT INTO setting_change (at, way, subject, action, name, fields) \
                 SELECT at, way, subject, action, name, fields FROM setting_change WHERE id = 3",
                6,
            ),
        ] {
            let (_folder, state) = state_of(5);
            assert_eq!(fault(&state), None);
            state.write(|transaction| Ok(transaction.execute_batch(sql)?)).unwrap();
            assert_eq!(fault(&state).map(|fault| fault.id), Some(id), "{sql}");
        }
    }

    #[test]
    fn a_change_that_fails_takes_no_number() {
        let (_folder, state) = state_of(2);
        let failed: Result<()> = state.write(|transaction| {
            let sql = "INSERT INTO setting_change (at, way, subject, action, name, fields) \
                 SELECT at, way, subject, action, name, fields FROM setting_change WHERE id = 2";
            transaction.execute(sql, [])?;
            Err(crate::state::StateError::invalid("no"))
        });
        assert!(failed.is_err());
        state.record_change(note(3)).unwrap();
        assert_eq!(state.sealed_changes().unwrap().0.head.map(|(id, _)| id), Some(3));
    }

    #[test]
    fn the_chain_stays_whole_when_the_oldest_go() {
        let (_folder, state) = state_of(5);
        // As if there had been so many that the next one lets the three oldest go.
        state
            .write(|transaction| {
                let sql = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'setting_change'";
                Ok(transaction.execute(sql, [MAX_KEPT_CHANGES + 2])?)
            })
            .unwrap();
        state.record_change(note(6)).unwrap();
        assert_eq!(fault(&state), None);
        let (ends, changes) = state.sealed_changes().unwrap();
        let ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
        assert_eq!(ids, [4, 5, MAX_KEPT_CHANGES + 3]);
        assert_eq!(ends.head.map(|(id, _)| id), ids.last().copied());
        // Nothing goes: nothing is cut.
        state.write(|transaction| cut(transaction, 3)).unwrap();
        assert_eq!(fault(&state), None);
    }
}
