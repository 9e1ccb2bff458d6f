//! The form of an app: what its user says of it, with all that is wrong beside it.

use std::collections::BTreeMap;

use super::backup_form::{backup_fields, posted_backup};
use super::error::sentence;
use super::form_data::FormData;
use super::forms::{CheckboxGroup, Field, OPTION_PREFIX, retention_fields};
use super::protection_form::{posted_protection, protection_fields};
use super::second_store_fields::{
    SECOND_PASSPHRASE, SECOND_PREFIX, SecondStoreFields, posted_copy_range, posted_second_store,
    second_store_fields,
};
use super::store_fields::{
    NewStoreChoice, NewStoreFields, PASSPHRASE, PASSPHRASE_AGAIN, STORE_PREFIX, new_store_fields,
    posted_store_options,
};
use plakar_driver::Options;
use plakar_driver::schema::{self, Fault};
use source_app::model::Invalid;
use source_app::service::{
    ConfiguredField, Error, Form, Problem, SecondStore, Service, StoreChoice, Suggestions,
};
use source_app::state::{AppKind, AppSpec, Resource};

/// What stands in a form, from an app or as it was posted.
pub struct AppForm {
    /// Integration and protocol too; `entry` says nothing.
    pub spec: AppSpec,
    /// What the connector needs, without what is left empty.
    pub options: Options,
    /// What the store needs that Plakar does not have, its passphrase too.
    pub store_options: Options,
    /// How a store is made, if it is to be made.
    pub new_store: NewStoreChoice,
    /// Where restore points are copied to.
    pub second: SecondStore,
    /// Whether it is saved without a test.
    pub skip_test: bool,
    /// What is wrong, by the names of fields.
    pub faults: BTreeMap<String, String>,
    /// What is wrong in no single field.
    pub general: Vec<String>,
    retention: Vec<Field>,
    protection: Vec<Field>,
    backup: Vec<Field>,
}

/// The fields that a template shows.
pub struct AppFields {
    pub name: Field,
    pub environment: Field,
    pub classes: CheckboxGroup,
    pub options: Vec<Field>,
    /// Those that have a default.
    pub more: Vec<Field>,
    pub more_open: bool,
    pub store: Field,
    pub new_store: NewStoreFields,
    pub second: SecondStoreFields,
    pub skip_test: Field,
    pub retention: Vec<Field>,
    pub protection: Vec<Field>,
    pub backup: Vec<Field>,
    /// Whether what of the source is backed up is shown at once.
    pub backup_open: bool,
    pub faults: Vec<String>,
}

impl AppForm {
    /// With nothing wrong.
    pub fn new(spec: AppSpec, options: Options) -> Self {
        let retention = retention_fields(spec.retention);
        let protection = protection_fields(&spec.protection);
        let backup = backup_fields(&spec.backup);
        let place = spec.second_store.clone().unwrap_or_default();
        let second = SecondStore { create: place.is_empty(), place, ..SecondStore::default() };
        Self {
            second,
            spec,
            options,
            store_options: Options::new(),
            new_store: NewStoreChoice::DEFAULT,
            skip_test: false,
            faults: BTreeMap::new(),
            general: Vec::new(),
            retention,
            protection,
            backup,
        }
    }

    /// What was posted for an app of this kind, resource, integration and protocol.
    pub fn posted(posted: &FormData, base: AppSpec) -> Self {
        let (retention, fields) = posted.retention();
        let (protection, shown) = posted_protection(posted, &base.protection);
        let (backup, chosen) = posted_backup(posted, &base.backup);
        let store = (base.kind == AppKind::Source).then(|| posted.get("store").to_owned());
        let (copy_range, wrong_range) = posted_copy_range(posted);
        let posted_place = posted.get("second_store").trim().to_owned();
        let spec = AppSpec {
            name: posted.get("name").to_owned(),
            environment: posted.get("environment").to_owned(),
            data_classes: posted.several("class"),
            second_store: Some(posted_place).filter(|place| !place.is_empty()),
            copy_range,
            store,
            retention,
            protection,
            backup,
            ..base
        };
        let filled = posted.under(OPTION_PREFIX).filter(|(_, value)| !value.trim().is_empty());
        // Spaces are a part of a secret, and a slip anywhere else.
        let value = |key: &str, value: &str| {
            if schema::is_secret(key) { value.to_owned() } else { value.trim().to_owned() }
        };
        let options = filled.map(|(key, text)| (key.to_owned(), value(key, text))).collect();
        let mut faults: BTreeMap<String, String> = fields
            .iter()
            .chain(&shown)
            .chain(&chosen)
            .filter_map(|field| Some((field.name.clone(), field.error.clone()?)))
            .collect();
        let store_options = posted_store_options(posted);
        let (second, fault) = posted_second_store(posted);
        faults.extend(fault);
        faults.extend(wrong_range);
        let again = posted.raw(PASSPHRASE_AGAIN).unwrap_or_default();
        if store_options.get(PASSPHRASE).map_or("", String::as_str) != again {
            let message = "This is not what was entered above; enter the passphrase twice.";
            faults.insert(PASSPHRASE_AGAIN.into(), message.into());
        }
        Self {
            options,
            store_options,
            new_store: NewStoreChoice::posted(posted),
            second,
            skip_test: posted.ticked("skip_test"),
            faults,
            general: Vec::new(),
            retention: fields,
            protection: shown,
            backup: chosen,
            ..Self::new(spec, Options::new())
        }
    }

