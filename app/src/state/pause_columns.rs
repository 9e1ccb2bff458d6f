//! The columns of pauses, beside those of an app.

use rusqlite::Row;

use super::columns::UnixMillis;
use crate::model::{Pause, Pauses};

/// Whose pauses a statement with the columns of an app gives, the site's beside them.
pub(super) const COLUMNS: &str = "app.paused_since AS own_since, app.paused_until AS own_until, \
     (SELECT paused_since FROM site) AS all_since, (SELECT paused_until FROM site) AS all_until";

/// The pauses in a row of [`COLUMNS`].
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Pauses> {
    let pause = |since: &str, until: &str| -> rusqlite::Result<Option<Pause>> {
        let at = |name: &str| row.get::<_, Option<UnixMillis>>(name);
        let both = at(since)?.zip(at(until)?);
        Ok(both.map(|(since, until)| Pause { since: since.0, until: until.0 }))
    };
    Ok(Pauses { own: pause("own_since", "own_until")?, all: pause("all_since", "all_until")? })
}
