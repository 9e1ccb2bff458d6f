//! The stores of Plakar's configuration.

use super::error::Result;
use super::handle::Service;
use super::places::{plain_name, without_password};
use super::settle_store::StoreWish;
use crate::state::{ChangeAction, ChangeSubject, StateError};
use plakar_driver::{Kind, Name, Options, is_temporary};

/// A store of Plakar's configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StoreChoice {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
}

impl Service {
    /// The stores of Plakar's configuration, but those that a running restore has for itself.
    ///
    /// # Errors
    /// Plakar cannot be run.
    pub async fn stores(&self) -> Result<Vec<StoreChoice>> {
        let all = self.plakar.configurations(Kind::Store).await?;
        let choice = |(name, mut options): (String, Options)| StoreChoice {
            name,
            location: without_password(&options.remove("location").unwrap_or_default()),
        };
        Ok(all.into_iter().filter(|(name, _)| !is_temporary(name)).map(choice).collect())
    }

    /// Makes a store known to Plakar, if it is not, and opens it: its entry is in Plakar's
    /// configuration then. Gives how an app refers to it.
    ///
    /// # Errors
    /// It cannot be opened, or its entry was changed meanwhile.
    pub async fn open_store(&self, text: &str, options: &Options) -> Result<String> {
        let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let wish = StoreWish {
            text,
            options,
            create: false,
            unencrypted: false,
            uncompressed: false,
            skip_test: false,
            name: &plain_name(last),
            source: &Options::new(),
        };
        let settled = self.settle_store(&wish).await?;
        let before: Vec<_> = settled.before().into_iter().collect();
        if let Some(entry) = settled.entry {
            let save = |service: Self| async move { service.save_store(entry, before).await };
            self.to_the_end(save).await?;
        }
        Ok(settled.text)
    }

    /// Writes the entry of a store that was like this when it was opened, and records it.
    async fn save_store(
        &self,
        entry: (Name, Options),
        before: Vec<(Kind, Name, Options)>,
    ) -> Result<()> {
        if let Some(name) = self.changed_since(&before).await? {
            return Err(StateError::changed_meanwhile("store", name.as_str()).into());
        }
        let fields = self.store_changes(&[("options", Some(&entry))]).await?;
        let is_new = fields.iter().all(|field| field.before.is_none());
        let action = if is_new { ChangeAction::Added } else { ChangeAction::Changed };
        let (name, options) = entry;
        self.plakar.configure(Kind::Store, &name, &options).await?;
        self.record(ChangeSubject::Store, action, name.to_string(), fields).await
    }
}
