//! Apps: a resource with what is needed to back it up (source) or to restore to it (destination).

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::check::{check_list, check_name, check_text};
use super::columns::{Json, UnixMillis, words};
use super::database::State;
use super::error::is_duplicate;
use super::error::{Result, StateError};
use super::ids::{AppId, TaskId};
use super::resource::{self, Resource};
use crate::model::{Invalid, Protection, Retention, retention_faults};

/// Environments that a form suggests; any other text is as good.
pub const SUGGESTED_ENVIRONMENTS: [&str; 3] = ["production", "development", "testing"];

/// Data classes that a form suggests; any other text is as good.
pub const SUGGESTED_DATA_CLASSES: [&str; 4] = ["critical", "database", "financial records", "PII"];

words! {
    /// What an app is for.
    AppKind, "kind of app" {
        /// Is backed up.
        Source = "source",
        /// Is restored to.
        Destination = "destination",
    }
}

/// What a user says of an app. Credentials are not among it: they are in Plakar's configuration,
/// under `entry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSpec {
    /// Source or destination; stays as it is.
    pub kind: AppKind,
    /// Its name, unique among its kind: `[a-z0-9][a-z0-9._-]{0,62}`.
    pub name: String,
    /// What the data is in.
    pub resource: Resource,
    /// Free text; may be empty.
    #[serde(default)]
    pub environment: String,
    /// Free texts, any number.
    #[serde(default)]
    pub data_classes: Vec<String>,
    /// The Plakar package.
    pub integration: String,
    /// Which of its protocols.
    pub protocol: String,
    /// The name in Plakar's configuration.
    pub entry: String,
    /// For a source: the name of a Plakar store, or the path of a local one.
    pub store: Option<String>,
    /// The app's own retention, besides that of its policies.
    #[serde(default)]
    pub retention: Retention,
    /// How it is looked after.
    #[serde(default)]
    pub protection: Protection,
}

/// An app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Marks its snapshots, in stores that other apps, other machines and other databases use too.
    pub key: String,
    /// Counts its changes.
    pub revision: i64,
    /// When it was assigned.
    pub created: DateTime<Utc>,
    /// Whether its entry was in Plakar's configuration before: it stays there when the app goes.
    pub adopted: bool,
    /// Since when it has its environment and data classes.
    #[serde(skip)]
    pub(super) since: DateTime<Utc>,
    /// What its user says of it.
    #[serde(flatten)]
    pub spec: AppSpec,
}

impl AppSpec {
    /// All that cannot be used, by the names of the fields.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let store = match (self.kind, self.store.as_deref()) {
            (AppKind::Source, store) => check_text("store", store.unwrap_or_default(), false),
            (AppKind::Destination, None) => Ok(()),
            (AppKind::Destination, Some(_)) => {
                Err(Invalid("store: a destination has none; leave it out".into()))
            }
        };
        let of = |field, checked: std::result::Result<(), Invalid>| {
            checked.err().map(|fault| (field, fault))
        };
        let mut faults: Vec<_> = of("name", check_name("name", &self.name))
            .into_iter()
            .chain(self.resource.faults())
            .collect();
        faults.extend(of("environment", check_text("environment", &self.environment, true)));
        faults.extend(of("data_classes", check_list("data class", &self.data_classes)));
        faults.extend(of("integration", check_text("integration", &self.integration, false)));
        faults.extend(of("protocol", check_text("protocol", &self.protocol, false)));
        faults.extend(of("entry", check_name("entry", &self.entry)));
        faults.extend(retention_faults(self.retention));
        faults.extend(of("excluded", check_text("excluded", &self.protection.excluded, true)));
        faults.extend(self.protection.faults());
        faults.extend(of("store", store));
        faults
    }

    /// # Errors
    ///
    /// Something cannot be used: the first of [`AppSpec::faults`].
    pub fn check(&self) -> std::result::Result<(), Invalid> {
        self.faults().into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault))
    }
}

const SELECT: &str = "SELECT app.id AS id, app.revision AS revision, created, adopted, since, kind, app.name AS name, \
     resource.name AS resource_name, class, subclass, environment, \
     data_classes, integration, protocol, entry, store, retention, protection, key FROM app JOIN resource ON resource.id = app.resource";

fn from_row(row: &Row<'_>) -> rusqlite::Result<App> {
    let resource = Resource {
        name: row.get("resource_name")?,
        class: row.get("class")?,
        subclass: row.get("subclass")?,
    };
    let spec = AppSpec {
        kind: row.get("kind")?,
        name: row.get("name")?,
        resource,
        environment: row.get("environment")?,
        data_classes: row.get::<_, Json<_>>("data_classes")?.0,
        integration: row.get("integration")?,
        protocol: row.get("protocol")?,
        entry: row.get("entry")?,
        store: row.get("store")?,
        retention: row.get::<_, Json<_>>("retention")?.0,
        protection: row.get::<_, Json<_>>("protection")?.0,
    };
    Ok(App {
        id: row.get("id")?,
        key: row.get("key")?,
        revision: row.get("revision")?,
        created: row.get::<_, UnixMillis>("created")?.0,
        adopted: row.get("adopted")?,
        since: row.get::<_, UnixMillis>("since")?.0,
        spec,
    })
}

