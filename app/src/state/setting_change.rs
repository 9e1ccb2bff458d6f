//! A record of what was changed in settings: written in one transaction with each change.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};
use serde::{Deserialize, Serialize};

use super::author::Author;
use super::columns::{Json, UnixMillis, words};
use super::database::State;
use super::error::Result;
use super::ids::AppId;
use super::sealed::{cut, seal_change};
use crate::model::{FieldChange, MAX_KEPT_CHANGES, field_changes};

/// Maximum number of changes of one page.
const MAX_PAGE_CHANGES: u32 = 500;

words! {
    /// What was changed.
    ChangeSubject, "subject" {
        /// A source or a destination.
        App = "app",
        /// A schedule, of an app or of a policy.
        Schedule = "schedule",
        /// A policy.
        Policy = "policy",
        /// A resource.
        Resource = "resource",
        /// A store in Plakar's configuration.
        Store = "store",
        /// The login of an account.
        Account = "account",
        /// A token of the API.
        Token = "token",
        /// When an app, or all, run nothing by schedule.
        Pause = "pause",
        /// That a restore point stays.
        Pin = "pin",
        /// That the prunes of an app wait for somebody to look.
        HeldPrune = "held prune",
        /// A word that forms offer.
        Environment = "environment",
        /// A word that forms offer.
        DataClass = "data class",
        /// The package by which Plakar reaches the drive.
        Package = "package",
    }
}

words! {
    /// What was done to it.
    ChangeAction, "action" {
        /// It is new.
        Added = "added",
        /// It is another than it was.
        Changed = "changed",
        /// It is there no more.
        Removed = "removed",
    }
}

/// What is to be recorded of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeNote {
    /// What was changed.
    pub subject: ChangeSubject,
    /// What was done to it.
    pub action: ChangeAction,
    /// Its name.
    pub name: String,
    /// The app that it is, or is of.
    pub app: Option<AppId>,
    /// Field by field. Nothing is recorded of a change that changes none.
    pub fields: Vec<FieldChange>,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingChange {
    /// Counts up.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// By which way.
    #[serde(flatten)]
    pub author: Author,
    /// What was changed.
    pub subject: ChangeSubject,
    /// What was done to it.
    pub action: ChangeAction,
    /// Its name, as it was then.
    pub name: String,
    /// The app that it is, or is of; it may be gone.
    pub app: Option<AppId>,
    /// Field by field, without secrets.
    pub fields: Vec<FieldChange>,
}

/// Which changes to list, newest first; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeFilter {
    /// Of this app, or of what is of it.
    pub app: Option<AppId>,
    /// Older than this change: the last one of the page before.
    pub before: Option<i64>,
    /// Maximum number of changes; 50 if not said, never more than 500.
    pub limit: Option<u32>,
}

impl ChangeNote {
    /// Of what has two versions, the one before and the one after it; none if it has neither.
    pub(super) fn of<T: Serialize>(
        subject: ChangeSubject,
        app: Option<AppId>,
        before: Option<&T>,
        after: Option<&T>,
        name: impl FnOnce(&T) -> String,
    ) -> Option<Self> {
        let action = match (before, after) {
            (None, _) => ChangeAction::Added,
            (Some(_), Some(_)) => ChangeAction::Changed,
            (Some(_), None) => ChangeAction::Removed,
        };
        let name = name(after.or(before)?);
        Some(Self { subject, action, name, app, fields: field_changes(before, after) })
    }
}

