//! An app before it is kept: all of it checked, and what Plakar's configuration will have.

use super::assign::{Assign, check};
use super::error::{Error, Problem, Result};
use super::handle::Service;
use super::integrations::Form;
use super::references::{configuration_kind, connector_kind};
use super::second_store::FirstStore;
use super::setting_changes::option_changes;
use super::settle_store::{SettledStore, StoreWish};
use crate::model::{CopyRange, FieldChange};
use crate::state::{App, AppSpec, Resource, State, StateError};
use plakar_driver::{Kind, Name, Options};

/// An app that can be kept.
pub(super) struct PreparedApp {
    pub(super) spec: AppSpec,
    /// What Plakar's configuration comes to have of it; nothing if it has it already.
    options: Option<Options>,
    mark: Option<String>,
    /// The same of its stores.
    pub(super) stores: [Option<(Name, Options)>; 2],
    /// All of this as it is recorded.
    pub(super) configured: Vec<FieldChange>,
    /// What Plakar's configuration had of each of its stores that is to be written, when this was made
    /// of it.
    before: Vec<(Kind, Name, Options)>,
}

impl Service {
    /// Checks all of an app, has the drive take the login and the store be opened; a store is made if
    /// that is wished.
    ///
    /// # Errors
    /// As for [`Service::assign`].
    pub(super) async fn prepare(&self, mut assign: Assign) -> Result<PreparedApp> {
        if assign.entry.is_none() {
            self.fill_from_resource(&mut assign.resource, &mut assign.options).await?;
        }
        let kind = configuration_kind(assign.kind);
        let name = Name::new(&assign.name)?;
        let entry = assign.entry.as_deref().map(Name::new).transpose()?;
        let (form, options) = self.connector(&assign, entry.as_ref()).await?;
        let mut spec = AppSpec {
            kind: assign.kind,
            name: assign.name,
            resource: told_resource(assign.resource, &form, &options, &name),
            environment: assign.environment,
            data_classes: assign.data_classes,
            integration: form.integration,
            protocol: form.protocol,
            entry: entry.as_ref().unwrap_or(&name).to_string(),
            store: assign.store,
            second_store: None,
            copy_range: CopyRange::default(),
            retention: assign.retention,
            protection: assign.protection,
            backup: assign.backup.tidy(),
        };
        let second = assign.second_store.filter(|second| !second.place.trim().is_empty());
        spec.check()?;
        assign.copy_range.check(second.is_some())?;
        self.free(&spec, entry.is_some()).await?;
        if let Some(text) = &spec.store {
            self.apart_from(&options, text).await?;
        }
        let entry_name = Name::new(&spec.entry)?;
        if !assign.skip_test {
            self.try_login(kind, &entry_name, &options).await?;
        }
        let store = match spec.store.take() {
            None => None,
            Some(text) => {
                let wish = StoreWish {
                    text: &text,
                    options: &assign.store_options,
                    create: assign.create_store,
                    unencrypted: assign.unencrypted,
                    uncompressed: assign.uncompressed,
                    skip_test: assign.skip_test,
                    name: name.as_str(),
                    source: &options,
                };
                let settled = self.settle_store(&wish).await?;
                spec.store = Some(settled.text.clone());
                Some(settled)
            }
        };
        let second = match (second, &spec.store) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(Error::Input(
                    "second store: a destination has none; leave it out".into(),
                ));
            }
            (Some(wish), Some(text)) => {
                let first = FirstStore {
                    text,
                    entry: store.as_ref().and_then(|store| store.entry.as_ref()),
                    source: &options,
                    app: name.as_str(),
                };
                Some(self.settle_second(&wish, &first, assign.skip_test).await?)
            }
        };
        spec.second_store = second.as_ref().map(|second| second.text.clone());
        spec.copy_range = assign.copy_range;
        let adopted = entry.is_some();
        let mut configured = match adopted {
            true => Vec::new(),
            false => {
                let is_secret = |key: &str| form.schema.is_secret(key);
                option_changes("options", &Options::new(), &options, is_secret)
            }
        };
        let settled = [&store, &second].into_iter().flatten();
        let before = settled.filter_map(SettledStore::before).collect();
        let stores = [store, second].map(|settled| settled.and_then(|settled| settled.entry));
        let [first, second] = stores.each_ref().map(Option::as_ref);
        let of = [("store_options", first), ("second_store_options", second)];
        configured.extend(self.store_changes(&of).await?);
        let options = (!adopted).then_some(options);
        Ok(PreparedApp { spec, options, mark: assign.mark, stores, configured, before })
    }

    /// Keeps an app, and writes what it needs into Plakar's configuration.
    ///
    /// # Errors
    /// The name was taken meanwhile, what Plakar has of a store was changed meanwhile, or Plakar cannot
    /// be run. Nothing is saved then.
    pub(super) async fn save(&self, prepared: PreparedApp) -> Result<App> {
        let PreparedApp { spec, options, mark, stores, configured, mut before } = prepared;
        // Of apps that share a store only one writes it.
        let is_written = |name: &Name| stores.iter().flatten().any(|(written, _)| written == name);
        before.retain(|(_, name, _)| is_written(name));
        if let Some(name) = self.changed_since(&before).await? {
            return Err(StateError::changed_meanwhile("store", name.as_str()).into());
        }
        let (kind, entry) = (configuration_kind(spec.kind), Name::new(&spec.entry)?);
        let (taken_over, adopted) = (mark.is_some(), options.is_none());
        let now = chrono::Utc::now();
        let made = move |state: &State| {
            state.add_app_marked(&spec, mark.as_deref(), adopted, &configured, now)
        };
        let app = self.state(made).await?;
        // In this order: the name is ours now, so no other app's configuration is replaced.
        let stores = stores.each_ref().map(Option::as_ref);
        if let Err(error) = self.keep(kind, &entry, options.as_ref(), stores).await {
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
                let options = self.to_keep(&options, &Options::new(), Some(&form.schema))?;
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
        match self.app_named(*kind, name).await {
            Ok(_) => {
                return Err(conflict(format!(
                    "there is already a {kind} named {name}; choose another name"
                )));
            }
            Err(error) if error.problem() == Problem::NotFound => {}
            Err(error) => return Err(error),
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
    pub(super) async fn keep(
        &self,
        kind: Kind,
        entry: &Name,
        options: Option<&Options>,
        stores: [Option<&(Name, Options)>; 2],
    ) -> Result<()> {
        let own = options.map(|options| (kind, entry, options));
        let stores = stores.into_iter().flatten();
        let stores = stores.map(|(name, options)| (Kind::Store, name, options));
        self.configure_all(&own.into_iter().chain(stores).collect::<Vec<_>>()).await
    }

    /// Writes entries into Plakar's configuration: all of them, or those that could be written are
    /// as they were before.
    ///
    /// # Errors
    /// Plakar cannot be run, or did not keep one.
    pub(super) async fn configure_all(&self, entries: &[(Kind, &Name, &Options)]) -> Result<()> {
        let mut written = Vec::new();
        for (kind, name, options) in entries.iter().copied() {
            let before = self.plakar.configured_all(kind).await?.remove(name.as_str());
            // One that failed may be there in part.
            written.push((kind, name, before));
            let Err(error) = self.plakar.configure(kind, name, options).await else { continue };
            for (kind, name, before) in written.iter().rev() {
                let back = match before {
                    Some(before) => self.plakar.configure(*kind, name, before).await,
                    None => self.plakar.unconfigure(*kind, name).await,
                };
                if let Err(error) = back {
                    tracing::error!(%error, "the {} {name} of Plakar is not as it was", kind.word());
                }
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
