//! The MD5 of files that were read from the store: each is read once for it.

use std::collections::{HashMap, HashSet};

use rusqlite::params;

use super::database::State;
use super::error::Result;
use super::ids::AppId;

/// What is known of a file of restore points, as long as it has this size and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMd5 {
    /// Bytes.
    pub size: u64,
    /// When it was changed, in milliseconds since 1970.
    pub modified: i64,
    /// The MD5 of its content, in hex.
    pub md5: String,
    /// Whether the drive has listed the same.
    pub listed: bool,
}

impl State {
    /// Notes the MD5 of files, by their paths.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn note_md5(&self, app: AppId, known: &[(String, KnownMd5)]) -> Result<()> {
        self.write(|transaction| {
            let sql = "INSERT INTO file_md5 (app, path, size, modified, md5, listed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (app, path) DO UPDATE SET size = excluded.size, modified = excluded.modified, md5 = excluded.md5, listed = excluded.listed";
            let mut statement = transaction.prepare_cached(sql)?;
            for (path, KnownMd5 { size, modified, md5, listed }) in known {
                statement.execute(params![app, path, size, modified, md5, listed])?;
            }
            Ok(())
        })
    }

    /// What is known of files, by their paths.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn known_md5(&self, app: AppId) -> Result<HashMap<String, KnownMd5>> {
        self.read(|connection| {
            let sql = "SELECT path, size, modified, md5, listed FROM file_md5 WHERE app = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([app], |row| {
                let known = KnownMd5 {
                    size: row.get("size")?,
                    modified: row.get("modified")?,
                    md5: row.get("md5")?,
                    listed: row.get("listed")?,
                };
                Ok((row.get("path")?, known))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Forgets these files.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn forget_md5(&self, app: AppId, gone: &HashSet<String>) -> Result<()> {
        self.write(|transaction| {
            let sql = "DELETE FROM file_md5 WHERE app = ?1 AND path = ?2";
            let mut statement = transaction.prepare_cached(sql)?;
            for path in gone {
                statement.execute(params![app, path])?;
            }
            Ok(())
        })
    }

    /// Keeps what the newest comparison of an app with its drive found; a value of JSON.
    ///
    /// # Errors
    ///
    /// There is no such app, or the database failed.
    pub fn note_comparison(&self, app: AppId, report: &str) -> Result<()> {
        self.write(|transaction| {
            let sql = "INSERT INTO comparison (app, report) VALUES (?1, ?2) \
                 ON CONFLICT (app) DO UPDATE SET report = excluded.report";
            transaction.prepare_cached(sql)?.execute(params![app, report])?;
            Ok(())
        })
    }

    /// What that found, if there was one.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn comparison(&self, app: AppId) -> Result<Option<String>> {
        use rusqlite::OptionalExtension;
        self.read(|connection| {
            let sql = "SELECT report FROM comparison WHERE app = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([app], |row| row.get("report")).optional()?)
        })
    }
}
