//! Stores, by the text that an app keeps: the path of a folder, or a name in Plakar's configuration.

use std::path::Path;

use super::{Error, Result, Service};
use crate::plakar::{Kind, Name, Store, StoreState};

/// A store of Plakar's configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StoreChoice {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
}

/// # Errors
/// The text is neither.
pub(super) fn store(text: &str) -> Result<Store> {
    if text.starts_with('/') || Path::new(text).is_absolute() {
        return Ok(Store::folder(Path::new(text))?);
    }
    let name = Name::new(text.strip_prefix('@').unwrap_or(text));
    let wrong = |_| Error::Input(format!("store \"{}\": write an absolute path, or the name of a store of Plakar", text.escape_debug()));
    Ok(Store::named(name.map_err(wrong)?))
}

impl Service {
    /// The stores of Plakar's configuration.
    ///
    /// # Errors
    /// Plakar can't be run.
    pub async fn stores(&self) -> Result<Vec<StoreChoice>> {
        let all = self.plakar.configurations(Kind::Store).await?;
        let choice = |(name, mut options): (String, crate::plakar::Options)| StoreChoice {
            name,
            location: options.remove("location").unwrap_or_default(),
        };
        Ok(all.into_iter().map(choice).collect())
    }

    /// Makes a store at an app's place if there is none. One in a folder is not encrypted: a passphrase needs a store with a name.
    ///
    /// # Errors
    /// The place can't be used, or there is a store whose passphrase is missing.
    pub async fn ensure_store(&self, text: &str) -> Result<()> {
        let store = store(text)?;
        match self.plakar.store_state(&store).await? {
            StoreState::Ready => Ok(()),
            StoreState::Locked(reason) => Err(crate::plakar::Error::Passphrase(reason).into()),
            StoreState::Unavailable(_) => Ok(self.plakar.create_store(&store, self.has_passphrase(text).await?).await?),
        }
    }

    async fn has_passphrase(&self, text: &str) -> Result<bool> {
        if text.starts_with('/') {
            return Ok(false);
        }
        let options = self.plakar.configured(Kind::Store, &Name::new(text.trim_start_matches('@'))?).await?;
        Ok(options.keys().any(|key| key == "passphrase" || key == "passphrase_cmd"))
    }
}
