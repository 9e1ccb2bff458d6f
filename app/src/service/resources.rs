//! Resources: what apps back up or restore to, with how they are doing.

use chrono::Utc;
use serde::{Deserialize, Serialize};

use super::coverage::{is_uncovered, verdict_on};
use super::error::Result;
use super::handle::Service;
use super::health::{AppOverview, overviews};
use super::integrations::BUILT_IN;
use super::places::local_folder;
use crate::model::HealthVerdict;
use crate::state::{AppId, Resource, ResourceId, ResourceRecord, ResourceSpec, State, Task};
use plakar_driver::Options;
use plakar_driver::packages::ConnectorKind;

/// How many restore points of a resource are told of.
const MAX_NEWEST_POINTS: u32 = 5;

/// Which resources to list; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceFilter {
    /// With this in its name, a tag, or the name of an app; capital letters make no difference.
    pub text: Option<String>,
    /// Of this class.
    pub class: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Doing like this.
    pub health: Option<HealthVerdict>,
}

/// A resource in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceOverview {
    /// The resource.
    #[serde(flatten)]
    pub resource: ResourceRecord,
    /// How many apps it has.
    pub app_count: usize,
    /// Whether it was entered by hand and nothing of it is backed up.
    pub uncovered: bool,
    /// The worst verdict on them.
    pub health: HealthVerdict,
}

/// A resource with its apps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceDashboard {
    /// The resource.
    pub resource: ResourceRecord,
    /// Whether it was entered by hand and nothing of it is backed up.
    pub uncovered: bool,
    /// The worst verdict on its apps.
    pub health: HealthVerdict,
    /// Its apps, by name.
    pub apps: Vec<AppOverview>,
    /// The newest backups of them that made restore points, newest first: what the state knows, of
    /// which the store may have removed some.
    pub points: Vec<Task>,
}

impl ResourceFilter {
    /// Whether it lets all through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn lets(&self, one: &ResourceOverview, apps: &[AppOverview]) -> bool {
        let spec = &one.resource.spec;
        let text = self.text.as_ref().map(|text| text.to_lowercase());
        let has = |text: &String| {
            let named = apps.iter().filter(|app| app.app.facts.resource_id == one.resource.id);
            let mut texts = spec.tags.iter().chain([&spec.name]);
            texts.any(|one| one.to_lowercase().contains(text))
                || named
                    .into_iter()
                    .any(|app| app.app.spec.name.to_lowercase().contains(text.as_str()))
        };
        text.as_ref().is_none_or(has)
            && self.class.as_ref().is_none_or(|class| *class == spec.class)
            && self.tag.as_ref().is_none_or(|tag| spec.tags.contains(tag))
            && self.health.is_none_or(|health| health == one.health)
    }
}

impl Service {
    /// The resources that a filter lets through, by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resources(&self, filter: ResourceFilter) -> Result<Vec<ResourceOverview>> {
        self.state(move |state| {
            let (apps, _) = overviews(state, Utc::now())?;
            let overview = |resource: ResourceRecord| {
                let own = apps.iter().filter(|app| app.app.facts.resource_id == resource.id);
                ResourceOverview {
                    app_count: own.count(),
                    uncovered: is_uncovered(&resource, &apps),
                    health: verdict_on(&resource, &apps),
                    resource,
                }
            };
            let all = state.resources()?.into_iter().map(overview);
            Ok(all.filter(|one| filter.lets(one, &apps)).collect())
        })
        .await
    }

    /// A resource with its apps and its newest restore points.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn resource(&self, id: ResourceId) -> Result<ResourceDashboard> {
        self.state(move |state| {
            let resource = state.resource(id)?;
            let (mut apps, _) = overviews(state, Utc::now())?;
            apps.retain(|app| app.app.facts.resource_id == id);
            let ids: Vec<AppId> = apps.iter().map(|app| app.app.id).collect();
            Ok(ResourceDashboard {
                uncovered: is_uncovered(&resource, &apps),
                health: verdict_on(&resource, &apps),
                points: state.newest_points(&ids, MAX_NEWEST_POINTS)?,
                resource,
                apps,
            })
        })
        .await
    }

    /// What is said of all resources, by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resource_records(&self) -> Result<Vec<ResourceRecord>> {
        self.state(State::resources).await
    }

    /// The resource of this name.
    ///
    /// # Errors
    /// There is none.
    pub async fn resource_named(&self, name: &str) -> Result<ResourceRecord> {
        let name = name.to_owned();
        let all = self.state(State::resources).await?;
        let missing = || {
            let shown = name.escape_debug();
            crate::state::StateError::NotFound(format!("there is no resource named \"{shown}\""))
        };
        Ok(all.into_iter().find(|one| one.spec.name == name).ok_or_else(missing)?)
    }

    /// Enters a resource by hand. What is empty of its class is that of what reaches its location.
    ///
    /// # Errors
    /// It cannot be used as it is given, or its name is taken.
    pub async fn add_resource(&self, mut spec: ResourceSpec) -> Result<ResourceRecord> {
        if spec.class.is_empty() && !spec.location.is_empty() {
            let form = self.form_for(ConnectorKind::Importer, &spec.location).await?;
            let is_known = form.integration != BUILT_IN || local_folder(&spec.location).is_some();
            if is_known {
                (spec.class, spec.subclass) = (form.class, form.subclass);
            }
        }
        self.state(move |state| state.add_resource(&spec)).await
    }

    /// Removes a resource that has no app.
    ///
    /// # Errors
    /// There is none with this id, or it has apps.
    pub async fn remove_resource(&self, id: ResourceId) -> Result<()> {
        self.state(move |state| state.remove_resource(id)).await
    }

    /// Fills in what is empty of an app's resource and location, and is known of a resource of this
    /// name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn fill_from_resource(
        &self,
        resource: &mut Resource,
        options: &mut Options,
    ) -> Result<()> {
        let known = self.state(State::resources).await?;
        let Some(known) = known.into_iter().find(|one| one.spec.name == resource.name) else {
            return Ok(());
        };
        let ResourceSpec { class, subclass, location, .. } = known.spec;
        if resource.class.is_empty() {
            (resource.class, resource.subclass) = (class, subclass);
        }
        if !location.is_empty() {
            options.entry("location".to_owned()).or_insert(location);
        }
        Ok(())
    }

    /// Changes a resource that is at this revision; its apps go along.
    ///
    /// # Errors
    /// It cannot be used as it is given, its name is taken, or it was changed meanwhile.
    pub async fn edit_resource(
        &self,
        id: ResourceId,
        revision: i64,
        spec: ResourceSpec,
    ) -> Result<ResourceRecord> {
        self.state(move |state| state.edit_resource(id, revision, &spec, chrono::Utc::now())).await
    }
}
