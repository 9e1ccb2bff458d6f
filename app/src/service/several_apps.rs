//! Several sources of one account at once: with the login that Plakar has of it, and what a policy
//! asks of its apps.

use serde::Deserialize;

use super::assign::Assign;
use super::error::{Error, Result};
use super::handle::Service;
use super::places::plain_name;
use crate::model::{BackupOptions, CopyRange, Protection, Retention};
use crate::state::{App, AppKind, MatchMode, PolicySpec, Resource, ResourceSpec};
use plakar_driver::schema::Fault;
use plakar_driver::{Kind, Options};

/// Maximum number of apps that are made at once: each has its login tested.
pub const MAX_APPS_AT_ONCE: usize = 50;

/// What is backed up of one account, each by an app of its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeveralApps {
    /// Of which protocol the account is.
    pub protocol: String,
    /// Whose it is; Plakar's configuration has a login of it.
    pub username: String,
    /// The policy that is for these apps, by its name.
    pub policy: String,
    /// Where they go: a store that an app uses, or that Plakar's configuration has.
    pub store: String,
    /// Resources that were entered by hand, by their names; each has a location.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Locations, such as `opendrive://Photos`, of the account's own resource.
    #[serde(default)]
    pub locations: Vec<String>,
    /// Which environment, if the policy is for several.
    #[serde(default)]
    pub environment: String,
    /// Which data classes, if the policy is for any of several.
    #[serde(default)]
    pub data_classes: Vec<String>,
    /// Which labels, if the policy is for any of several.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Whether it is only told if all of them could be made.
    #[serde(default)]
    pub check: bool,
}

/// One that is to be made.
struct PlannedApp {
    /// As somebody named it.
    of: String,
    resource: Resource,
    tags: Vec<String>,
    location: String,
}

/// What makes a policy apply to an app.
#[derive(Clone)]
struct Scoped {
    environment: String,
    data_classes: Vec<String>,
    labels: Vec<String>,
}

impl SeveralApps {
    /// # Errors
    /// The policy is off, or leaves a choice that is not made.
    fn scoped(&self, policy: &PolicySpec) -> Result<Scoped> {
        let name = &policy.name;
        if !policy.enabled {
            return Err(Error::Input(format!("policy: {name} is disabled; enable it first")));
        }
        // What is given, else what the policy leaves no choice of.
        let choose = |field: &str, given: &[String], all: &[String], any: bool| match all {
            _ if !given.is_empty() => Ok(given.to_vec()),
            several if any && several.len() > 1 => Err(Error::Input(format!(
                "{field}: the policy {name} is for any of {}; say which",
                several.join(", ")
            ))),
            all => Ok(all.to_vec()),
        };
        let environment: Vec<String> =
            Some(self.environment.clone()).into_iter().filter(|one| !one.is_empty()).collect();
        let environment = choose("environment", &environment, &policy.environments, true)?;
        let any = policy.classes == MatchMode::Any;
        Ok(Scoped {
            environment: environment.into_iter().next().unwrap_or_default(),
            data_classes: choose("data_classes", &self.data_classes, &policy.data_classes, any)?,
            labels: choose("labels", &self.labels, &policy.labels, true)?,
        })
    }
}

impl Service {
    /// Makes several sources of one account, all of them or none: the login that Plakar has of it is
    /// tried with each location, and the store is opened, before anything is saved.
    ///
    /// # Errors
    /// There is no such account, policy, store or resource; the policy would not be for the apps;
    /// [`Error::Faults`] for those that cannot be made, by what names them.
    pub async fn make_apps(&self, wish: &SeveralApps) -> Result<Vec<App>> {
        let policies = self.policies().await?;
        let policy = policies.into_iter().find(|one| one.spec.name == wish.policy);
        let policy = policy.ok_or_else(|| {
            let shown: String = wish.policy.escape_debug().take(70).collect();
            Error::NotFound(format!("there is no policy named \"{shown}\""))
        })?;
        let scoped = wish.scoped(&policy.spec)?;
        let login = self.login_of(&wish.protocol, &wish.username).await?;
        let store = self.store_overview(&wish.store).await?.name;
        let planned = self.planned(wish).await?;
        let mut names = self.taken_names().await?;
        let mut all = Vec::new();
        for one in &planned {
            // A tag of its resource does what a label does.
            let tagged = policy.spec.labels.iter().any(|label| one.tags.contains(label));
            let labels = if tagged { wish.labels.clone() } else { scoped.labels.clone() };
            let name = free_name(one, &mut names);
            let assign = source(name, one, &store, &login, Scoped { labels, ..scoped.clone() });
            if !policy.spec.is_for(
                &assign.environment,
                &assign.data_classes,
                [&assign.backup.labels, &one.tags],
            ) {
                return Err(Error::Input(format!(
                    "policy: {} would not be for the app of {}; give it an environment, data classes or labels that the policy names",
                    policy.spec.name, one.of
                )));
            }
            all.push(assign);
        }
        self.assign_all(all, wish.check).await.map_err(|faults| told(&planned, faults))
    }

