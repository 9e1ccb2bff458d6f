//! Where an app's restore points are copied to: another place than all that it could be lost with.

use std::time::Duration;

use serde::Deserialize;

use super::apart::location;
use super::error::{Error, Result};
use super::handle::Service;
use super::places::{is_place, local_folder, plain_name, same_place, without_password};
use super::references::{same_store, store};
use super::settle_store::{STORE_PREFIX, SettledStore, StoreWish};
use super::trial::Trial;
use plakar_driver::{Browsers, Kind, Name, Options, is_within, mask};

/// The keys of a second store's faults begin so.
pub(super) const SECOND_PREFIX: &str = "second_store.";

/// For how long a browser of what is tried is kept.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// What a user says of an app's second store.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondStore {
    /// The path of a folder, a place such as `opendrive://Backups`, or the name of a store of
    /// Plakar; empty for none.
    pub place: String,
    /// What its connector needs and Plakar's configuration does not have, its `passphrase` too.
    #[serde(default)]
    pub options: Options,
    /// Whether it is made if there is none: with a passphrase, but for `unencrypted`.
    #[serde(default)]
    pub create: bool,
    /// Whether it is made without encryption.
    #[serde(default)]
    pub unencrypted: bool,
    /// Whether it is made without compression, which costs processor time and saves nothing of photos,
    /// films and archives.
    #[serde(default)]
    pub uncompressed: bool,
}

/// Without the values of secrets.
impl std::fmt::Debug for SecondStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (place, mut options) = (&self.place, self.options.clone());
        mask(&mut options);
        let mut out = out.debug_struct("SecondStore");
        out.field("place", place).field("options", &options).finish_non_exhaustive()
    }
}

/// What the second store has to be apart from.
pub(super) struct FirstStore<'a> {
    /// As the app names it.
    pub(super) text: &'a str,
    /// What of it is not in Plakar's configuration yet.
    pub(super) entry: Option<&'a (Name, Options)>,
    /// The options of what is backed up.
    pub(super) source: &'a Options,
    /// The app's name.
    pub(super) app: &'a str,
}

/// Says of which store it is.
pub(super) fn of_second(error: Error) -> Error {
    let renamed = |message: String| match message.strip_prefix("store: ") {
        Some(rest) => format!("second store: {rest}"),
        None => format!("second store: {message}"),
    };
    match error {
        Error::Input(message) => Error::Input(renamed(message)),
        Error::Untested(message) => Error::Untested(renamed(message)),
        Error::Plakar(plakar_driver::Error::Refused(message)) => {
            Error::Plakar(plakar_driver::Error::Refused(renamed(message)))
        }
        Error::Plakar(plakar_driver::Error::Passphrase(message)) => {
            Error::Plakar(plakar_driver::Error::Passphrase(renamed(message)))
        }
        Error::Faults(mut faults) => {
            for fault in &mut faults {
                let key = fault.key.as_deref().map(|key| {
                    format!("{SECOND_PREFIX}{}", key.strip_prefix(STORE_PREFIX).unwrap_or(key))
                });
                fault.key = key;
                fault.message = renamed(std::mem::take(&mut fault.message));
            }
            Error::Faults(faults)
        }
        other => other,
    }
}

impl Service {
    /// Finds out which store is meant as the second one, and makes it if that is wished. Plakar's
    /// configuration stays as it is.
    ///
    /// # Errors
    /// It is the first store, lies in it or in what is backed up, or is somebody else's; as
    /// [`Service::settle_store`], by keys that begin with `second_store.`.
    pub(super) async fn settle_second(
        &self,
        wish: &SecondStore,
        first: &FirstStore<'_>,
        skip_test: bool,
    ) -> Result<SettledStore> {
        let place = wish.place.trim();
        self.apart_from_first(place, first).await?;
        self.apart_from(first.source, place).await.map_err(of_second)?;
        let settled = self
            .settle_store(&StoreWish {
                text: place,
                options: &wish.options,
                create: wish.create,
                unencrypted: wish.unencrypted,
                uncompressed: wish.uncompressed,
                skip_test,
                name: &format!("{}-copy", plain_name(first.app)),
                source: first.source,
            })
            .await
            .map_err(of_second)?;
        if settled.text.trim_start_matches('@') == first.text.trim_start_matches('@') {
            return Err(same_store(&without_password(place)));
        }
        if !skip_test {
            self.another_repository(&settled, first).await?;
        }
        Ok(settled)
    }

    /// By their places.
    async fn apart_from_first(&self, place: &str, first: &FirstStore<'_>) -> Result<()> {
        let of = async |text: &str, entry: Option<&(Name, Options)>| match entry {
            Some((_, options)) => Ok::<_, Error>(location(options).to_owned()),
            None if is_place(text) => Ok(text.to_owned()),
            None => Ok(location(&self.store_options(text).await?).to_owned()),
        };
        let (one, other) = (of(first.text, first.entry).await?, of(place, None).await?);
        let shown = without_password(&other);
        if place.trim_start_matches('@') == first.text.trim_start_matches('@')
            || (!other.is_empty() && same_place(&one, &other))
        {
            return Err(same_store(&shown));
        }
        if let (Some(one), Some(other)) = (local_folder(&one), local_folder(&other))
            && (is_within(&one, &other) || is_within(&other, &one))
        {
            return Err(Error::Input(format!(
                "second store: {shown} and the first store {} lie in one another: they would be lost together; write a folder apart, best on another disk",
                one.display()
            )));
        }
        Ok(())
    }

    /// By what they say of themselves. It has to open with what Plakar's configuration will have,
    /// too.
    async fn another_repository(
        &self,
        second: &SettledStore,
        first: &FirstStore<'_>,
    ) -> Result<()> {
        let trial = Trial::new(&self.plakar)?;
        let browsers = Browsers::new(TRIAL_TIMEOUT);
        let mut ids = Vec::new();
        let both =
            [(first.text, first.entry.cloned()), (second.text.as_str(), second.entry.clone())];
        for (text, entry) in both {
            let reference = store(text)?;
            let entry = match (entry, reference.name()) {
                (Some(entry), _) => Some(entry),
                (None, Some(name)) => {
                    Some((name.clone(), self.plakar.configured(Kind::Store, name).await?))
                }
                (None, None) => None,
            };
            if let Some((name, options)) = &entry {
                trial.plakar.configure(Kind::Store, name, options).await?;
            }
            let opened = async { browsers.of(&trial.plakar, &reference).await?.repository().await };
            match opened.await {
                Ok(repository) => ids.push((reference, repository)),
                // A first store that is away now says nothing of the second one.
                Err(_) if ids.is_empty() && text == first.text => return Ok(()),
                Err(error) => return Err(of_second(error.into())),
            }
        }
        if let [(_, one), (reference, other)] = &ids[..] {
            if one.id == other.id {
                return Err(same_store(&second.text));
            }
            trial.plakar.opens_as_second(reference, other.encrypted).await?;
        }
        Ok(())
    }
}
