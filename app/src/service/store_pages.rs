//! What is to be known of stores: those that apps use, and those of Plakar's configuration. What
//! needs a store to be opened, which may take long, is read when somebody asks for it, or kept from
//! the last task.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::blocking::blocking;
use super::error::{Error, Result};
use super::handle::Service;
use super::places::{is_place, local_folder, same_place, without_password};
use super::references::store;
use super::second_copies::{SecondCopies, known_copies};
use super::store_notes::{key_of, note_store, why_closed};
use crate::state::{App, AppId, KnownStore, StateError, Task};
use plakar_driver::{Kind, Options, RestorePoint, Store, disk_space, is_temporary};

/// An app that uses a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreUser {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// How many restore points of it the store had when it was read last.
    pub points: Option<u64>,
    /// Its restore points are copied there; else it is backed up there.
    pub second: bool,
}

/// The copies of an app in a store.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreCopies {
    /// The app.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// What is known of them.
    #[serde(flatten)]
    pub copies: SecondCopies,
}

/// What is known of a store, without opening it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreOverview {
    /// Its name in Plakar's configuration, or its path if it has none.
    pub name: String,
    /// Where it is, without a password; empty if Plakar's configuration does not say.
    pub location: String,
    /// Whether it is in Plakar's configuration.
    pub named: bool,
    /// What was read of it last, and when.
    pub known: Option<KnownStore>,
    /// Bytes of all files in all restore points, of a byte that it takes; above 1 it saves space.
    pub ratio: Option<f64>,
    /// The apps that use it.
    pub apps: Vec<StoreUser>,
    /// Bytes that are free where it is; known of folders of this machine only.
    pub free: Option<u64>,
    /// Bytes that fit there in all.
    pub disk: Option<u64>,
    /// The newest check of an app in it.
    pub check: Option<Task>,
    /// Its newest maintenance.
    pub maintenance: Option<Task>,
    /// The second copies in it.
    pub copies: Vec<StoreCopies>,
}

/// A restore point in a store, of whomever.
#[derive(Clone, Debug)]
pub struct StorePoint {
    /// What is said of it.
    pub point: RestorePoint,
    /// The app here that made it.
    pub app: Option<(AppId, String)>,
}

