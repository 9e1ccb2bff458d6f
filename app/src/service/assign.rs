//! Assign an app, change it, remove it. Credentials go into Plakar's configuration and nowhere
//! else.

use std::fmt;

use serde::Deserialize;

use super::error::{Error, Result};
use super::handle::Service;
use super::integrations::Form;
use super::references::{configuration_kind, store};
use crate::model::{Protection, Retention};
use crate::state::{App, AppId, AppKind, AppSpec, Resource};
use plakar_driver::schema::{Fault, Field};
use plakar_driver::{Name, Options, mask};

/// What a user gives to assign an app.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// Source or destination.
    pub kind: AppKind,
    /// Its name, also in Plakar's configuration.
    pub name: String,
    /// What the data is in.
    pub resource: Resource,
    /// May be empty.
    #[serde(default)]
    pub environment: String,
    /// Any number.
    #[serde(default)]
    pub data_classes: Vec<String>,
    /// The Plakar package, if several go with the resource.
    #[serde(default)]
    pub integration: Option<String>,
    /// The protocol, if it has several and `location` does not tell.
    #[serde(default)]
    pub protocol: Option<String>,
    /// What the connector needs, by the keys of its schema.
    pub options: Options,
    /// Of a source: the path of a folder, or the name of a store of Plakar.
    #[serde(default)]
    pub store: Option<String>,
    /// Whether a store is made there if there is none.
    #[serde(default)]
    pub create_store: bool,
    /// Its own retention.
    #[serde(default)]
    pub retention: Retention,
    /// How it is looked after.
    #[serde(default)]
    pub protection: Protection,
}

/// What a user changes of an app. What is `None` stays.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// Its new name; in Plakar's configuration it keeps the old one.
    pub name: Option<String>,
    /// What the data is in.
    pub resource: Option<Resource>,
    /// May be empty.
    pub environment: Option<String>,
    /// Any number.
    pub data_classes: Option<Vec<String>>,
    /// All that the connector needs; a secret that is left out or empty stays as it is.
    pub options: Option<Options>,
    /// Of a source.
    pub store: Option<String>,
    /// Its own retention.
    pub retention: Option<Retention>,
    /// How it is looked after.
    pub protection: Option<Protection>,
}

/// Options with the values of secrets left out.
fn masked(options: &Options) -> Options {
    let mut options = options.clone();
    mask(&mut options);
    options
}

/// Without the values of secrets.
impl fmt::Debug for Assign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Assign");
        out.field("kind", &self.kind).field("name", &self.name).field("resource", &self.resource);
        out.field("options", &masked(&self.options))
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// Without the values of secrets.
impl fmt::Debug for Edit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Edit");
        out.field("name", &self.name).field("resource", &self.resource);
        out.field("options", &self.options.as_ref().map(masked))
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// A field of an app's configuration, as it may be shown.
#[derive(Clone, Debug)]
pub struct ConfiguredField {
    /// The field.
    pub field: Field,
    /// Its value; never a secret's.
    pub value: Option<String>,
    /// Whether it has one.
    pub set: bool,
}

