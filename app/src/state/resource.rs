//! Resources: what apps back up or restore to. One is there as long as an app names it, or if it was
//! entered by hand.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::check::{check_list, check_location, check_text};
use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::{Result, StateError, is_duplicate};
use super::setting_change::{ChangeNote, ChangeSubject};
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

/// The resource's id; unless it was entered by hand it is made with its first app.
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
    transaction.execute("DELETE FROM resource WHERE NOT by_hand AND NOT EXISTS (SELECT 1 FROM app WHERE app.resource = resource.id)", [])?;
    Ok(())
}

/// Known to the database only.
pub type ResourceId = i64;

/// Maximum number of tags of a resource.
const MAX_TAGS: usize = 50;

/// What is said of an app's resource, beside its name and class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResourceFacts {
    /// Its id.
    pub resource_id: ResourceId,
    /// Its tags.
    pub resource_tags: Vec<String>,
    /// Why its apps need no protection; empty if they need it.
    #[serde(skip)]
    pub resource_excluded: String,
}

impl ResourceFacts {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            resource_id: row.get("resource_id")?,
            resource_tags: row.get::<_, Json<_>>("tags")?.0,
            resource_excluded: row.get("excluded")?,
        })
    }
}

/// What a user says of a resource on its own page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceSpec {
    /// Its name, by which its apps find each other.
    pub name: String,
    /// Plakar's class, such as `file-storage`.
    #[serde(default)]
    pub class: String,
    /// Plakar's subclass; may be empty.
    #[serde(default)]
    pub subclass: String,
    /// Where it is, such as `opendrive://Photos`, for the form of its first app; may be empty. No
    /// password is in it.
    #[serde(default)]
    pub location: String,
    /// Free texts, any number.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Why its apps need no protection, such as "is retired"; empty if they need it.
    #[serde(default)]
    pub excluded: String,
}

impl ResourceSpec {
    /// All that cannot be used, by the names of the fields.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let Self { name, class, subclass, location, tags, excluded } = self;
        let named =
            Resource { name: name.clone(), class: class.clone(), subclass: subclass.clone() };
        let location = check_location(location).err().map(|fault| ("location", fault));
        let mut faults = Vec::from_iter(location);
        faults.extend(named.faults());
        let too_many = || {
            let message = format!("{} tags are too many; write at most {MAX_TAGS}", tags.len());
            (tags.len() > MAX_TAGS).then_some(Invalid(message))
        };
        let tags = check_list("tag", tags).err().or_else(too_many);
        faults.extend(tags.map(|fault| ("tags", fault)));
        faults
            .extend(check_text("excluded", excluded, true).err().map(|fault| ("excluded", fault)));
        faults
    }
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceRecord {
    /// Its id.
    pub id: ResourceId,
    /// Counts its changes.
    pub revision: i64,
    /// Whether it was entered by hand: it is there without an app, too.
    pub by_hand: bool,
    /// What its user says of it.
    #[serde(flatten)]
    pub spec: ResourceSpec,
}

const SELECT: &str =
    "SELECT id, revision, by_hand, name, class, subclass, location, tags, excluded FROM resource";

fn from_row(row: &Row<'_>) -> rusqlite::Result<ResourceRecord> {
    let spec = ResourceSpec {
        name: row.get("name")?,
        class: row.get("class")?,
        subclass: row.get("subclass")?,
        location: row.get("location")?,
        tags: row.get::<_, Json<_>>("tags")?.0,
        excluded: row.get("excluded")?,
    };
    Ok(ResourceRecord {
        id: row.get("id")?,
        revision: row.get("revision")?,
        by_hand: row.get("by_hand")?,
        spec,
    })
}

fn name_taken(name: &str) -> impl FnOnce(rusqlite::Error) -> StateError {
    let message = format!("there is already a resource named {name}; choose another name");
    move |error| if is_duplicate(&error) { StateError::Conflict(message) } else { error.into() }
}

