//! What an app's store needs to be used: a name in Plakar's configuration if it has a passphrase or is
//! on a drive, and to be made if there is none.

use std::collections::BTreeMap;

use super::error::{Error, Result};
use super::handle::Service;
use super::named_secrets::secret_of;
use super::places::{free_name, is_place, local_folder, same_place, without_password};
use super::references::store;
use super::strength::Strength;
use super::trial::Trial;
use plakar_driver::packages::ConnectorKind;
use plakar_driver::schema::Fault;
use plakar_driver::{Kind, Name, NewStore, Options, StoreState};

/// A key of a store's options.
pub(super) const PASSPHRASE: &str = "passphrase";

/// The keys of a store's faults begin so, for they are asked for beside those of a source.
pub(super) const STORE_PREFIX: &str = "store.";

/// What a user says of an app's store.
pub(super) struct StoreWish<'a> {
    /// The path of a folder, a location such as `opendrive://Backups`, or a name in Plakar's
    /// configuration.
    pub(super) text: &'a str,
    /// What its connector needs, and its passphrase.
    pub(super) options: &'a Options,
    /// Whether one is made if there is none.
    pub(super) create: bool,
    /// Whether it is made without encryption.
    pub(super) unencrypted: bool,
    /// Whether it is made without compression.
    pub(super) uncompressed: bool,
    /// Whether one that is there is not looked at.
    pub(super) skip_test: bool,
    /// What it may be called in Plakar's configuration.
    pub(super) name: &'a str,
    /// The options of what is backed up: a store on the same drive has the same login.
    pub(super) source: &'a Options,
}

/// A store that can be used as soon as its entry is in Plakar's configuration.
pub(super) struct SettledStore {
    /// As the app keeps it.
    pub(super) text: String,
    /// What Plakar's configuration has to have for it.
    pub(super) entry: Option<(Name, Options)>,
    /// What it had when that was made of it; nothing of a new one.
    kept: Options,
}

impl SettledStore {
    /// The entry that is to be written, as it was when it was read.
    pub(super) fn before(&self) -> Option<(Kind, Name, Options)> {
        let (name, _) = self.entry.as_ref()?;
        Some((Kind::Store, name.clone(), self.kept.clone()))
    }
}

/// Says of the options that they are a store's.
fn of_store(error: Error) -> Error {
    let of_store = |fault: Fault| Fault {
        key: fault.key.map(|key| format!("{STORE_PREFIX}{key}")),
        message: format!("the store: {}", fault.message),
    };
    match error {
        Error::Faults(faults) => Error::Faults(faults.into_iter().map(of_store).collect()),
        other => other,
    }
}

fn store_fault(key: &str, message: impl Into<String>) -> Error {
    Error::Faults(vec![Fault {
        key: Some(format!("{STORE_PREFIX}{key}")),
        message: message.into(),
    }])
}

impl Service {
    /// Finds out which store is meant, looks whether it can be opened, and makes it if that is
    /// wished. Plakar's configuration stays as it is.
    ///
    /// # Errors
    /// [`Error::Faults`] for its options, by keys that begin with `store.`; the store cannot be
    /// opened or made.
    pub(super) async fn settle_store(&self, wish: &StoreWish<'_>) -> Result<SettledStore> {
        let (text, entry) = self.entry_of(wish).await?;
        let of_entry = entry.options.as_ref().and_then(|(_, options)| options.get("location"));
        not_somebody_elses(of_entry.map_or(wish.text, String::as_str))?;
        let reference = store(&text)?;
        let trial = Trial::new(&self.plakar)?;
        if let Some((name, options)) = &entry.options {
            trial.plakar.configure(Kind::Store, name, options).await?;
        }
        let Entry { options, kept, changed } = entry;
        let settled = SettledStore { text, entry: options.filter(|_| changed), kept };
        if wish.skip_test && !wish.create {
            return Ok(settled);
        }
        let shown = without_password(wish.text);
        match trial.plakar.store_state(&reference).await? {
            StoreState::Ready => {
                if wish.options.contains_key(PASSPHRASE) {
                    self.refuse_needless_passphrase(&shown, &settled).await?;
                }
            }
            StoreState::BadPassphrase(reason) => {
                return Err(plakar_driver::Error::Passphrase(reason).into());
            }
            StoreState::Unavailable(reason) if !wish.create => {
                return Err(Error::Untested(format!(
                    "there is no store that can be opened at {shown} ({reason})"
                )));
            }
            StoreState::Unavailable(_) => {
                let encrypted = self.encrypted(wish, settled.entry.as_ref(), &reference).await?;
                let new = NewStore { encrypted, compressed: !wish.uncompressed };
                trial.plakar.create_store(&reference, new).await.map_err(|error| {
                    match error {
                        plakar_driver::Error::Refused(said) if said.ends_with("is not empty") => {
                            Error::Input(format!(
                                "store: {shown} has other files in it and is no store; write a folder that is empty or not there yet"
                            ))
                        }
                        error => error.into(),
                    }
                })?;
            }
        }
        Ok(settled)
    }