/// Records a change, in the transaction that makes it.
fn record(transaction: &Transaction<'_>, author: &Author, note: &ChangeNote) -> Result<()> {
    if note.action == ChangeAction::Changed && note.fields.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO setting_change (at, way, token, subject, action, name, app, fields) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let ChangeNote { subject, action, name, app, fields } = note;
    let now = UnixMillis(Utc::now());
    let values = params![now, author.way, author.token, subject, action, name, app, Json(fields)];
    transaction.prepare_cached(sql)?.execute(values)?;
    let id = transaction.last_insert_rowid();
    seal_change(transaction, id)?;
    let oldest = id - MAX_KEPT_CHANGES;
    cut(transaction, oldest)?;
    let sql = "DELETE FROM setting_change WHERE id <= ?1";
    transaction.prepare_cached(sql)?.execute([oldest])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<SettingChange> {
    Ok(SettingChange {
        id: row.get("id")?,
        at: row.get::<_, UnixMillis>("at")?.0,
        author: Author { way: row.get("way")?, token: row.get("token")? },
        subject: row.get("subject")?,
        action: row.get("action")?,
        name: row.get("name")?,
        app: row.get("app")?,
        fields: row.get::<_, Json<_>>("fields")?.0,
    })
}

impl ChangeFilter {
    fn statement(&self) -> (String, Vec<Value>) {
        let mut sql =
            "SELECT id, at, way, token, subject, action, name, app, fields FROM setting_change"
                .to_owned();
        let mut values = Vec::new();
        for (condition, value) in [("app = ?", self.app), ("id < ?", self.before)] {
            let Some(value) = value else { continue };
            sql += if values.is_empty() { " WHERE " } else { " AND " };
            sql += condition;
            values.push(Value::Integer(value));
        }
        sql += " ORDER BY id DESC LIMIT ?";
        values.push(Value::Integer(self.limit.unwrap_or(50).min(MAX_PAGE_CHANGES).into()));
        (sql, values)
    }
}

impl State {
    /// Makes a change of settings and records it, or neither.
    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<(T, Option<ChangeNote>)>,
    ) -> Result<T> {
        self.write(|transaction| {
            let (value, note) = work(transaction)?;
            if let Some(note) = note {
                record(transaction, self.author(), &note)?;
            }
            Ok(value)
        })
    }

    /// Records a change of what is kept elsewhere: in Plakar's configuration.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn record_change(&self, note: ChangeNote) -> Result<()> {
        self.change(|_| Ok(((), Some(note))))
    }

    /// The changes that a filter lets through, newest first.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn setting_changes(&self, filter: &ChangeFilter) -> Result<Vec<SettingChange>> {
        let (sql, values) = filter.statement();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let changes = statement.query_map(params_from_iter(values), from_row)?;
            Ok(changes.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The app that had this name when it was changed last: it may be gone.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn app_once_named(&self, name: &str) -> Result<Option<AppId>> {
        self.read(|connection| {
            let sql = "SELECT app FROM setting_change WHERE subject = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let values = params![ChangeSubject::App, name];
            Ok(statement.query_row(values, |row| row.get("app")).optional()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(number: i64) -> ChangeNote {
        let field = FieldChange::new("until", None, Some("tomorrow"));
        ChangeNote {
            subject: ChangeSubject::Pause,
            action: ChangeAction::Added,
            name: format!("app {number}"),
            app: Some(number % 3),
            fields: vec![field],
        }
    }

    #[test]
    fn the_newest_are_kept_and_come_first() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        let console = state.by(Author::console());
        for number in 1..=5 {
            console.record_change(note(number)).unwrap();
        }
        state
            .write(|transaction| {
                let sql = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'setting_change'";
                Ok(transaction.execute(sql, [MAX_KEPT_CHANGES + 1])?)
            })
            .unwrap();
        state.by(Author::token("script")).record_change(note(6)).unwrap();
        let of = |filter: &ChangeFilter| -> Vec<String> {
            state.setting_changes(filter).unwrap().into_iter().map(|one| one.name).collect()
        };
        let all = ChangeFilter::default();
        assert_eq!(of(&all), ["app 6", "app 5", "app 4", "app 3"]);
        assert_eq!(of(&ChangeFilter { app: Some(0), ..all.clone() }), ["app 6", "app 3"]);
        let page = ChangeFilter { before: Some(5), limit: Some(1), ..all.clone() };
        assert_eq!(of(&page), ["app 4"]);
        let found = state.setting_changes(&all).unwrap();
        assert_eq!(
            (found[0].author.to_string(), found[1].author.to_string()),
            ("token script".into(), "console".into())
        );
        assert_eq!(found[0].fields, note(6).fields);
        for filter in [all.clone(), ChangeFilter { app: Some(1), before: Some(9), ..all }] {
            let plan = state.explain(&filter.statement().0).unwrap().join("\n");
            assert!(!plan.contains("B-TREE"), "{plan}");
        }
    }

    #[test]
    fn a_change_that_fails_is_not_recorded_and_one_of_nothing_neither() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(&directory.path().join("state")).unwrap();
        let failed = state.change::<()>(|_| Err(super::super::error::StateError::invalid("no")));
        assert!(failed.is_err());
        let nothing = ChangeNote { action: ChangeAction::Changed, fields: Vec::new(), ..note(1) };
        state.record_change(nothing).unwrap();
        assert!(state.setting_changes(&ChangeFilter::default()).unwrap().is_empty());
    }
}
