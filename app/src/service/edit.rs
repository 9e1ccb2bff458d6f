//! Change an app, remove it, and what is configured for it.

use std::fmt;

use serde::Deserialize;

use super::assign::{check, masked};
use super::error::{Error, Result};
use super::handle::Service;
use super::hooks::refuse_lost_name;
use super::integrations::Form;
use super::named_secrets::name_of;
use super::references::configuration_kind;
use super::second_store::{FirstStore, SecondStore, of_second};
use super::setting_changes::option_changes;
use super::settle_store::{SettledStore, StoreWish};
use crate::model::{BackupOptions, CopyRange, FieldChange, Protection, Retention};
use crate::state::{App, AppId, AppSpec, Resource, State, StateError};
use plakar_driver::schema::Field;
use plakar_driver::{Kind, Name, Options};

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
    /// What the store's connector needs and Plakar's configuration does not have, its `passphrase`
    /// too.
    pub store_options: Options,
    /// Whether the store is made if there is none.
    pub create_store: bool,
    /// Whether it is made without encryption.
    pub unencrypted: bool,
    /// Whether it is made without compression.
    pub uncompressed: bool,
    /// Of a source: where its restore points are copied to; an empty place for nowhere.
    pub second_store: Option<SecondStore>,
    /// Which of them are copied there.
    pub copy_range: Option<CopyRange>,
    /// Whether it is saved without a test of the login and the store, for a drive that is away now.
    pub skip_test: bool,
    /// Its own retention.
    pub retention: Option<Retention>,
    /// How it is looked after.
    pub protection: Option<Protection>,
    /// What of a source is backed up, how, and under which labels. Patterns and folders that would
    /// leave nothing of the newest restore point are refused.
    pub backup: Option<BackupOptions>,
}

/// Without the values of secrets.
impl fmt::Debug for Edit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Edit");
        out.field("name", &self.name).field("resource", &self.resource);
        out.field("options", &self.options.as_ref().map(masked))
            .field("store", &self.store)
            .field("store_options", &masked(&self.store_options))
            .field("second_store", &self.second_store)
            .finish_non_exhaustive()
    }
}

/// A field of an app's configuration, as it may be shown.
#[derive(Clone, Debug)]
pub struct ConfiguredField {
    /// The field.
    pub field: Field,
    /// Its value; of a secret where it is, if that is told, and never itself.
    pub value: Option<String>,
    /// Whether it has one.
    pub set: bool,
}

/// A change of an app that can be kept.
struct PreparedEdit {
    /// The app before it.
    old: App,
    spec: AppSpec,
    /// What Plakar's configuration comes to have of it; nothing if that stays.
    options: Option<Options>,
    /// The same of its stores.
    stores: [Option<(Name, Options)>; 2],
    /// All of this as it is recorded.
    configured: Vec<FieldChange>,
    /// What Plakar's configuration had of each entry that is to be written, when this was made of it.
    before: Vec<(Kind, Name, Options)>,
}

