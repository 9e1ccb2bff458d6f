//! Assign an app. Credentials go into Plakar's configuration and nowhere else, and only after the
//! drive has taken them.

use std::fmt;

use serde::Deserialize;

use super::error::{Error, Result};
use super::handle::Service;
use super::integrations::{BUILT_IN, Form};
use super::references::{configuration_kind, connector_kind};
use super::settle_store::{SettledStore, StoreWish};
use crate::model::{Protection, Retention};
use crate::state::{App, AppKind, AppSpec, Resource, StateError};
use plakar_driver::schema::Fault;
use plakar_driver::{Kind, Name, Options, mask};

/// What a user gives to assign an app.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// Source or destination.
    pub kind: AppKind,
    /// Its name, also in Plakar's configuration.
    pub name: String,
    /// What the data is in. What is empty of it is told by the integration and the login.
    #[serde(default)]
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
    /// What the connector needs, by the keys of its schema; nothing if there is an `entry`.
    #[serde(default)]
    pub options: Options,
    /// The name of a source or destination that Plakar has already: it becomes the app and keeps its
    /// configuration.
    #[serde(default)]
    pub entry: Option<String>,
    /// The mark of restore points that are in the store already: the app takes them over.
    #[serde(default)]
    pub mark: Option<String>,
    /// Of a source: the path of a folder, a place such as `opendrive://Backups`, or the name of a
    /// store of Plakar.
    #[serde(default)]
    pub store: Option<String>,
    /// What the store's connector needs and Plakar's configuration does not have, its `passphrase`
    /// too. On the drive that is backed up its login is that of the source.
    #[serde(default)]
    pub store_options: Options,
    /// Whether a store is made there if there is none: with a passphrase, but for `unencrypted`.
    #[serde(default)]
    pub create_store: bool,
    /// Whether the store is made without encryption.
    #[serde(default)]
    pub unencrypted: bool,
    /// Whether it is saved without a test of the login and the store, for a drive that is away now.
    #[serde(default)]
    pub skip_test: bool,
    /// Its own retention.
    #[serde(default)]
    pub retention: Retention,
    /// How it is looked after.
    #[serde(default)]
    pub protection: Protection,
}