    /// The entry of the store that is meant, and how the app refers to it.
    async fn entry_of(&self, wish: &StoreWish<'_>) -> Result<(String, Entry)> {
        let all = self.plakar.configurations(Kind::Store).await?;
        let known = if is_place(wish.text) {
            let location = |options: &Options| options.get("location").cloned().unwrap_or_default();
            all.iter()
                .find(|(_, options)| same_place(&location(options), wish.text))
                .map(|(name, _)| name.clone())
        } else {
            store(wish.text)?;
            let name = wish.text.trim_start_matches('@');
            if !all.contains_key(name) {
                return Err(no_such_store(name, &all));
            }
            Some(name.to_owned())
        };
        let folder = wish.text.starts_with('/');
        let (name, kept) = match known.map(|name| Name::new(&name)) {
            // One whose name cannot be handed to Plakar safely is used as the folder that it is.
            Some(Ok(name)) => {
                let kept = self.plakar.configured(Kind::Store, &name).await?;
                (name, Some(kept))
            }
            _ if folder && wish.options.is_empty() => {
                return Ok((wish.text.to_owned(), Entry::default()));
            }
            _ => (free_name(wish.name, &all)?, None),
        };
        let mut options = kept
            .clone()
            .unwrap_or_else(|| Options::from([("location".to_owned(), wish.text.to_owned())]));
        let before = kept.clone().unwrap_or_default();
        options.extend(self.to_keep(wish.options, &before, None).map_err(of_store)?);
        options.retain(|_, value| !value.is_empty());
        if kept.is_none() {
            self.take_login(&mut options, wish.source).await?;
        }
        let changed = kept.is_none_or(|kept| kept != options);
        let text = name.to_string();
        Ok((text, Entry { options: Some((name, options)), kept: before, changed }))
    }

    /// Fills in what a new store's connector lacks and what is backed up has on the same drive, and
    /// checks all of it.
    async fn take_login(&self, options: &mut Options, source: &Options) -> Result<()> {
        let location = options.get("location").cloned().unwrap_or_default();
        if local_folder(&location).is_some() {
            return Ok(());
        }
        let form = self.form_for(ConnectorKind::Storage, &location).await?;
        let protocol =
            |location: &str| location.split_once(':').map(|(protocol, _)| protocol.to_owned());
        let of_source = source.get("location").and_then(|location| protocol(location));
        if of_source == protocol(&location) {
            let missing = form.schema.faults(options).into_iter().filter_map(|fault| fault.key);
            for key in missing.collect::<Vec<_>>() {
                if let (false, Some(value)) = (options.contains_key(&key), source.get(&key)) {
                    options.insert(key, value.clone());
                }
            }
        }
        let faults = form.schema.faults(options);
        if faults.is_empty() {
            return Ok(());
        }
        Err(of_store(Error::Faults(faults)))
    }