impl Service {
    /// Changes an app that is at this revision.
    ///
    /// # Errors
    /// As [`Service::assign`]; somebody else changed it meanwhile.
    pub async fn edit(&self, id: AppId, revision: i64, edit: Edit) -> Result<App> {
        let old = self.app(id).await?;
        // Before a drive is asked for what is not kept anyway; the state looks again.
        if old.revision != revision {
            return Err(StateError::changed_meanwhile("app", &old.spec.name).into());
        }
        let (kind, entry) = (configuration_kind(old.spec.kind), Name::new(&old.spec.entry)?);
        let mut spec = old.spec.clone();
        let Edit {
            name,
            resource,
            environment,
            data_classes,
            options,
            store,
            store_options,
            create_store,
            unencrypted,
            uncompressed,
            second_store,
            copy_range,
            skip_test,
            retention,
            protection,
            backup,
        } = edit;
        // All else is changed also while Plakar cannot be asked.
        let is_same_store = store.is_none() || store == old.spec.store;
        let is_same_second = second_store.as_ref().is_none_or(|wish| {
            let place = wish.place.trim();
            let is_kept = old.spec.second_store.as_deref() == Some(place);
            place.is_empty() || (is_kept && wish.options.is_empty() && !wish.create)
        });
        let is_of_places = options.is_some()
            || create_store
            || !store_options.is_empty()
            || !(is_same_store && is_same_second);
        spec.name = name.unwrap_or(spec.name);
        spec.resource = resource.unwrap_or(spec.resource);
        spec.environment = environment.unwrap_or(spec.environment);
        spec.data_classes = data_classes.unwrap_or(spec.data_classes);
        spec.store = store.or(spec.store);
        spec.retention = retention.unwrap_or(spec.retention);
        spec.protection = protection.unwrap_or(spec.protection);
        spec.backup = backup.map_or(spec.backup, BackupOptions::tidy);
        spec.check()?;
        // Before a second store is made for it.
        copy_range.as_ref().map_or(Ok(()), |range| range.check(true))?;
        if spec.name != old.spec.name {
            let (directory, new) = (self.directory().to_owned(), spec.name.clone());
            let old = old.spec.name.clone();
            let named = self.state(move |_| Ok(refuse_lost_name(&directory, &old, &new)));
            named.await??;
        }
        self.leaves_something(&old, &spec.backup).await?;
        let kept = match is_of_places {
            true => self.kept_options(kind, &entry).await?,
            false => Options::new(),
        };
        let form = match &options {
            Some(_) => Some(self.form_of(&old).await?),
            None => None,
        };
        // As they will be, for a store on the same drive has the same login.
        let options = match (options, &form) {
            (Some(options), Some(form)) => Some(self.completed(options, &kept, form)?),
            _ => None,
        };
        let source = options.as_ref().unwrap_or(&kept).clone();
        if let (true, None, Some(second)) = (options.is_some(), &second_store, &spec.second_store) {
            self.apart_from(&source, second).await.map_err(of_second)?;
        }
        let (mut of_store, mut before) = (None, Vec::new());
        if let Some(text) = spec.store.take() {
            if !is_same_store || options.is_some() {
                self.apart_from(&source, &text).await?;
            }
            if is_same_store && store_options.is_empty() && !create_store {
                spec.store = Some(text);
            } else {
                let wish = StoreWish {
                    text: &text,
                    options: &store_options,
                    create: create_store,
                    unencrypted,
                    uncompressed,
                    skip_test,
                    name: &spec.name,
                    source: &source,
                };
                let settled = self.settle_store(&wish).await?;
                before.extend(settled.before());
                spec.store = Some(settled.text);
                of_store = settled.entry;
            }
        }
        let second = self
            .edit_second(&old.spec, &mut spec, second_store, &source, of_store.as_ref(), skip_test)
            .await?;
        before.extend(second.as_ref().and_then(SettledStore::before));
        let second_entry = second.and_then(|settled| settled.entry);
        spec.copy_range = match (copy_range, &spec.second_store) {
            (Some(range), _) => range,
            (None, Some(_)) => spec.copy_range,
            (None, None) => CopyRange::default(),
        };
        spec.check()?;
        let of =
            [("store_options", of_store.as_ref()), ("second_store_options", second_entry.as_ref())];
        let mut configured = self.store_changes(&of).await?;
        if let (Some(options), Some(form)) = (&options, &form) {
            if *options != kept && !skip_test {
                self.try_login(kind, &entry, options).await?;
            }
            let is_secret = |key: &str| form.schema.is_secret(key);
            configured.extend(option_changes("options", &kept, options, is_secret));
            before.push((kind, entry, kept));
        }
        let stores = [of_store, second_entry];
        let edit = PreparedEdit { old, spec, options, stores, configured, before };
        self.to_the_end(|service| async move { service.save_edit(edit).await }).await
    }

    /// What Plakar's configuration has of an app; nothing if it was taken out of there. What cannot be
    /// asked is an error: an entry is written whole, so that its secrets would be lost.
    async fn kept_options(&self, kind: Kind, entry: &Name) -> Result<Options> {
        match self.plakar.configured(kind, entry).await {
            Err(plakar_driver::Error::NotFound(_)) => Ok(Options::new()),
            kept => Ok(kept?),
        }
    }

