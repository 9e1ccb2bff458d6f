//! Apps: a resource with what is needed to back it up (source) or to restore to it (destination).

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::check::{check_list, check_name, check_text};
use super::columns::{Json, UnixMillis, words};
use super::database::State;
use super::error::{Result, StateError};
use super::ids::AppId;
use super::pause_columns;
use super::resource::{Resource, ResourceFacts};
use crate::model::{
    BackupOptions, CopyRange, Invalid, Pauses, Protection, Retention, retention_faults,
};

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
    /// Of a source: where its restore points are copied to, if anywhere; as `store`.
    #[serde(default)]
    pub second_store: Option<String>,
    /// Which of its restore points are copied there.
    #[serde(default)]
    pub copy_range: CopyRange,
    /// The app's own retention, besides that of its policies.
    #[serde(default)]
    pub retention: Retention,
    /// How it is looked after.
    #[serde(default)]
    pub protection: Protection,
    /// What of a source is backed up, how, and under which labels.
    #[serde(default)]
    pub backup: BackupOptions,
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
    /// When its schedules run nothing.
    #[serde(skip)]
    pub pauses: Pauses,
    /// What is said of its resource.
    #[serde(flatten)]
    pub facts: ResourceFacts,
    /// What its user says of it.
    #[serde(flatten)]
    pub spec: AppSpec,
}

impl App {
    /// Until when its schedules run nothing, if they are paused at this time.
    pub fn paused_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.pauses.until(now)
    }
}

#[cfg(test)]
impl AppSpec {
    /// A source in the store `/vault`, with nothing that need not be, for tests.
    pub(crate) fn plain_source(name: &str) -> Self {
        Self {
            kind: AppKind::Source,
            name: name.into(),
            resource: Resource {
                name: "drive".into(),
                class: "file-storage".into(),
                ..Resource::default()
            },
            environment: String::new(),
            data_classes: Vec::new(),
            integration: "rclone".into(),
            protocol: "opendrive".into(),
            entry: name.into(),
            store: Some("/vault".into()),
            second_store: None,
            copy_range: CopyRange::default(),
            retention: Retention::default(),
            protection: Protection::default(),
            backup: BackupOptions::default(),
        }
    }
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
        let second = match (self.kind, self.second_store.as_deref()) {
            (_, None) => Ok(()),
            (AppKind::Source, Some(second)) if self.store.as_deref() == Some(second) => {
                Err(Invalid(format!(
                    "second store: {second} is the first store; write another place, or leave it out"
                )))
            }
            (AppKind::Source, Some(second)) => check_text("second store", second, false),
            (AppKind::Destination, Some(_)) => {
                Err(Invalid("second store: a destination has none; leave it out".into()))
            }
        };
        let range = self.copy_range.check(self.second_store.is_some());
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
        faults.extend(self.backup.faults());
        if self.kind == AppKind::Destination && self.backup != BackupOptions::default() {
            let fault = "backup: a destination is not backed up; leave patterns, folders, labels and concurrency out";
            faults.push(("backup", Invalid(fault.into())));
        }
        faults.extend(of("store", store));
        faults.extend(of("second_store", second));
        faults.extend(of("copy_range", range));
        faults
    }

    /// # Errors
    ///
    /// Something cannot be used: the first of [`AppSpec::faults`].
    pub fn check(&self) -> std::result::Result<(), Invalid> {
        self.faults().into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault))
    }
}

const FIELDS: &str = "app.id AS id, app.revision AS revision, created, adopted, since, kind, app.name AS name, \
     resource.name AS resource_name, class, subclass, environment, \
     data_classes, integration, protocol, entry, store, second_store, copy_range, retention, protection, options, key, resource.id AS resource_id, tags, excluded";

/// The statement that gives apps, with the conditions that follow it.
fn select(conditions: &str) -> String {
    let pauses = pause_columns::COLUMNS;
    format!(
        "SELECT {FIELDS}, {pauses} FROM app JOIN resource ON resource.id = app.resource {conditions}"
    )
}

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
        second_store: row.get("second_store")?,
        copy_range: row.get::<_, Json<_>>("copy_range")?.0,
        retention: row.get::<_, Json<_>>("retention")?.0,
        protection: row.get::<_, Json<_>>("protection")?.0,
        backup: row.get::<_, Json<_>>("options")?.0,
    };
    Ok(App {
        pauses: pause_columns::from_row(row)?,
        facts: ResourceFacts::from_row(row)?,
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
        .prepare_cached(&select("WHERE app.id = ?1"))?
        .query_row([id], from_row)
        .optional()?;
    app.ok_or_else(|| StateError::NotFound(format!("there is no app with the id {id}")))
}

pub(super) fn load_all(connection: &Connection) -> Result<Vec<App>> {
    let mut statement = connection.prepare_cached(&select("ORDER BY app.name, kind DESC"))?;
    let apps = statement.query_map([], from_row)?;
    Ok(apps.collect::<rusqlite::Result<_>>()?)
}

impl State {
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
            let mut statement =
                connection.prepare_cached(&select("WHERE kind = ?1 AND app.name = ?2"))?;
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
            let mut statement = connection
                .prepare_cached(&select("WHERE resource.name = ?1 ORDER BY kind DESC, app.name"))?;
            let apps = statement.query_map([resource], from_row)?;
            Ok(apps.collect::<rusqlite::Result<_>>()?)
        })
    }
}