impl Service {
    /// All stores that apps use or that Plakar's configuration has, by name.
    ///
    /// # Errors
    /// Plakar cannot be run, or the database failed.
    pub async fn store_overviews(&self) -> Result<Vec<StoreOverview>> {
        let configured = self.plakar.configurations(Kind::Store).await?;
        let (all, known, copies) = self
            .state(|state| {
                let all = state.overview()?;
                let copies =
                    |app: &App| Ok(known_copies(state, app)?.map(|copies| (app.id, copies)));
                let copies: std::result::Result<Vec<_>, StateError> =
                    all.iter().map(|(app, _)| copies(app)).collect();
                Ok((all, state.known_stores()?, copies?))
            })
            .await?;
        let mut copies: BTreeMap<AppId, SecondCopies> = copies.into_iter().flatten().collect();
        let mut found: BTreeMap<String, StoreOverview> = BTreeMap::new();
        for name in configured.keys().filter(|name| !is_temporary(name)) {
            found.insert(name.clone(), overview(name, &configured, &known));
        }
        for (app, tasks) in all {
            let spec = &app.spec;
            for (text, second) in [(&spec.store, false), (&spec.second_store, true)] {
                let Some(text) = text else { continue };
                let key = key_of(text, &configured);
                let shown =
                    found.entry(key.clone()).or_insert_with(|| overview(&key, &configured, &known));
                let marks = shown.known.as_ref().filter(|known| known.facts.points.is_some());
                shown.apps.push(StoreUser {
                    id: app.id,
                    name: spec.name.clone(),
                    points: marks
                        .map(|known| known.facts.marks.get(&app.key).copied().unwrap_or(0)),
                    second,
                });
                if second {
                    shown.copies.extend(copies.remove(&app.id).map(|copies| StoreCopies {
                        app: app.id,
                        name: spec.name.clone(),
                        copies,
                    }));
                } else {
                    newer(&mut shown.check, tasks.check.as_ref());
                    newer(&mut shown.maintenance, tasks.maintenance.as_ref());
                }
            }
        }
        let mut found: Vec<StoreOverview> = found.into_values().collect();
        blocking(move || {
            for one in &mut found {
                let folder = local_folder(&one.location);
                let room = folder.as_deref().and_then(disk_space);
                (one.free, one.disk) = room.map(|room| (room.free, room.total)).unzip();
            }
            Ok::<_, StateError>(found)
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none of this name.
    pub async fn store_overview(&self, name: &str) -> Result<StoreOverview> {
        let all = self.store_overviews().await?;
        let wanted = name.trim_start_matches('@');
        let wanted = if wanted.len() > 1 { wanted.trim_end_matches('/') } else { wanted };
        let names: Vec<String> = all.iter().map(|store| store.name.clone()).collect();
        let found = all.into_iter().find(|store| {
            store.name == wanted || (is_place(wanted) && same_place(&store.location, wanted))
        });
        found.ok_or_else(|| {
            let known = match names.is_empty() {
                true => "none is known yet".to_owned(),
                false => format!("there are: {}", names.join(", ")),
            };
            Error::NotFound(format!(
                "there is no store {} that an app uses or Plakar's configuration has; {known}",
                wanted.escape_debug()
            ))
        })
    }

    /// Opens a store and keeps what it says of itself. That it could not be opened is kept, too.
    ///
    /// # Errors
    /// There is none of this name, or the database failed.
    pub async fn read_store(&self, name: &str) -> Result<StoreOverview> {
        let name = self.store_overview(name).await?.name;
        note_store(&self.state, &self.plakar, &name).await?;
        self.store_overview(&name).await
    }

    /// All restore points in a store, the newest first.
    ///
    /// # Errors
    /// There is none of this name, or it cannot be opened.
    pub async fn store_points(&self, name: &str) -> Result<Vec<StorePoint>> {
        let reference = store(&self.store_overview(name).await?.name)?;
        let read = async {
            let browser = self.browsers.of(&self.plakar, &reference).await?;
            Ok::<_, Error>(browser.restore_points(None).await?)
        };
        let points = match read.await {
            Ok(points) => points,
            Err(error) => return Err(why_closed(&self.plakar, &reference, error).await),
        };
        let apps: BTreeMap<String, (AppId, String)> =
            self.apps().await?.into_iter().map(|app| (app.key, (app.id, app.spec.name))).collect();
        let of = |point: RestorePoint| {
            let app = point.app.as_ref().and_then(|key| apps.get(key)).cloned();
            StorePoint { point, app }
        };
        Ok(points.into_iter().map(of).collect())
    }
}

/// Nothing is known of who uses it yet.
fn overview(
    name: &str,
    configured: &BTreeMap<String, Options>,
    known: &BTreeMap<String, KnownStore>,
) -> StoreOverview {
    let options = configured.get(name);
    let location = match options {
        Some(options) => options.get("location").cloned().unwrap_or_default(),
        None if is_place(name) => name.to_owned(),
        None => String::new(),
    };
    let known = known.get(name).cloned();
    let sizes = known.as_ref().and_then(|known| Some((known.facts.logical?, known.facts.stored?)));
    StoreOverview {
        name: name.to_owned(),
        location: without_password(&location),
        named: options.is_some(),
        ratio: sizes
            .filter(|(_, stored)| *stored > 0)
            .map(|(all, stored)| all as f64 / stored as f64),
        known,
        apps: Vec::new(),
        free: None,
        disk: None,
        check: None,
        maintenance: None,
        copies: Vec::new(),
    }
}

fn newer(kept: &mut Option<Task>, other: Option<&Task>) {
    if let Some(other) = other
        && kept.as_ref().is_none_or(|kept| kept.id < other.id)
    {
        *kept = Some(other.clone());
    }
}

impl StoreOverview {
    /// `3.2 to 1`; a store that takes more than its files says so.
    pub fn saving(&self) -> Option<String> {
        self.ratio.map(|ratio| match ratio {
            ratio if ratio < 1.0 => "none yet: it takes more than the files in it".to_owned(),
            ratio => format!("{ratio:.1} to 1"),
        })
    }

    /// When what is known of it was read.
    pub fn read_at(&self) -> Option<DateTime<Utc>> {
        self.known.as_ref().map(|known| known.at)
    }

    /// How Plakar's own commands name it.
    pub fn reference(&self) -> Result<Store> {
        store(&self.name)
    }
}
