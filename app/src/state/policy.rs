//! Policies: schedules and a retention for every app of an environment and with certain data
//! classes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::app::{App, AppKind};
use super::check::{check_list, check_name};
use super::columns::{Json, UnixMillis, words};
use super::database::State;
use super::error::is_duplicate;
use super::error::{Result, StateError};
use super::ids::PolicyId;
use super::setting_change::{ChangeNote, ChangeSubject};
use crate::model::{Invalid, Promise, Retention, check_labels, retention_faults};

words! {
    /// How many of a policy's data classes an app must have.
    MatchMode, "match" {
        /// At least one.
        Any = "any",
        /// Every one.
        All = "all",
    }
}

/// What a user says of a policy.
///
/// It applies to a source app if the app's environment is one of `environments` (none given:
/// whatever it is) **and** the app has any, or all, of `data_classes` (none given: whatever it
/// has), and as well of `labels`. A policy that names none applies to every source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Its name: `[a-z0-9][a-z0-9._-]{0,62}`.
    pub name: String,
    /// Of these environments, if any are named.
    #[serde(default)]
    pub environments: Vec<String>,
    /// With these data classes, if any are named.
    #[serde(default)]
    pub data_classes: Vec<String>,
    /// With any of them, or all.
    pub classes: MatchMode,
    /// With one of these labels at least, or one of these tags of its resource, if any are named.
    #[serde(default)]
    pub labels: Vec<String>,
    /// What its apps keep.
    #[serde(default)]
    pub retention: Retention,
    /// How many backups its apps have at least.
    #[serde(default)]
    pub promise: Option<Promise>,
    /// Whether each backup of its apps is followed by a check of what it made.
    #[serde(default)]
    pub check_after_backup: bool,
    /// Whether it applies at all.
    pub enabled: bool,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// Counts its changes.
    pub revision: i64,
    /// Since when it matches what it matches.
    #[serde(skip)]
    pub(super) since: DateTime<Utc>,
    /// Since when it promises what it promises.
    #[serde(skip)]
    pub(super) promise_since: DateTime<Utc>,
    /// What its user says of it.
    #[serde(flatten)]
    pub spec: PolicySpec,
}

impl PolicySpec {
    /// # Errors
    ///
    /// Something cannot be used.
    pub fn check(&self) -> std::result::Result<(), Invalid> {
        check_name("name", &self.name)?;
        check_list("environment", &self.environments)?;
        check_list("data class", &self.data_classes)?;
        check_labels(&self.labels)?;
        self.promise.map_or(Ok(()), Promise::check)?;
        retention_faults(self.retention).next().map_or(Ok(()), |(_, fault)| Err(fault))
    }

    /// Whether it applies to an app.
    pub fn applies_to(&self, app: &App) -> bool {
        let spec = &app.spec;
        let labels = [&spec.backup.labels[..], &app.facts.resource_tags];
        spec.kind == AppKind::Source && self.is_for(&spec.environment, &spec.data_classes, labels)
    }

    /// The same of a source with this environment, these data classes, and these labels and tags of
    /// its resource.
    pub fn is_for(
        &self,
        environment: &str,
        data_classes: &[String],
        labels: [&[String]; 2],
    ) -> bool {
        let environments = &self.environments;
        let in_environment =
            environments.is_empty() || environments.iter().any(|one| one == environment);
        let mut wanted = self.data_classes.iter();
        let has_classes = match self.classes {
            _ if self.data_classes.is_empty() => true,
            MatchMode::Any => wanted.any(|class| data_classes.contains(class)),
            MatchMode::All => wanted.all(|class| data_classes.contains(class)),
        };
        let labelled = |label: &String| labels.iter().any(|all| all.contains(label));
        let has_label = self.labels.is_empty() || self.labels.iter().any(labelled);
        self.enabled && in_environment && has_classes && has_label
    }
}

const SELECT: &str = "SELECT id, revision, since, name, environments, data_classes, classes, retention, enabled, labels, promise, promise_since, check_after_backup FROM policy";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Policy> {
    let spec = PolicySpec {
        name: row.get("name")?,
        environments: row.get::<_, Json<_>>("environments")?.0,
        data_classes: row.get::<_, Json<_>>("data_classes")?.0,
        classes: row.get("classes")?,
        retention: row.get::<_, Json<_>>("retention")?.0,
        enabled: row.get("enabled")?,
        labels: row.get::<_, Json<_>>("labels")?.0,
        promise: row.get::<_, Json<_>>("promise")?.0,
        check_after_backup: row.get("check_after_backup")?,
    };
    Ok(Policy {
        id: row.get("id")?,
        revision: row.get("revision")?,
        since: row.get::<_, UnixMillis>("since")?.0,
        promise_since: row.get::<_, UnixMillis>("promise_since")?.0,
        spec,
    })
}