fn note(before: Option<&ResourceSpec>, after: Option<&ResourceSpec>) -> Option<ChangeNote> {
    ChangeNote::of(ChangeSubject::Resource, None, before, after, |spec| spec.name.clone())
}

impl ResourceSpec {
    fn check(&self) -> Result<()> {
        self.faults().into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault.into()))
    }
}

fn load(connection: &Connection, id: ResourceId) -> Result<ResourceRecord> {
    let found =
        connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], from_row).optional()?;
    found.ok_or_else(|| StateError::NotFound(format!("there is no resource with the id {id}")))
}

impl State {
    /// All resources by name.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn resources(&self) -> Result<Vec<ResourceRecord>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
            let resources = statement.query_map([], from_row)?;
            Ok(resources.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// One resource.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub fn resource(&self, id: ResourceId) -> Result<ResourceRecord> {
        self.read(|connection| load(connection, id))
    }

    /// Enters a resource by hand: it is there without an app, until it is removed.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, or the name is taken.
    pub fn add_resource(&self, spec: &ResourceSpec) -> Result<ResourceRecord> {
        spec.check()?;
        self.change(|transaction| {
            let insert = "INSERT INTO resource (name, class, subclass, location, tags, excluded, by_hand) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)";
            let ResourceSpec { name, class, subclass, location, tags, excluded } = spec;
            let values = params![name, class, subclass, location, Json(tags), excluded];
            transaction.execute(insert, values).map_err(name_taken(name))?;
            let made = load(transaction, transaction.last_insert_rowid())?;
            Ok((made, note(None, Some(spec))))
        })
    }

    /// Removes a resource that has no app.
    ///
    /// # Errors
    ///
    /// There is none with this id, or it has apps.
    pub fn remove_resource(&self, id: ResourceId) -> Result<()> {
        self.change(|transaction| {
            let old = load(transaction, id)?;
            let app: Option<String> = transaction
                .query_row("SELECT name FROM app WHERE resource = ?1 ORDER BY name LIMIT 1", [id], |row| row.get("name"))
                .optional()?;
            if let Some(app) = app {
                return Err(StateError::Conflict(format!(
                    "the resource {} has the app {app}; remove its apps first, or give them another resource",
                    old.spec.name
                )));
            }
            transaction.execute("DELETE FROM resource WHERE id = ?1", [id])?;
            Ok(((), note(Some(&old.spec), None)))
        })
    }

    /// Changes a resource, also its name; its apps go along.
    ///
    /// # Errors
    ///
    /// What is given cannot be used, the name is taken, or the resource is no longer at the given
    /// revision.
    pub fn edit_resource(
        &self,
        id: ResourceId,
        revision: i64,
        spec: &ResourceSpec,
        now: DateTime<Utc>,
    ) -> Result<ResourceRecord> {
        spec.check()?;
        self.change(|transaction| {
            let old = load(transaction, id)?;
            if old.revision != revision {
                return Err(StateError::changed_meanwhile("resource", &old.spec.name));
            }
            let ResourceSpec { name, class, subclass, location, tags, excluded } = spec;
            let update = "UPDATE resource SET name = ?2, class = ?3, subclass = ?4, location = ?5, tags = ?6, excluded = ?7, revision = revision + 1 WHERE id = ?1";
            let values = params![id, name, class, subclass, location, Json(tags), excluded];
            transaction.execute(update, values).map_err(name_taken(name))?;
            // Who edits one of its apps from an older page must not put the old name back.
            transaction.execute("UPDATE app SET revision = revision + 1 WHERE resource = ?1", [id])?;
            if old.spec.tags != *tags {
                // Policies go by them: what one has run or promised before was not for these apps.
                let renewed = "UPDATE app SET since = ?2 WHERE resource = ?1";
                transaction.execute(renewed, params![id, UnixMillis(now)])?;
            }
            Ok((load(transaction, id)?, note(Some(&old.spec), Some(spec))))
        })
    }
}
