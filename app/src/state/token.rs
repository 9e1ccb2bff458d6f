//! Tokens by which programs use the API. Only a hash of each is kept.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::check::check_name;
use super::columns::{UnixMillis, words};
use super::database::State;
use super::error::{Result, StateError, is_duplicate};
use super::setting_change::{ChangeNote, ChangeSubject};

/// What a token begins with, so that one that leaked is known for what it is.
pub const TOKEN_PREFIX: &str = "pot_";

/// The use of a token is written down at most so often.
const USED_AGAIN: TimeDelta = TimeDelta::minutes(1);

words! {
    /// What a token is good for.
    TokenAccess, "access" {
        /// It may read.
        ReadOnly = "read-only",
        /// It may do everything but make and revoke tokens.
        Full = "full",
    }
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub access: TokenAccess,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was used last, to the minute.
    pub used: Option<DateTime<Utc>>,
}

const SELECT: &str = "SELECT id, name, access, created, used FROM token";

fn from_row(row: &Row<'_>) -> rusqlite::Result<ApiToken> {
    Ok(ApiToken {
        id: row.get("id")?,
        name: row.get("name")?,
        access: row.get("access")?,
        created: row.get::<_, UnixMillis>("created")?.0,
        used: row.get::<_, Option<UnixMillis>>("used")?.map(|used| used.0),
    })
}

/// Its secret is random and long, so a plain hash does.
fn hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Its secret is no part of it, nor is a hash.
fn note(before: Option<&ApiToken>, after: Option<&ApiToken>) -> Option<ChangeNote> {
    let access = |token: &ApiToken| TokenAccessOf { access: token.access };
    let name = before.or(after)?.name.clone();
    let (before, after) = (before.map(access), after.map(access));
    ChangeNote::of(ChangeSubject::Token, None, before.as_ref(), after.as_ref(), |_| name)
}

/// What is recorded of a token.
#[derive(Serialize)]
struct TokenAccessOf {
    access: TokenAccess,
}

impl State {
    /// Makes a token. It is in the answer, and nowhere else.
    ///
    /// # Errors
    ///
    /// The name is taken or cannot be used.
    pub fn add_token(
        &self,
        name: &str,
        access: TokenAccess,
        now: DateTime<Utc>,
    ) -> Result<(ApiToken, String)> {
        check_name("token", name)?;
        let random = plakar_driver::random_hex::<32>()
            .map_err(|error| StateError::Busy(format!("{error}; try again")))?;
        let token = format!("{TOKEN_PREFIX}{random}");
        self.change(|transaction| {
            let sql = "INSERT INTO token (name, hash, access, created) VALUES (?1, ?2, ?3, ?4)";
            let values = params![name, hash(&token), access, UnixMillis(now)];
            transaction.execute(sql, values).map_err(|error| {
                if is_duplicate(&error) {
                    return StateError::Conflict(format!(
                        "there is already a token named {name}; choose another name, or revoke that one"
                    ));
                }
                error.into()
            })?;
            let made = format!("{SELECT} WHERE id = ?1");
            let made = transaction.query_row(&made, [transaction.last_insert_rowid()], from_row)?;
            let note = note(None, Some(&made));
            Ok((made, note))
        })
        .map(|made| (made, token.clone()))
    }

    /// All tokens by name.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn tokens(&self) -> Result<Vec<ApiToken>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
            let rows = statement.query_map([], from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Ends a token, at once and for good.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn revoke_token(&self, id: i64) -> Result<()> {
        self.change(|transaction| {
            let sql = format!("{SELECT} WHERE id = ?1");
            let old = transaction.query_row(&sql, [id], from_row).optional()?;
            let old = old.ok_or_else(|| {
                StateError::NotFound(format!("there is no token with the id {id}"))
            })?;
            transaction.execute("DELETE FROM token WHERE id = ?1", [id])?;
            Ok(((), note(Some(&old), None)))
        })
    }

    /// All of a token but its secret, if it is one.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn use_token(&self, token: &str, now: DateTime<Utc>) -> Result<Option<ApiToken>> {
        // By its hash: how long it takes tells nothing of the secret.
        let hash = hash(token);
        let found = self.read(|connection| {
            let sql = format!("{SELECT} WHERE hash = ?1");
            Ok(connection.prepare_cached(&sql)?.query_row([&hash], from_row).optional()?)
        })?;
        let Some(found) = found else { return Ok(None) };
        if found.used.is_none_or(|used| (now - used).abs() >= USED_AGAIN) {
            self.write(|transaction| {
                let sql = "UPDATE token SET used = ?2 WHERE id = ?1";
                Ok(transaction.execute(sql, params![found.id, UnixMillis(now)])?)
            })?;
        }
        Ok(Some(found))
    }
}