impl Service {
    /// Assigns an app: checks all of it, keeps it, and writes its configuration for Plakar.
    ///
    /// # Errors
    /// [`Error::Faults`] for options that the schema refuses; a name that is taken, here or in
    /// Plakar's configuration.
    pub async fn assign(&self, assign: Assign) -> Result<App> {
        let kind = configuration_kind(assign.kind);
        let name = Name::new(&assign.name)?;
        let (integration, protocol) = (assign.integration.as_deref(), assign.protocol.as_deref());
        let told =
            assign.options.get("location").and_then(|location| Some(location.split_once(':')?.0));
        let class = (assign.resource.class.as_str(), assign.resource.subclass.as_str());
        let form = self.form(assign.kind, class, integration, protocol.or(told)).await?;
        let mut options = assign.options;
        options.entry("location".into()).or_insert_with(|| format!("{}://", form.protocol));
        check(&form, &options)?;
        let spec = AppSpec {
            kind: assign.kind,
            name: assign.name,
            resource: assign.resource,
            environment: assign.environment,
            data_classes: assign.data_classes,
            integration: form.integration,
            protocol: form.protocol,
            entry: name.to_string(),
            store: assign.store,
            retention: assign.retention,
            protection: assign.protection,
        };
        spec.check()?;
        if self.plakar.configurations(kind).await?.contains_key(name.as_str()) {
            let message = format!(
                "Plakar has a {} named {name} already (`plakar {} show {name}`); choose another name",
                kind.word(),
                kind.word()
            );
            return Err(crate::state::StateError::Conflict(message).into());
        }
        if let Some(text) = &spec.store {
            self.known_store(text).await?;
            self.apart(options.get("location").map_or("", String::as_str), text).await?;
            if assign.create_store {
                self.ensure_store(text).await?;
            }
        }
        let app = self.state(move |state| state.add_app(&spec, chrono::Utc::now())).await?;
        // In this order: the name is ours now, so no other app's configuration is replaced.
        if let Err(error) = self.plakar.configure(kind, &name, &options).await {
            let id = app.id;
            self.state(move |state| state.remove_app(id)).await?;
            return Err(error.into());
        }
        self.scheduler.wake();
        Ok(app)
    }

    /// Changes an app that is at this revision.
    ///
    /// # Errors
    /// As [`Service::assign`]; somebody else changed it meanwhile.
    pub async fn edit(&self, id: AppId, revision: i64, edit: Edit) -> Result<App> {
        let old = self.app(id).await?;
        let (kind, entry) = (configuration_kind(old.spec.kind), Name::new(&old.spec.entry)?);
        let mut spec = old.spec.clone();
        let Edit {
            name,
            resource,
            environment,
            data_classes,
            options,
            store,
            retention,
            protection,
        } = edit;
        spec.name = name.unwrap_or(spec.name);
        spec.resource = resource.unwrap_or(spec.resource);
        spec.environment = environment.unwrap_or(spec.environment);
        spec.data_classes = data_classes.unwrap_or(spec.data_classes);
        spec.store = store.or(spec.store);
        spec.retention = retention.unwrap_or(spec.retention);
        spec.protection = protection.unwrap_or(spec.protection);
        spec.check()?;
        if spec.store != old.spec.store {
            self.known_store(spec.store.as_deref().unwrap_or_default()).await?;
        }
        let options = match options {
            None => None,
            Some(mut options) => {
                let form = self.form_of(&old).await?;
                for (key, value) in self.plakar.configured(kind, &entry).await.unwrap_or_default() {
                    if form.schema.is_secret(&key) && options.get(&key).is_none_or(String::is_empty)
                    {
                        options.insert(key, value);
                    }
                }
                check(&form, &options)?;
                Some(options)
            }
        };
        if (spec.store != old.spec.store || options.is_some())
            && let Some(store) = &spec.store
        {
            let kept = match &options {
                Some(options) => options.clone(),
                None => self.plakar.configured(kind, &entry).await?,
            };
            self.apart(kept.get("location").map_or("", String::as_str), store).await?;
        }
        let changed = self
            .state(move |state| state.edit_app(id, revision, &spec, chrono::Utc::now()))
            .await?;
        if let Some(options) = options
            && let Err(error) = self.plakar.configure(kind, &entry, &options).await
        {
            let (revision, spec) = (changed.revision, old.spec);
            self.state(move |state| state.edit_app(id, revision, &spec, chrono::Utc::now()))
                .await?;
            return Err(error.into());
        }
        self.scheduler.wake();
        Ok(changed)
    }