    /// Whether a store that is made is encrypted. It is, but for one who says otherwise.
    async fn encrypted(
        &self,
        wish: &StoreWish<'_>,
        entry: Option<&(Name, Options)>,
        reference: &plakar_driver::Store,
    ) -> Result<bool> {
        let kept = match (entry, reference.name()) {
            (Some((_, options)), _) => options.clone(),
            (None, Some(name)) => self.plakar.configured(Kind::Store, name).await?,
            (None, None) => Options::new(),
        };
        let shown = without_password(wish.text);
        let passphrase = kept.get(PASSPHRASE);
        let by_command = kept.contains_key("passphrase_cmd");
        if wish.unencrypted {
            if passphrase.is_some() || by_command {
                return Err(store_fault(
                    PASSPHRASE,
                    format!(
                        "the store {shown} has a passphrase: make it encrypted, or leave the passphrase out"
                    ),
                ));
            }
            return Ok(false);
        }
        let by_variable = reference.name().is_some() && self.plakar.has_passphrase_variable();
        match passphrase {
            Some(passphrase) => {
                let known = [wish.name, reference.name().map_or("", Name::as_str)];
                let passphrase = secret_of(passphrase).await?;
                strong_enough(&passphrase, &known)?;
                Ok(true)
            }
            None if by_command || by_variable => Ok(true),
            None => Err(store_fault(
                PASSPHRASE,
                format!(
                    "the new store {shown} has no passphrase: give one, or say that it is to be made without encryption"
                ),
            )),
        }
    }

    /// A passphrase for a store that has none would make one believe that it is encrypted.
    async fn refuse_needless_passphrase(&self, shown: &str, settled: &SettledStore) -> Result<()> {
        let Some((name, options)) = &settled.entry else { return Ok(()) };
        if self.plakar.has_passphrase_variable() {
            return Ok(());
        }
        let trial = Trial::new(&self.plakar)?;
        let mut without = options.clone();
        without.retain(|key, _| key != PASSPHRASE);
        trial.plakar.configure(Kind::Store, name, &without).await?;
        match trial.plakar.store_state(&store(name.as_str())?).await? {
            StoreState::Ready => Err(store_fault(
                PASSPHRASE,
                format!(
                    "the store {shown} is there already and is not encrypted: leave the passphrase out, or name another place"
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// # Errors
/// The folder of a store belongs to another user of this machine. Who may do everything may use it.
#[cfg(unix)]
fn not_somebody_elses(location: &str) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let Some(folder) = local_folder(location) else { return Ok(()) };
    let Ok(found) = std::fs::metadata(&folder) else { return Ok(()) };
    match somebody_else(found.uid(), rustix::process::geteuid().as_raw()) {
        None => Ok(()),
        Some(owner) => Err(Error::Input(format!(
            "store: the folder {} belongs to another user of this machine (number {owner}); write a folder of your own, or have it given to you by `chown`",
            folder.display()
        ))),
    }
}

#[cfg(not(unix))]
fn not_somebody_elses(_: &str) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn somebody_else(owner: u32, us: u32) -> Option<u32> {
    (owner != us && us != 0).then_some(owner)
}

/// An entry as it has to be, as Plakar has it, and whether that differs.
#[derive(Default)]
struct Entry {
    options: Option<(Name, Options)>,
    kept: Options,
    changed: bool,
}

fn no_such_store(name: &str, all: &BTreeMap<String, Options>) -> Error {
    let known: Vec<&str> = all.keys().map(String::as_str).collect();
    let known = if known.is_empty() {
        "there are none yet: see `plakar store add`".to_owned()
    } else {
        known.join(", ")
    };
    Error::Input(format!(
        "Plakar has no store named {name}; write an absolute path, a place such as opendrive://Backups, or one of its stores ({known})"
    ))
}

/// # Errors
/// A passphrase that is guessed.
fn strong_enough(passphrase: &str, known: &[&str]) -> Result<()> {
    if Strength::of(passphrase, known) > Strength::Weak {
        return Ok(());
    }
    Err(store_fault(
        PASSPHRASE,
        "the passphrase of the store is weak, it would be guessed: take four words that do not go together, or 14 letters and digits at random",
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_another_user_is_no_store_of_ours() {
        assert_eq!(
            [somebody_else(7, 7), somebody_else(7, 8), somebody_else(7, 0)],
            [None, Some(7), None]
        );
        let folder = tempfile::tempdir().unwrap();
        not_somebody_elses(folder.path().to_str().unwrap()).unwrap();
        not_somebody_elses("/no/such/folder").unwrap();
        not_somebody_elses("opendrive://Backups").unwrap();
    }
}