    /// What is to be made, each as it was named.
    async fn planned(&self, wish: &SeveralApps) -> Result<Vec<PlannedApp>> {
        let known = self.resource_records().await?;
        let mut planned = Vec::new();
        for name in &wish.resources {
            let found = known.iter().find(|one| one.spec.name == *name);
            let ResourceSpec { name, class, subclass, location, tags, .. } =
                found.map(|one| one.spec.clone()).ok_or_else(|| {
                    let shown: String = name.escape_debug().take(70).collect();
                    Error::NotFound(format!("there is no resource named \"{shown}\""))
                })?;
            if location.is_empty() {
                return Err(Error::Input(format!(
                    "resources: {name} has no location; give it one, or write the location here"
                )));
            }
            let of = name.clone();
            planned.push(PlannedApp {
                of,
                resource: Resource { name, class, subclass },
                tags,
                location,
            });
        }
        for location in &wish.locations {
            planned.push(PlannedApp {
                of: location.clone(),
                resource: Resource::default(),
                tags: Vec::new(),
                location: location.trim().to_owned(),
            });
        }
        let scheme = format!("{}://", wish.protocol);
        for (place, one) in planned.iter().enumerate() {
            if !one.location.starts_with(&scheme) {
                return Err(Error::Input(format!(
                    "{}: the account is of {}, so write {scheme}PLACE",
                    one.of, wish.protocol
                )));
            }
            if planned[..place].iter().any(|other| other.location == one.location) {
                return Err(Error::Input(format!("{} is named twice; name it once", one.of)));
            }
        }
        match planned.len() {
            0 => Err(Error::Input(
                "nothing is to be backed up; name resources that have a location, or locations"
                    .into(),
            )),
            1..=MAX_APPS_AT_ONCE => Ok(planned),
            count => Err(Error::Input(format!(
                "{count} apps are too many at once; name at most {MAX_APPS_AT_ONCE}"
            ))),
        }
    }

    /// The names that a new source cannot have.
    async fn taken_names(&self) -> Result<Vec<String>> {
        let apps = self.apps().await?.into_iter().map(|app| app.spec.name);
        let entries = self.plakar.configurations(Kind::Source).await?.into_keys();
        Ok(apps.chain(entries).collect())
    }
}

/// A name for it that none has, which is one from then on.
fn free_name(one: &PlannedApp, taken: &mut Vec<String>) -> String {
    let (protocol, place) = one.location.split_once("://").unwrap_or_default();
    let text = match (one.resource.name.as_str(), place.trim_matches('/')) {
        ("", "") => protocol,
        ("", place) => place,
        (resource, _) => resource,
    };
    let wanted = plain_name(text).trim_end_matches('-').to_owned();
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut names = std::iter::once(wanted.clone()).chain(numbered);
    let name = names.find(|name| !taken.contains(name)).unwrap_or(wanted);
    taken.push(name.clone());
    name
}

fn source(name: String, one: &PlannedApp, store: &str, login: &Options, scoped: Scoped) -> Assign {
    let mut options = login.clone();
    options.insert("location".to_owned(), one.location.clone());
    Assign {
        kind: AppKind::Source,
        name,
        resource: one.resource.clone(),
        environment: scoped.environment,
        data_classes: scoped.data_classes,
        integration: None,
        protocol: None,
        options,
        entry: None,
        mark: None,
        store: Some(store.to_owned()),
        store_options: Options::new(),
        create_store: false,
        unencrypted: false,
        uncompressed: false,
        second_store: None,
        copy_range: CopyRange::default(),
        skip_test: false,
        retention: Retention::default(),
        protection: Protection::default(),
        backup: BackupOptions { labels: scoped.labels, ..BackupOptions::default() },
    }
}

/// What is wrong, by what names each app; what is wrong with all of them, once.
fn told(planned: &[PlannedApp], faults: Vec<(usize, Error)>) -> Error {
    let mut texts = faults.iter().map(|(_, error)| error.to_string());
    let first = texts.next().unwrap_or_default();
    if faults.len() == planned.len() && texts.all(|text| text == first) {
        let all = faults.into_iter().next().map(|(_, error)| error);
        return all
            .unwrap_or_else(|| Error::Internal("an app was not made, without a reason".into()));
    }
    let fault = |(place, error): (usize, Error)| {
        let of = planned.get(place).map(|one| one.of.clone());
        let message = format!("{}: {error}", of.as_deref().unwrap_or("an app"));
        Fault { key: of, message }
    };
    Error::Faults(faults.into_iter().map(fault).collect())
}