    /// Removes an app, its schedules, tasks and logs, and its configuration. What it backed up
    /// stays in its store.
    ///
    /// # Errors
    /// A task of it runs.
    pub async fn remove(&self, id: AppId) -> Result<()> {
        let app = self.app(id).await?;
        self.state(move |state| state.remove_app(id)).await?;
        Ok(self
            .plakar
            .unconfigure(configuration_kind(app.spec.kind), &Name::new(&app.spec.entry)?)
            .await?)
    }

    /// An app's configuration, by the fields of its form, without the values of secrets.
    ///
    /// # Errors
    /// Plakar can't be run, or the integration is gone.
    pub async fn configuration(&self, id: AppId) -> Result<Vec<ConfiguredField>> {
        let app = self.app(id).await?;
        let form = self.form_of(&app).await?;
        let kept = self
            .plakar
            .configured(configuration_kind(app.spec.kind), &Name::new(&app.spec.entry)?)
            .await?;
        let shown = |field: &Field| {
            let value = kept.get(&field.key);
            let secret = form.schema.is_secret(&field.key);
            ConfiguredField {
                field: field.clone(),
                value: value.filter(|_| !secret).cloned(),
                set: value.is_some(),
            }
        };
        let mut fields: Vec<_> = form.schema.fields().iter().map(shown).collect();
        let known = |key: &str| form.schema.fields().iter().any(|field| field.key == key);
        let others = kept.keys().filter(|key| !known(key)).map(|key| form.schema.other(key));
        let others: Vec<_> = others.collect();
        fields.extend(others.iter().map(shown));
        Ok(fields)
    }

    /// The form of an app's connector.
    pub(super) async fn form_of(&self, app: &App) -> Result<Form> {
        let spec = &app.spec;
        let class = (spec.resource.class.as_str(), spec.resource.subclass.as_str());
        self.form(spec.kind, class, Some(&spec.integration), Some(&spec.protocol)).await
    }

    async fn known_store(&self, text: &str) -> Result<()> {
        store(text)?;
        if text.starts_with('/') {
            return Ok(());
        }
        let name = text.trim_start_matches('@');
        let stores = self.stores().await?;
        if stores.iter().any(|store| store.name == name) {
            return Ok(());
        }
        let known: Vec<&str> = stores.iter().map(|store| store.name.as_str()).collect();
        let known = if known.is_empty() {
            "there are none yet: see `plakar store add`".to_owned()
        } else {
            known.join(", ")
        };
        Err(Error::Input(format!(
            "Plakar has no store named {name}; write an absolute path, or one of its stores ({known})"
        )))
    }
}

/// # Errors
/// The options are not as the connector needs them.
fn check(form: &Form, options: &Options) -> Result<()> {
    let mut faults = form.schema.faults(options);
    let location = options.get("location").map(String::as_str).unwrap_or_default();
    if location.split_once(':').is_none_or(|(scheme, _)| scheme != form.protocol)
        && !faults.iter().any(|fault| fault.key.as_deref() == Some("location"))
    {
        let message = format!("option \"location\" does not begin with \"{}://\"", form.protocol);
        faults.push(Fault { key: Some("location".into()), message });
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_has_no_password_in_it() {
        let options = Options::from([
            ("location".into(), "opendrive://".into()),
            ("password".into(), "hunter2".into()),
        ]);
        let resource =
            Resource { name: "r".into(), class: "file-storage".into(), subclass: String::new() };
        let assign = Assign {
            kind: AppKind::Source,
            name: "drive".into(),
            resource,
            environment: String::new(),
            data_classes: Vec::new(),
            integration: None,
            protocol: None,
            options: options.clone(),
            store: None,
            create_store: false,
            retention: Retention::default(),
            protection: Protection::default(),
        };
        let edit = Edit { options: Some(options), ..Edit::default() };
        for printed in [format!("{assign:?}"), format!("{edit:?}")] {
            assert!(printed.contains("opendrive://") && !printed.contains("hunter2"), "{printed}");
        }
    }
}
