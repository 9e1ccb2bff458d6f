//! What there is to take over: marks that apps left in a store, and sources and destinations of
//! Plakar's that are no apps.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use super::integrations::Form;
use super::places::without_password;
use super::references::{configuration_kind, connector_kind, store};
use crate::model::BackupOptions;
use crate::state::{App, AppKind, ExternalBackup};
use plakar_driver::{BackupScope, Name, RestorePoint, is_temporary};

/// The restore points of one app in a store, as far as their tags tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The app's key, which its restore points bear.
    pub key: String,
    /// The name that the app had at its newest backup.
    pub name: String,
    /// How many restore points bear it.
    pub points: u64,
    /// When the newest was begun.
    pub newest: DateTime<Utc>,
    /// The environment of the newest.
    pub environment: String,
    /// The data classes of the newest.
    pub data_classes: Vec<String>,
    /// What of its source the newest was made of, and its labels.
    pub backup: BackupOptions,
    /// Where the newest comes from: account or host.
    pub origin: String,
    /// The path in it that was backed up.
    pub root: String,
    /// The app here that has it.
    pub app: Option<String>,
}

/// A source or destination of Plakar's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlakarEntry {
    /// Its name.
    pub name: String,
    /// Where it leads, without a password.
    pub location: String,
}

impl Service {
    /// The marks in a store, those with the newest restore points first.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn marks(&self, text: &str) -> Result<Vec<Mark>> {
        let browser = self.browsers.of(&self.plakar, &store(text)?).await?;
        let points = browser.restore_points(None).await?;
        Ok(marks(points, &self.apps().await?))
    }

    /// Notes the newest restore point of an app that was taken over, for the verdict to know it.
    pub(super) async fn note_taken_over(&self, app: &App) -> Result<()> {
        let Some(text) = &app.spec.store else { return Ok(()) };
        let browser = self.browsers.of(&self.plakar, &store(text)?).await?;
        let points = browser.restore_points(Some(&app.key)).await?;
        let Some(newest) = points.into_iter().next() else { return Ok(()) };
        let length = TimeDelta::from_std(newest.duration).unwrap_or_default();
        let backup = ExternalBackup {
            snapshot: newest.id.to_string(),
            started: newest.taken,
            ended: newest.taken + length,
            bytes: newest.size,
            errors: newest.errors,
        };
        let id = app.id;
        self.state(move |state| state.record_external(id, &backup)).await
    }

    /// The sources or destinations of Plakar's configuration that are no apps.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn unassigned(&self, kind: AppKind) -> Result<Vec<PlakarEntry>> {
        let apps = self.apps().await?;
        let taken =
            |name: &str| apps.iter().any(|app| app.spec.kind == kind && app.spec.entry == name);
        let all = self.plakar.configurations(configuration_kind(kind)).await?;
        // Others have names that cannot be handed to Plakar safely, or go with a restore that runs.
        let is_free = |name: &str| Name::is_valid(name) && !is_temporary(name) && !taken(name);
        Ok(all
            .into_iter()
            .filter(|(name, _)| is_free(name))
            .map(|(name, mut options)| PlakarEntry {
                name,
                location: without_password(&options.remove("location").unwrap_or_default()),
            })
            .collect())
    }

    /// The form of the connector of a source or destination of Plakar's.
    ///
    /// # Errors
    /// There is none of this name.
    pub async fn form_of_entry(&self, kind: AppKind, entry: &str) -> Result<Form> {
        let options = self.plakar.configured(configuration_kind(kind), &Name::new(entry)?).await?;
        let location = options.get("location").map(String::as_str).unwrap_or_default();
        self.form_for(connector_kind(kind), location).await
    }
}

/// Those that a restore point was made with. What cannot be used is left out: tags are anybody's.
fn options_of(scope: BackupScope, labels: Vec<String>) -> BackupOptions {
    let BackupScope { ignore, folders } = scope;
    let told = BackupOptions { ignore, folders, labels, concurrency: 0 }.tidy();
    if told.faults().is_empty() { told } else { BackupOptions::default() }
}

/// `points` come newest first.
fn marks(points: Vec<RestorePoint>, apps: &[App]) -> Vec<Mark> {
    let (mut found, mut places) = (Vec::<Mark>::new(), BTreeMap::new());
    for point in points {
        let Some(key) = point.app else { continue };
        let place = *places.entry(key.clone()).or_insert(found.len());
        if place == found.len() {
            let app = apps.iter().find(|app| app.key == key).map(|app| app.spec.name.clone());
            found.push(Mark {
                key,
                name: point.name,
                points: 0,
                newest: point.taken,
                environment: point.environment,
                data_classes: point.classes,
                backup: options_of(point.scope, point.labels),
                origin: point.origin,
                root: point.root,
                app,
            });
        }
        found[place].points += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use plakar_driver::SnapshotId;

    fn point(id: char, at: i64, app: Option<&str>, name: &str) -> RestorePoint {
        let id = SnapshotId::new(&id.to_string().repeat(64)).unwrap();
        let taken = DateTime::from_timestamp(at, 0).unwrap();
        let name = name.into();
        RestorePoint { app: app.map(str::to_owned), name, ..RestorePoint::new(id, taken) }
    }

    #[test]
    fn a_mark_is_told_by_its_newest_point_and_what_no_app_made_is_none() {
        let points = vec![
            point('a', 50, Some("k2"), "renamed"),
            point('b', 40, None, "by hand"),
            point('c', 30, Some("k1"), "other"),
            point('d', 20, Some("k2"), "first name"),
        ];
        let found = marks(points, &[]);
        let told: Vec<_> = found
            .iter()
            .map(|mark| {
                (mark.key.as_str(), mark.name.as_str(), mark.points, mark.newest.timestamp())
            })
            .collect();
        assert_eq!(told, [("k2", "renamed", 2, 50), ("k1", "other", 1, 30)]);
    }
}
