//! Stores: which one is meant, whether it is there, making it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::configuration::Kind;
use crate::error::{Error, Result};
use crate::folders::absolute_folder;
use crate::names::{Name, SnapshotId};
use crate::process::command::Plakar;
use crate::process::lines::Redactor;

/// A remote store may have to log in first.
const LIMIT: Duration = Duration::from_secs(180);

/// Where snapshots are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store(Which);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Which {
    Named(Name),
    Folder(PathBuf),
}

/// What is at a store's place.
#[derive(Debug)]
pub enum StoreState {
    /// A store that can be used.
    Ready,
    /// None, or none that can be opened; plakar's reason.
    Unavailable(String),
    /// A store whose passphrase is missing or wrong.
    Locked(String),
}

impl Store {
    /// A store of Plakar's configuration.
    pub fn named(name: Name) -> Self {
        Self(Which::Named(name))
    }

    /// A folder of this machine, for a store without passphrase.
    ///
    /// # Errors
    /// [`Error::Input`] for a path that isn't absolute or isn't text.
    pub fn folder(path: &Path) -> Result<Self> {
        absolute_folder("the store's folder", path, &['\n', '\0'])?;
        Ok(Self(Which::Folder(path.to_owned())))
    }

    /// What plakar's `at` takes.
    pub(crate) fn reference(&self) -> String {
        match &self.0 {
            Which::Named(name) => name.reference(),
            Which::Folder(path) => path.display().to_string(),
        }
    }

    /// What must not be seen in the output of a job with this store.
    pub(crate) async fn secrets(&self, plakar: &Plakar) -> Result<Redactor> {
        match &self.0 {
            Which::Named(name) => plakar.secrets(Kind::Store, name).await,
            Which::Folder(_) => Ok(Redactor::default()),
        }
    }
}

impl Plakar {
    /// Looks whether a store is there and can be opened.
    ///
    /// # Errors
    /// Plakar can't be run, or took too long.
    pub async fn store_state(&self, store: &Store) -> Result<StoreState> {
        let secrets = store.secrets(self).await?;
        // It filters for what can't be, so that it prints nothing.
        let job = self.job(["-quiet", "at", &store.reference(), "ls", "-tag", "source-app:none"]).limit(LIMIT).redact(secrets);
        match job.output().await {
            Ok(_) => Ok(StoreState::Ready),
            Err(Error::StoreUnavailable(reason)) => Ok(StoreState::Unavailable(reason)),
            Err(Error::Passphrase(reason)) => Ok(StoreState::Locked(reason)),
            Err(error) => Err(error),
        }
    }

    /// Makes a store. An encrypted one needs a name and the option `passphrase`; plakar wants a strong one.
    ///
    /// # Errors
    /// There is one already, or the connector refuses.
    pub async fn create_store(&self, store: &Store, encrypted: bool) -> Result<()> {
        if encrypted && matches!(store.0, Which::Folder(_)) {
            return Err(Error::Input("an encrypted store needs a name, for Plakar to keep its passphrase under".into()));
        }
        let (secrets, reference) = (store.secrets(self).await?, store.reference());
        let mut arguments = vec!["at", &reference, "create"];
        arguments.extend((!encrypted).then_some("-plaintext"));
        self.job(arguments).limit(LIMIT).redact(secrets).output().await.map(drop)
    }

    /// Removes snapshots from a store; their space is freed by plakar's maintenance.
    pub(crate) async fn remove_snapshots(&self, store: &Store, snapshots: &[SnapshotId]) -> Result<()> {
        if snapshots.is_empty() {
            return Ok(());
        }
        let reference = store.reference();
        let ids = snapshots.iter().map(SnapshotId::as_str);
        let job = self.job(["at", &reference, "rm", "-apply"].into_iter().chain(ids)).limit(LIMIT);
        job.redact(store.secrets(self).await?).output().await.map(drop)
    }
}
