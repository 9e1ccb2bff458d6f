//! Resources: what apps back up or restore to. One is there as long as an app names it.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::check::check_text;
use super::error::{Result, StateError};
use crate::model::Invalid;

/// What the data is in: an account and folder, a database, a share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resource {
    /// Its name, by which its apps find each other.
    pub name: String,
    /// Plakar's class, such as `file-storage`.
    pub class: String,
    /// Plakar's subclass; may be empty.
    pub subclass: String,
}

impl Resource {
    /// All that cannot be used, by the names of the fields.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let checked = [
            ("resource", check_text("resource", &self.name, false)),
            ("class", check_text("class", &self.class, false)),
            ("subclass", check_text("subclass", &self.subclass, true)),
        ];
        checked.into_iter().filter_map(|(field, checked)| Some((field, checked.err()?))).collect()
    }
}

/// The resource's id; it is made with its first app.
pub(super) fn of(transaction: &Transaction<'_>, wanted: &Resource) -> Result<i64> {
    let found = transaction
        .prepare_cached("SELECT id, class, subclass FROM resource WHERE name = ?1")?
        .query_row([&wanted.name], |row| {
            Ok((row.get("id")?, row.get::<_, String>("class")?, row.get::<_, String>("subclass")?))
        })
        .optional()?;
    match found {
        Some((id, class, subclass)) if (&class, &subclass) == (&wanted.class, &wanted.subclass) => {
            Ok(id)
        }
        Some((_, class, subclass)) => Err(StateError::Conflict(format!(
            "resource {} has the class {class} {subclass}; give the same, or another name for the resource",
            wanted.name
        ))),
        None => {
            let insert = "INSERT INTO resource (name, class, subclass) VALUES (?1, ?2, ?3)";
            transaction.execute(insert, params![wanted.name, wanted.class, wanted.subclass])?;
            Ok(transaction.last_insert_rowid())
        }
    }
}

pub(super) fn remove_unused(transaction: &Transaction<'_>) -> Result<()> {
    transaction.execute("DELETE FROM resource WHERE NOT EXISTS (SELECT 1 FROM app WHERE app.resource = resource.id)", [])?;
    Ok(())
}
