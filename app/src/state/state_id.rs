//! Which state it is, for what lies beside a store that several states have.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::{Result, StateError};
use super::store_facts::{OF_STATE, StoreFacts};

fn known(connection: &Connection) -> Result<Option<String>> {
    let sql = "SELECT facts FROM store_facts WHERE store = ?1";
    let facts = connection
        .prepare_cached(sql)?
        .query_row([OF_STATE], |row| Ok(row.get::<_, Json<StoreFacts>>("facts")?.0));
    Ok(facts.optional()?.map(|facts| facts.repository))
}

impl State {
    /// This state's own id, 12 random letters of hex. It stays from the first time on that it is
    /// asked for, also in what is recovered from a copy, and no other state has it.
    ///
    /// # Errors
    ///
    /// The database failed, or the machine has no random numbers.
    pub(super) fn id(&self, now: DateTime<Utc>) -> Result<String> {
        if let Some(id) = self.read(known)? {
            return Ok(id);
        }
        let repository = plakar_driver::random_hex::<6>()
            .map_err(|error| StateError::Busy(format!("{error}; try again")))?;
        let facts = StoreFacts { repository, ..StoreFacts::default() };
        self.write(|transaction| {
            // Another process may have been first.
            let sql = "INSERT INTO store_facts (store, at, facts) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (store) DO NOTHING";
            let values = params![OF_STATE, UnixMillis(now), Json(&facts)];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(known(transaction)?.unwrap_or(facts.repository))
        })
    }
}
