//! Assigning apps, changing and removing them.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::app::{App, AppSpec, load};
use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::{Result, StateError, is_duplicate};
use super::ids::{AppId, TaskId};
use super::resource;
use super::setting_change::{ChangeNote, ChangeSubject};
use crate::model::FieldChange;

/// 64 random bits.
fn random_key() -> Result<String> {
    plakar_driver::random_hex::<8>()
        .map_err(|error| StateError::Busy(format!("{error}; try again")))
}

/// A key is a part of a tag of Plakar's.
fn check_key(key: &str) -> Result<()> {
    if !key.is_empty() && key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(StateError::invalid(format!(
        "the mark \"{}\" is none: write one that `plakar-opendrive app adopt --store STORE` lists",
        key.escape_debug().take(70).collect::<String>()
    )))
}

fn name_taken(spec: &AppSpec) -> impl FnOnce(rusqlite::Error) -> StateError {
    let message =
        format!("there is already a {} named {}; choose another name", spec.kind, spec.name);
    move |error| if is_duplicate(&error) { StateError::Conflict(message) } else { error.into() }
}

fn note(
    id: AppId,
    before: Option<&AppSpec>,
    after: Option<&AppSpec>,
    configured: &[FieldChange],
) -> Option<ChangeNote> {
    let name = |spec: &AppSpec| spec.name.clone();
    let mut note = ChangeNote::of(ChangeSubject::App, Some(id), before, after, name)?;
    note.fields.extend_from_slice(configured);
    Some(note)
}

impl State {
    /// Assigns an app.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, or the name is taken.
    pub fn add_app(&self, spec: &AppSpec, now: DateTime<Utc>) -> Result<App> {
        self.add_app_marked(spec, None, false, &[], now)
    }

    /// Assigns an app whose snapshots may bear a key already, and whose entry may be in Plakar's
    /// configuration already. What goes there otherwise is recorded with it.
    ///
    /// # Errors
    ///
    /// As [`State::add_app`], or another app has this key.
    pub fn add_app_marked(
        &self,
        spec: &AppSpec,
        key: Option<&str>,
        adopted: bool,
        configured: &[FieldChange],
        now: DateTime<Utc>,
    ) -> Result<App> {
        spec.check()?;
        let key = key.map_or_else(random_key, |key| Ok(key.to_owned()))?;
        let key = key.as_str();
        check_key(key)?;
        self.change(|transaction| {
            let taken = "SELECT name FROM app WHERE key = ?1";
            let taken: Option<String> = transaction.query_row(taken, [key], |row| row.get("name")).optional()?;
            if let Some(name) = taken {
                return Err(StateError::Conflict(format!(
                    "the mark {key} is that of the app {name} here; a mark belongs to one app"
                )));
            }
            let resource = resource::of(transaction, &spec.resource)?;
            let insert = "INSERT INTO app (kind, name, resource, environment, data_classes, integration, protocol, entry, store, \
                 retention, created, since, key, protection, adopted, options, second_store, copy_range) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
            let (classes, retention) = (Json(&spec.data_classes), Json(spec.retention));
            let values = params![
                spec.kind,
                spec.name,
                resource,
                spec.environment,
                classes,
                spec.integration,
                spec.protocol,
                spec.entry,
                spec.store,
                retention,
                UnixMillis(now),
                key,
                Json(&spec.protection),
                adopted,
                Json(&spec.backup),
                spec.second_store,
                Json(&spec.copy_range)
            ];
            transaction.execute(insert, values).map_err(name_taken(spec))?;
            let made = load(transaction, transaction.last_insert_rowid())?;
            let note = note(made.id, None, Some(spec), configured);
            Ok((made, note))
        })
    }

    /// Changes an app, also its name; its kind stays.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, the name is taken, or the app is no longer at the given
    /// revision.
    pub fn edit_app(
        &self,
        id: AppId,
        revision: i64,
        spec: &AppSpec,
        now: DateTime<Utc>,
    ) -> Result<App> {
        self.edit_configured_app(id, revision, spec, &[], now)
    }

    /// The same; what is changed with it in Plakar's configuration is recorded, too.
    ///
    /// # Errors
    ///
    /// As [`State::edit_app`].
    pub fn edit_configured_app(
        &self,
        id: AppId,
        revision: i64,
        spec: &AppSpec,
        configured: &[FieldChange],
        now: DateTime<Utc>,
    ) -> Result<App> {
        spec.check()?;
        self.change(|transaction| {
            let old = load(transaction, id)?;
            if old.revision != revision {
                return Err(StateError::changed_meanwhile("app", &old.spec.name));
            }
            if old.spec.kind != spec.kind {
                return Err(StateError::invalid(format!(
                    "app {} is a {}, which cannot be changed; assign another app",
                    old.spec.name, old.spec.kind
                )));
            }
            // What policies go by; a resource has tags.
            fn by(spec: &AppSpec) -> (&str, &[String], &[String], &str) {
                let AppSpec { environment, data_classes, backup, resource, .. } = spec;
                (environment, data_classes, &backup.labels, &resource.name)
            }
            let classified = by(&old.spec) == by(spec);
            let since = if classified { old.since } else { now };
            let resource = resource::of(transaction, &spec.resource)?;
            let update = "UPDATE app SET name = ?2, resource = ?3, environment = ?4, data_classes = ?5, integration = ?6, protocol = ?7, \
                 entry = ?8, store = ?9, retention = ?10, since = ?11, protection = ?12, options = ?13, second_store = ?14, copy_range = ?15, revision = revision + 1 WHERE id = ?1";
            let (classes, retention) = (Json(&spec.data_classes), Json(spec.retention));
            let values = params![
                id,
                spec.name,
                resource,
                spec.environment,
                classes,
                spec.integration,
                spec.protocol,
                spec.entry,
                spec.store,
                retention,
                UnixMillis(since),
                Json(&spec.protection),
                Json(&spec.backup),
                spec.second_store,
                Json(&spec.copy_range)
            ];
            transaction.execute(update, values).map_err(name_taken(spec))?;
            if old.spec.store != spec.store {
                // What was read in one store proves nothing of another.
                transaction.execute("DELETE FROM file_md5 WHERE app = ?1", [id])?;
                transaction.execute("DELETE FROM comparison WHERE app = ?1", [id])?;
            }
            resource::remove_unused(transaction)?;
            let note = note(id, Some(&old.spec), Some(spec), configured);
            Ok((load(transaction, id)?, note))
        })
    }

    /// Removes an app with its schedules, tasks and logs. What it backed up stays in its store.
    ///
    /// # Errors
    ///
    /// A task of it runs.
    pub fn remove_app(&self, id: AppId) -> Result<()> {
        let tasks = self.change(|transaction| {
            let app = load(transaction, id)?;
            let running = "SELECT id FROM task WHERE app = ?1 AND state = 'running' LIMIT 1";
            if let Some(task) = transaction.query_row(running, [id], |row| row.get::<_, TaskId>("id")).optional()? {
                let name = &app.spec.name;
                return Err(StateError::Busy(format!(
                    "app {name}: task {task} is running; wait for its end or cancel it, then remove the app"
                )));
            }
            let mut statement = transaction.prepare("SELECT id FROM task WHERE app = ?1")?;
            let tasks = statement.query_map([id], |row| row.get("id"))?.collect::<rusqlite::Result<Vec<TaskId>>>()?;
            transaction.execute("DELETE FROM app WHERE id = ?1", [id])?;
            resource::remove_unused(transaction)?;
            Ok((tasks, note(id, Some(&app.spec), None, &[])))
        })?;
        self.remove_logs(&tasks);
        Ok(())
    }
}