pub(super) fn load(connection: &Connection, id: AppId) -> Result<App> {
    let app = connection
        .prepare_cached(&format!("{SELECT} WHERE app.id = ?1"))?
        .query_row([id], from_row)
        .optional()?;
    app.ok_or_else(|| StateError::NotFound(format!("there is no app with the id {id}")))
}

pub(super) fn load_all(connection: &Connection) -> Result<Vec<App>> {
    let mut statement =
        connection.prepare_cached(&format!("{SELECT} ORDER BY app.name, kind DESC"))?;
    let apps = statement.query_map([], from_row)?;
    Ok(apps.collect::<rusqlite::Result<_>>()?)
}

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

impl State {
    /// Assigns an app.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, or the name is taken.
    pub fn add_app(&self, spec: &AppSpec, now: DateTime<Utc>) -> Result<App> {
        self.add_app_marked(spec, None, false, now)
    }

    /// Assigns an app whose snapshots may bear a key already, and whose entry may be in Plakar's
    /// configuration already.
    ///
    /// # Errors
    ///
    /// As [`State::add_app`], or another app has this key.
    pub fn add_app_marked(
        &self,
        spec: &AppSpec,
        key: Option<&str>,
        adopted: bool,
        now: DateTime<Utc>,
    ) -> Result<App> {
        spec.check()?;
        let key = key.map_or_else(random_key, |key| Ok(key.to_owned()))?;
        let key = key.as_str();
        check_key(key)?;
        self.write(|transaction| {
            let taken = "SELECT name FROM app WHERE key = ?1";
            let taken: Option<String> = transaction.query_row(taken, [key], |row| row.get("name")).optional()?;
            if let Some(name) = taken {
                return Err(StateError::Conflict(format!(
                    "the mark {key} is that of the app {name} here; a mark belongs to one app"
                )));
            }
            let resource = resource::of(transaction, &spec.resource)?;
            let insert = "INSERT INTO app (kind, name, resource, environment, data_classes, integration, protocol, entry, store, \
                 retention, created, since, key, protection, adopted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14)";
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
                adopted
            ];
            transaction.execute(insert, values).map_err(name_taken(spec))?;
            load(transaction, transaction.last_insert_rowid())
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
        spec.check()?;
        self.write(|transaction| {
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
            let classified = (&old.spec.environment, &old.spec.data_classes) == (&spec.environment, &spec.data_classes);
            let since = if classified { old.since } else { now };
            let resource = resource::of(transaction, &spec.resource)?;
            let update = "UPDATE app SET name = ?2, resource = ?3, environment = ?4, data_classes = ?5, integration = ?6, protocol = ?7, \
                 entry = ?8, store = ?9, retention = ?10, since = ?11, protection = ?12, revision = revision + 1 WHERE id = ?1";
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
                Json(&spec.protection)
            ];
            transaction.execute(update, values).map_err(name_taken(spec))?;
            resource::remove_unused(transaction)?;
            load(transaction, id)
        })
    }

    /// Removes an app with its schedules, tasks and logs. What it backed up stays in its store.
    ///
    /// # Errors
    ///
    /// A task of it runs.
    pub fn remove_app(&self, id: AppId) -> Result<()> {
        let tasks = self.write(|transaction| {
            let app = load(transaction, id)?;
            let running = "SELECT id FROM task WHERE app = ?1 AND state = 'running' LIMIT 1";
            if let Some(task) = transaction.query_row(running, [id], |row| row.get::<_, TaskId>("id")).optional()? {
                let name = app.spec.name;
                return Err(StateError::Busy(format!(
                    "app {name}: task {task} is running; wait for its end or cancel it, then remove the app"
                )));
            }
            let mut statement = transaction.prepare("SELECT id FROM task WHERE app = ?1")?;
            let tasks = statement.query_map([id], |row| row.get("id"))?.collect::<rusqlite::Result<Vec<TaskId>>>()?;
            transaction.execute("DELETE FROM app WHERE id = ?1", [id])?;
            resource::remove_unused(transaction)?;
            Ok(tasks)
        })?;
        self.remove_logs(&tasks);
        Ok(())
    }

    /// One app.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn app(&self, id: AppId) -> Result<App> {
        self.read(|connection| load(connection, id))
    }

    /// The app of a kind with a name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn app_named(&self, kind: AppKind, name: &str) -> Result<App> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached(&format!("{SELECT} WHERE kind = ?1 AND app.name = ?2"))?;
            let app = statement.query_row(params![kind, name], from_row).optional()?;
            app.ok_or_else(|| {
                StateError::NotFound(format!(
                    "there is no {kind} named \"{}\"",
                    name.escape_debug()
                ))
            })
        })
    }

    /// All apps by name.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn apps(&self) -> Result<Vec<App>> {
        self.read(load_all)
    }

    /// The apps of a resource, sources first.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn apps_of(&self, resource: &str) -> Result<Vec<App>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT} WHERE resource.name = ?1 ORDER BY kind DESC, app.name"
            ))?;
            let apps = statement.query_map([resource], from_row)?;
            Ok(apps.collect::<rusqlite::Result<_>>()?)
        })
    }
}