/// Options with the values of secrets left out.
pub(super) fn masked(options: &Options) -> Options {
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
            .field("store_options", &masked(&self.store_options))
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Assigns an app: checks all of it, has the drive take the login and the store be opened, keeps
    /// it, and writes its configuration for Plakar.
    ///
    /// # Errors
    /// [`Error::Faults`] for options that the schema refuses; [`Error::Untested`] for a login or a
    /// store that is refused; a name that is taken, here or in Plakar's configuration. Nothing is
    /// saved then.
    pub async fn assign(&self, assign: Assign) -> Result<App> {
        let kind = configuration_kind(assign.kind);
        let name = Name::new(&assign.name)?;
        let entry = assign.entry.as_deref().map(Name::new).transpose()?;
        let (form, options) = self.connector(&assign, entry.as_ref()).await?;
        let spec = AppSpec {
            kind: assign.kind,
            name: assign.name,
            resource: told_resource(assign.resource, &form, &options, &name),
            environment: assign.environment,
            data_classes: assign.data_classes,
            integration: form.integration,
            protocol: form.protocol,
            entry: entry.as_ref().unwrap_or(&name).to_string(),
            store: assign.store,
            retention: assign.retention,
            protection: assign.protection,
        };
        spec.check()?;
        self.free(&spec, entry.is_some()).await?;
        if let Some(text) = &spec.store {
            self.apart_from(&options, text).await?;
        }
        let entry_name = Name::new(&spec.entry)?;
        if !assign.skip_test {
            self.try_login(kind, &entry_name, &options).await?;
        }
        let mut spec = spec;
        let store = match spec.store.take() {
            None => None,
            Some(text) => {
                let wish = StoreWish {
                    text: &text,
                    options: &assign.store_options,
                    create: assign.create_store,
                    unencrypted: assign.unencrypted,
                    skip_test: assign.skip_test,
                    name: name.as_str(),
                    source: &options,
                };
                let settled = self.settle_store(&wish).await?;
                spec.store = Some(settled.text.clone());
                Some(settled)
            }
        };
        let (mark, adopted) = (assign.mark, entry.is_some());
        let taken_over = mark.is_some();
        let now = chrono::Utc::now();
        let app = self
            .state(move |state| state.add_app_marked(&spec, mark.as_deref(), adopted, now))
            .await?;
        // In this order: the name is ours now, so no other app's configuration is replaced.
        let options = entry.is_none().then_some(&options);
        if let Err(error) = self.keep(kind, &entry_name, options, store.as_ref()).await {
            let id = app.id;
            self.state(move |state| state.remove_app(id)).await?;
            return Err(error);
        }
        if taken_over && let Err(error) = self.note_taken_over(&app).await {
            // The restore points are there; only the verdict does not know them yet.
            tracing::warn!(%error, "the newest restore point could not be noted");
        }
        self.scheduler.wake();
        Ok(app)
    }

    /// The form of the connector that is meant, and what goes into it.
    async fn connector(&self, assign: &Assign, entry: Option<&Name>) -> Result<(Form, Options)> {
        let kind = configuration_kind(assign.kind);
        let location = |options: &Options| options.get("location").cloned().unwrap_or_default();
        let (form, options) = match entry {
            Some(_) if !assign.options.is_empty() => {
                return Err(Error::Input(format!(
                    "options: a {} that Plakar has keeps its own; leave them out, and edit the app afterwards",
                    kind.word()
                )));
            }
            Some(entry) => {
                let options = self.plakar.configured(kind, entry).await?;
                let connector = connector_kind(assign.kind);
                (self.form_for(connector, &location(&options)).await?, options)
            }
            None => {
                let mut options = assign.options.clone();
                let told = location(&options);
                let told = told.split_once(':').map(|(protocol, _)| protocol);
                let class = (assign.resource.class.as_str(), assign.resource.subclass.as_str());
                let (integration, protocol) =
                    (assign.integration.as_deref(), assign.protocol.as_deref());
                let form = self.form(assign.kind, class, integration, protocol.or(told)).await?;
                options.entry("location".into()).or_insert_with(|| format!("{}://", form.protocol));
                (form, options)
            }
        };
        check(&form, &options)?;
        Ok((form, options))
    }

    /// # Errors
    /// The app's name is taken here, or its entry in Plakar's configuration is not free for it.
    async fn free(&self, spec: &AppSpec, adopted: bool) -> Result<()> {
        let AppSpec { kind, name, entry, .. } = spec;
        if self.app_named(*kind, name).await.is_ok() {
            return Err(conflict(format!(
                "there is already a {kind} named {name}; choose another name"
            )));
        }
        if adopted {
            let apps = self.apps().await?;
            return match apps.iter().find(|app| app.spec.kind == *kind && app.spec.entry == *entry)
            {
                None => Ok(()),
                Some(app) => Err(conflict(format!(
                    "the {kind} {entry} of Plakar is the app {} already",
                    app.spec.name
                ))),
            };
        }
        if self.plakar.configurations(configuration_kind(*kind)).await?.contains_key(entry) {
            return Err(conflict(format!(
                "Plakar has a {kind} named {entry} already (`plakar {kind} show {entry}`); adopt it, or choose another name"
            )));
        }
        Ok(())
    }

    /// Writes what an app needs into Plakar's configuration, all of it or nothing.
    async fn keep(
        &self,
        kind: Kind,
        entry: &Name,
        options: Option<&Options>,
        store: Option<&SettledStore>,
    ) -> Result<()> {
        if let Some(options) = options {
            self.plakar.configure(kind, entry, options).await?;
        }
        let of_store = store.and_then(|store| store.entry.as_ref());
        if let Some((name, of_store)) = of_store
            && let Err(error) = self.plakar.configure(Kind::Store, name, of_store).await
        {
            if options.is_some() {
                self.plakar.unconfigure(kind, entry).await?;
            }
            return Err(error.into());
        }
        Ok(())
    }
}

fn conflict(message: String) -> Error {
    StateError::Conflict(message).into()
}

/// A resource with what is empty filled in: its class by the connector, its name by whose drive it is,
/// so that apps on one account come together.
fn told_resource(given: Resource, form: &Form, options: &Options, app: &Name) -> Resource {
    let account = options.get("username").filter(|name| !name.is_empty());
    let told = || {
        account.map_or_else(|| app.to_string(), |account| format!("{} {account}", form.protocol))
    };
    let or = |text: String, told: &str| if text.is_empty() { told.to_owned() } else { text };
    let classless = given.class.is_empty();
    Resource {
        name: if given.name.is_empty() { told() } else { given.name },
        class: or(given.class, &form.class),
        subclass: if classless { or(given.subclass, &form.subclass) } else { given.subclass },
    }
}

/// # Errors
/// The options are not as the connector needs them.
pub(super) fn check(form: &Form, options: &Options) -> Result<()> {
    let mut faults = form.schema.faults(options);
    let location = options.get("location").map(String::as_str).unwrap_or_default();
    if form.integration == BUILT_IN && location.starts_with('/') {
        return if faults.is_empty() { Ok(()) } else { Err(Error::Faults(faults)) };
    }
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
            entry: None,
            mark: None,
            store: None,
            store_options: Options::from([("passphrase".into(), "hunter2".into())]),
            create_store: false,
            unencrypted: false,
            skip_test: false,
            retention: Retention::default(),
            protection: Protection::default(),
        };
        let printed = format!("{assign:?}");
        assert!(printed.contains("opendrive://") && !printed.contains("hunter2"), "{printed}");
    }
}