pub(super) fn load(connection: &Connection, id: PolicyId) -> Result<Policy> {
    let policy =
        connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], from_row).optional()?;
    policy.ok_or_else(|| StateError::NotFound(format!("there is no policy with the id {id}")))
}

pub(super) fn load_all(connection: &Connection) -> Result<Vec<Policy>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
    let policies = statement.query_map([], from_row)?;
    Ok(policies.collect::<rusqlite::Result<_>>()?)
}

fn name_taken(name: &str) -> impl FnOnce(rusqlite::Error) -> StateError {
    let message = format!("there is already a policy named {name}; choose another name");
    move |error| if is_duplicate(&error) { StateError::Conflict(message) } else { error.into() }
}

fn note(before: Option<&PolicySpec>, after: Option<&PolicySpec>) -> Option<ChangeNote> {
    ChangeNote::of(ChangeSubject::Policy, None, before, after, |spec| spec.name.clone())
}

impl State {
    /// Makes a policy.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, or the name is taken.
    pub fn add_policy(&self, spec: &PolicySpec, now: DateTime<Utc>) -> Result<Policy> {
        spec.check()?;
        self.change(|transaction| {
            let insert = "INSERT INTO policy (name, environments, data_classes, classes, retention, enabled, since, promise_since, labels, promise, check_after_backup) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10)";
            let (environments, classes) = (Json(&spec.environments), Json(&spec.data_classes));
            let (labels, promise) = (Json(&spec.labels), Json(spec.promise));
            let values = params![spec.name, environments, classes, spec.classes, Json(spec.retention), spec.enabled, UnixMillis(now),
                labels, promise, spec.check_after_backup];
            transaction.execute(insert, values).map_err(name_taken(&spec.name))?;
            let made = load(transaction, transaction.last_insert_rowid())?;
            let note = note(None, Some(&made.spec));
            Ok((made, note))
        })
    }

    /// Changes a policy. When it comes to match other apps, slots before that are not caught up.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, the name is taken, or the policy is no longer at the given
    /// revision.
    pub fn edit_policy(
        &self,
        id: PolicyId,
        revision: i64,
        spec: &PolicySpec,
        now: DateTime<Utc>,
    ) -> Result<Policy> {
        spec.check()?;
        self.change(|transaction| {
            let old = load(transaction, id)?;
            if old.revision != revision {
                return Err(StateError::changed_meanwhile("policy", &old.spec.name));
            }
            let (check_after_backup, promise) = (old.spec.check_after_backup, old.spec.promise);
            let same = PolicySpec { name: old.spec.name.clone(), retention: old.spec.retention, check_after_backup, promise, ..spec.clone() }
                == old.spec;
            let since = if same { old.since } else { now };
            let promise_since = if same && promise == spec.promise { old.promise_since } else { now };
            let update = "UPDATE policy SET name = ?2, environments = ?3, data_classes = ?4, classes = ?5, retention = ?6, enabled = ?7, \
                 since = ?8, promise_since = ?9, labels = ?10, promise = ?11, check_after_backup = ?12, revision = revision + 1 WHERE id = ?1";
            let (environments, classes) = (Json(&spec.environments), Json(&spec.data_classes));
            let (labels, promise) = (Json(&spec.labels), Json(spec.promise));
            let values = params![id, spec.name, environments, classes, spec.classes, Json(spec.retention), spec.enabled, UnixMillis(since),
                UnixMillis(promise_since), labels, promise, spec.check_after_backup];
            transaction.execute(update, values).map_err(name_taken(&spec.name))?;
            Ok((load(transaction, id)?, note(Some(&old.spec), Some(spec))))
        })
    }

    /// Removes a policy with its schedules. Tasks that it caused stay.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn remove_policy(&self, id: PolicyId) -> Result<()> {
        self.change(|transaction| {
            let old = load(transaction, id)?;
            transaction.execute("DELETE FROM policy WHERE id = ?1", [id])?;
            Ok(((), note(Some(&old.spec), None)))
        })
    }

    /// One policy.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn policy(&self, id: PolicyId) -> Result<Policy> {
        self.read(|connection| load(connection, id))
    }

    /// All policies by name.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn policies(&self) -> Result<Vec<Policy>> {
        self.read(load_all)
    }
}