    /// The first of these entries that Plakar's configuration has otherwise now. Entries are written
    /// whole, and tests of logins take their time: what was changed meanwhile would be as it was before.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub(super) async fn changed_since<'a>(
        &self,
        before: &'a [(Kind, Name, Options)],
    ) -> Result<Option<&'a Name>> {
        for (kind, name, before) in before {
            if self.kept_options(*kind, name).await? != *before {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Keeps a change, and writes what it needs into Plakar's configuration.
    ///
    /// # Errors
    /// Somebody else changed the app meanwhile, or what Plakar has of it, or Plakar cannot be run.
    /// It is as it was then.
    async fn save_edit(&self, edit: PreparedEdit) -> Result<App> {
        let PreparedEdit { old, spec, options, stores, configured, before } = edit;
        if self.changed_since(&before).await?.is_some() {
            return Err(StateError::changed_meanwhile("app", &old.spec.name).into());
        }
        let (id, revision) = (old.id, old.revision);
        let (kind, entry) = (configuration_kind(old.spec.kind), Name::new(&old.spec.entry)?);
        let changed = move |state: &State| {
            state.edit_configured_app(id, revision, &spec, &configured, chrono::Utc::now())
        };
        let changed = self.state(changed).await?;
        let stores = stores.each_ref().map(Option::as_ref);
        if let Err(error) = self.keep(kind, &entry, options.as_ref(), stores).await {
            let (revision, spec) = (changed.revision, old.spec);
            self.state(move |state| state.edit_app(id, revision, &spec, chrono::Utc::now()))
                .await?;
            return Err(error);
        }
        self.scheduler.wake();
        Ok(changed)
    }

    /// All options that a connector needs, with the secrets that stay.
    fn completed(&self, mut options: Options, kept: &Options, form: &Form) -> Result<Options> {
        for (key, value) in kept {
            if form.schema.is_secret(key) && options.get(key).is_none_or(String::is_empty) {
                options.insert(key.clone(), value.clone());
            }
        }
        let mut options = self.to_keep(&options, kept, Some(&form.schema))?;
        check(form, &options)?;
        options.retain(|_, value| !value.is_empty());
        Ok(options)
    }

    /// The second store that is meant, in `spec`; gives it if it is another or has other options. What
    /// an app had stays, if it is still apart from all else.
    async fn edit_second(
        &self,
        old: &AppSpec,
        spec: &mut AppSpec,
        wish: Option<SecondStore>,
        source: &Options,
        of_store: Option<&(Name, Options)>,
        skip_test: bool,
    ) -> Result<Option<SettledStore>> {
        let wish = match (wish, old.second_store.as_ref()) {
            (Some(wish), _) => wish,
            (None, Some(kept)) => SecondStore { place: kept.clone(), ..SecondStore::default() },
            (None, None) => return Ok(None),
        };
        if wish.place.trim().is_empty() {
            spec.second_store = None;
            return Ok(None);
        }
        let Some(text) = spec.store.clone() else {
            return Err(Error::Input("second store: a destination has none; leave it out".into()));
        };
        let same = old.second_store.as_deref() == Some(wish.place.trim());
        let is_plain = wish.options.is_empty() && !wish.create;
        if same && is_plain && old.store == spec.store {
            spec.second_store.clone_from(&old.second_store);
            return Ok(None);
        }
        let first = FirstStore { text: &text, entry: of_store, source, app: &spec.name };
        let settled = self.settle_second(&wish, &first, skip_test).await?;
        spec.second_store = Some(settled.text.clone());
        Ok(Some(settled))
    }

    /// Removes an app, its schedules, tasks and logs, and its configuration, unless Plakar had that
    /// before. What it backed up stays in its store.
    ///
    /// # Errors
    /// A task of it runs.
    pub async fn remove(&self, id: AppId) -> Result<()> {
        let app = self.app(id).await?;
        self.to_the_end(|service| async move { service.remove_whole(app).await }).await
    }

    async fn remove_whole(&self, app: App) -> Result<()> {
        let id = app.id;
        self.state(move |state| state.remove_app(id)).await?;
        if app.adopted {
            return Ok(());
        }
        let (kind, name) = (configuration_kind(app.spec.kind), Name::new(&app.spec.entry)?);
        let removed = self.plakar.unconfigure(kind, &name).await;
        // The app is gone, and nobody looks for a login of it any more.
        removed.map_err(|error| {
            let (app, word) = (app.spec.name, kind.word());
            plakar_driver::Error::Refused(format!(
                "the app {app} is removed, but Plakar's configuration still has its {word} {name} with the login ({error}); remove that: plakar {word} rm {name}"
            ))
            .into()
        })
    }

    /// An app's configuration, by the fields of its form, without the values of secrets.
    ///
    /// # Errors
    /// Plakar cannot be run, or the integration is gone.
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
                // A name is no secret.
                value: value
                    .and_then(|value| if secret { name_of(value) } else { Some(value.clone()) }),
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_has_no_password_in_it() {
        let options = |key: &str| {
            Options::from([
                ("location".into(), "opendrive://".into()),
                (key.into(), "hunter2".into()),
            ])
        };
        let edit = Edit {
            options: Some(options("password")),
            store_options: options("passphrase"),
            ..Edit::default()
        };
        let printed = format!("{edit:?}");
        assert!(printed.contains("opendrive://") && !printed.contains("hunter2"), "{printed}");
    }
}