    /// Whether nothing is known to be wrong.
    pub fn is_fine(&self) -> bool {
        self.faults.is_empty() && self.general.is_empty()
    }

    /// Notes all that can be told before it is tried. `kept` are the keys of secrets that are set
    /// and stay.
    pub fn check(&mut self, form: Option<&Form>, kept: &[String]) {
        for (field, message) in by_field(self.spec.faults()) {
            self.faults.entry(field).or_insert(message);
        }
        if let Some(form) = form {
            let mut options = self.options.clone();
            let unknown: Vec<&String> =
                kept.iter().filter(|key| !options.contains_key(*key)).collect();
            let filled: Vec<_> =
                unknown.iter().map(|key| ((*key).clone(), "x".to_owned())).collect();
            options.extend(filled);
            let faults = form.schema.faults(&options);
            let known =
                |fault: &Fault| fault.key.as_ref().is_none_or(|key| !unknown.contains(&key));
            self.add(faults.into_iter().filter(known).collect());
        }
    }

    /// Notes a store that Plakar does not have. The one that the app has already stays; and while
    /// Plakar's stores cannot be read, none of them is known not to be there.
    pub fn check_store(&mut self, stores: Option<&[StoreChoice]>, kept: Option<&str>) {
        let store = self.spec.store.as_deref().unwrap_or_default();
        let Some(stores) = stores else { return };
        let is_place = store.is_empty() || store.starts_with('/') || store.contains("://");
        let name = store.trim_start_matches('@');
        if is_place || kept == Some(store) || stores.iter().any(|known| known.name == name) {
            return;
        }
        let message = "Plakar has no such store; write an absolute path, a place such as opendrive://Backups, or the name of one of its stores.";
        self.faults.entry("store".into()).or_insert_with(|| message.into());
    }

