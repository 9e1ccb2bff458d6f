//! What was last read of stores: to open one may take long, so pages show this.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::Result;

/// No store is called so: under it, the state keeps its own id as that of a repository.
pub(super) const OF_STATE: &str = "";

/// What a store said of itself when it was opened last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreFacts {
    /// Why it could not be opened, or empty; all else is what it was before.
    pub problem: String,
    /// Its id.
    pub repository: String,
    /// Whether it can be read with its passphrase only.
    pub encrypted: Option<bool>,
    /// What compresses what goes into it, such as `LZ4`, or `none`.
    pub compression: Option<String>,
    /// How many restore points it has, of whomever.
    pub points: Option<u64>,
    /// How many of them bear each mark; those of nobody bear none.
    pub marks: BTreeMap<String, u64>,
    /// Bytes of all files in all restore points.
    pub logical: Option<u64>,
    /// Bytes that the store takes.
    pub stored: Option<u64>,
}

/// The same, and when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownStore {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub facts: StoreFacts,
}

impl State {
    /// Keeps what was read of a store.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn note_store(&self, store: &str, facts: &StoreFacts, now: DateTime<Utc>) -> Result<()> {
        self.write(|transaction| {
            let sql = "INSERT INTO store_facts (store, at, facts) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (store) DO UPDATE SET at = excluded.at, facts = excluded.facts";
            let values = params![store, UnixMillis(now), Json(facts)];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }

    /// What is known of each store, by its name in Plakar's configuration or its path.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn known_stores(&self) -> Result<BTreeMap<String, KnownStore>> {
        self.read(|connection| {
            let sql = "SELECT store, at, facts FROM store_facts WHERE store <> ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([OF_STATE], |row| {
                let at = row.get::<_, UnixMillis>("at")?.0;
                let facts = row.get::<_, Json<StoreFacts>>("facts")?.0;
                Ok((row.get("store")?, KnownStore { at, facts }))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
