//! Assign an app. Credentials go into Plakar's configuration and nowhere else, and only after the
//! drive has taken them.

use std::fmt;

use serde::Deserialize;

use super::error::{Error, Result};
use super::handle::Service;
use super::integrations::{BUILT_IN, Form};
use super::second_store::SecondStore;
use crate::model::{BackupOptions, CopyRange, Protection, Retention};
use crate::state::{App, AppKind, Resource};
use plakar_driver::schema::Fault;
use plakar_driver::{Options, mask};

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
    /// Whether it is made without compression, which costs processor time and saves nothing of photos,
    /// films and archives.
    #[serde(default)]
    pub uncompressed: bool,
    /// Of a source: where its restore points are copied to, if anywhere.
    #[serde(default)]
    pub second_store: Option<SecondStore>,
    /// Which of them are copied there.
    #[serde(default)]
    pub copy_range: CopyRange,
    /// Whether it is saved without a test of the login and the store, for a drive that is away now.
    #[serde(default)]
    pub skip_test: bool,
    /// Its own retention.
    #[serde(default)]
    pub retention: Retention,
    /// How it is looked after.
    #[serde(default)]
    pub protection: Protection,
    /// What of a source is backed up, how, and under which labels.
    #[serde(default)]
    pub backup: BackupOptions,
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
            .field("second_store", &self.second_store)
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
        let prepared = self.prepare(assign).await?;
        self.to_the_end(|service| async move { service.save(prepared).await }).await
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
            uncompressed: false,
            second_store: None,
            copy_range: CopyRange::default(),
            skip_test: false,
            retention: Retention::default(),
            protection: Protection::default(),
            backup: BackupOptions::default(),
        };
        let printed = format!("{assign:?}");
        assert!(printed.contains("opendrive://") && !printed.contains("hunter2"), "{printed}");
    }
}