    /// Notes what the service says.
    pub fn refused(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::Faults(faults) => self.add(faults),
            Error::Plakar(plakar_driver::Error::Passphrase(message)) => {
                let second = message.starts_with("second store: ");
                let field = if second { SECOND_PASSPHRASE } else { PASSPHRASE };
                self.faults.insert(field.into(), sentence(&message));
            }
            error if matches!(error.problem(), Problem::Internal | Problem::NotFound) => {
                return Err(error);
            }
            error => {
                let text = error.to_string();
                // What says its field's name first: `ignore: …`.
                let named = ["ignore", "folders", "labels", "concurrency"]
                    .into_iter()
                    .find(|name| text.starts_with(&format!("{name}: ")));
                let field = [
                    ("second store: ", "second_store"),
                    ("choose another name", "name"),
                    ("name for the resource", "resource"),
                    ("no store named", "store"),
                    ("no store that can be opened", "store"),
                ];
                let message = sentence(&text);
                let found = field.iter().find(|(words, _)| text.contains(words));
                match named.or(found.map(|(_, field)| *field)) {
                    Some(field) => drop(self.faults.insert(field.to_owned(), message)),
                    None => self.general.push(message),
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, faults: Vec<Fault>) {
        for Fault { key, message } in faults {
            match key {
                Some(key) => {
                    let second = key.strip_prefix(SECOND_PREFIX);
                    let field = match (second, key.strip_prefix(STORE_PREFIX)) {
                        (Some(PASSPHRASE), _) => SECOND_PASSPHRASE.to_owned(),
                        // Its login is that of the drive, or Plakar's configuration has it.
                        (Some(_), _) => "second_store".to_owned(),
                        (None, Some(PASSPHRASE)) => PASSPHRASE.to_owned(),
                        (None, Some(_)) => key,
                        (None, None) => format!("{OPTION_PREFIX}{key}"),
                    };
                    self.faults.entry(field).or_insert_with(|| sentence(&message));
                }
                None => self.general.push(sentence(&message)),
            }
        }
    }

    /// The fields, of these connector's fields; what is wrong in none of them comes above the form.
    pub fn fields(
        mut self,
        form: &[ConfiguredField],
        stores: &[StoreChoice],
        words: &Suggestions,
    ) -> AppFields {
        let mut fault = |name: &str| self.faults.remove(name);
        let spec = &self.spec;
        let name = Field::text("name", "Name", &spec.name).required().fault(fault("name"));
        let environment = Field::text("environment", "Environment", &spec.environment)
            .suggest(words.environments.iter().cloned())
            .help("One of your words, or a new one. Policies go by it.")
            .fault(fault("environment"));
        let classes = CheckboxGroup {
            help: "What kind of data it is. Policies go by it, and restore points carry it.",
            error: fault("class"),
            ..CheckboxGroup::new("class", "Data classes", &words.data_classes, &spec.data_classes)
        };
        let store = Field::text("store", "Store", spec.store.as_deref().unwrap_or_default())
            .required()
            .suggest(stores.iter().map(|store| store.name.clone()))
            .help("Where backups go: the absolute path of a folder, a place on a drive such as opendrive://Backups, or the name of a store of Plakar.")
            .fault(fault("store"));
        let second =
            second_store_fields((&self.second, &spec.copy_range), stores, &mut self.faults);
        let mut fault = |name: &str| self.faults.remove(name);
        let mut with_faults = |fields: Vec<Field>| -> Vec<Field> {
            let with_fault = |field: Field| {
                let error = fault(&field.name);
                field.fault(error)
            };
            fields.into_iter().map(with_fault).collect()
        };
        let (retention, protection) = (with_faults(self.retention), with_faults(self.protection));
        let backup = with_faults(self.backup);
        let backup_open =
            backup.iter().any(|field| field.error.is_some() || !field.value.is_empty());
        let new_store = new_store_fields(self.new_store, &self.store_options, &self.faults);
        let skip_test = Field::checkbox("skip_test", "Save without a test", self.skip_test)
            .help("For a drive that is away now. Otherwise the login and the store are tested first, and nothing is saved if they are refused.");
        let option = |field: &ConfiguredField| {
            let value = self.options.get(&field.field.key).or(field.value.as_ref());
            let shown = Field::option(&field.field, value.map(String::as_str), field.set);
            let error = self.faults.get(&shown.name).cloned();
            shown.fault(error)
        };
        let (more, needed): (Vec<_>, Vec<_>) =
            form.iter().partition(|field| field.field.default.is_some() && !field.field.required);
        let options: Vec<Field> = needed.into_iter().map(option).collect();
        let more: Vec<Field> = more.into_iter().map(option).collect();
        let beside = [&new_store.passphrase, &new_store.again].into_iter().chain(&new_store.login);
        let shown: Vec<&str> =
            options.iter().chain(&more).chain(beside).map(|field| field.name.as_str()).collect();
        let others = self
            .faults
            .iter()
            .filter(|(name, _)| !shown.contains(&name.as_str()))
            .map(|(_, message)| message.clone());
        let faults = self.general.into_iter().chain(others).collect();
        let more_open = more.iter().any(|field| field.error.is_some() || !field.value.is_empty());
        AppFields {
            name,
            environment,
            classes,
            options,
            more,
            more_open,
            store,
            new_store,
            second,
            skip_test,
            retention,
            protection,
            backup,
            backup_open,
            faults,
        }
    }
}

/// The fields of a connector that go with its protocol; those that it needs with it are required.
pub fn connector_fields(form: &Form) -> Vec<ConfiguredField> {
    let location = format!("{}://", form.protocol);
    let alone = Options::from([("location".to_owned(), location.clone())]);
    let missing: Vec<String> =
        form.schema.faults(&alone).into_iter().filter_map(|fault| fault.key).collect();
    let goes = |key: &str| {
        let mut with = alone.clone();
        with.entry(key.to_owned()).or_insert_with(|| "x".to_owned());
        !form.schema.faults(&with).iter().any(|fault| {
            fault.key.as_deref() == Some(key) && fault.message.contains("does not go with")
        })
    };
    let fields = form.schema.fields().iter().filter(|field| goes(&field.key));
    let field = |field: &schema::Field| {
        let required = field.required || missing.contains(&field.key);
        let value = (field.key == "location").then(|| location.clone());
        ConfiguredField { field: schema::Field { required, ..field.clone() }, value, set: false }
    };
    fields.map(field).collect()
}

/// The form's field for what is wrong in an app's; none for what no form asks for.
fn field_of(name: &str) -> Option<&str> {
    match name {
        "class" => Some("resource_class"),
        "data_classes" => Some("class"),
        "copy_range" => Some("copy_newest"),
        "integration" | "protocol" | "entry" => None,
        name => Some(name),
    }
}

/// Faults by the names of the form's fields.
fn by_field(faults: Vec<(&'static str, Invalid)>) -> impl Iterator<Item = (String, String)> {
    faults.into_iter().filter_map(|(name, fault)| {
        Some((field_of(name)?.to_owned(), sentence(&fault.to_string())))
    })
}

/// The faults of a resource alone: the beginning of the form. What is empty is filled in later.
pub fn resource_faults(resource: &Resource) -> BTreeMap<String, String> {
    let or = |text: &str| if text.is_empty() { "x".to_owned() } else { text.to_owned() };
    let filled = Resource {
        name: or(&resource.name),
        class: or(&resource.class),
        subclass: resource.subclass.clone(),
    };
    by_field(filled.faults()).collect()
}

/// What Plakar's stores are; nothing if it cannot be asked.
pub async fn stores(service: &Service) -> Option<Vec<StoreChoice>> {
    let stores = service.stores().await;
    stores.inspect_err(|error| tracing::warn!(%error, "no stores to suggest")).ok()
}

/// The words to suggest.
pub async fn words(service: &Service) -> Suggestions {
    service.suggestions().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "no words to suggest");
        Suggestions::default()
    })
}
