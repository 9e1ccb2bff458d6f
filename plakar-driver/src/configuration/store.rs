//! Stores: which one is meant, whether it is there, making it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use plakar_words::{APPLY, NO_COMPRESSION, PLAINTEXT, QUIET, TAG};
use sha2::{Digest, Sha256};

use crate::configuration::kinds::Kind;
use crate::error::{Error, Result};
use crate::folders::absolute_folder;
use crate::names::{Name, SnapshotId};
use crate::process::command::Plakar;
use crate::process::lines::Redactor;

/// Timeout to open a store: a remote one may have to log in first.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(180);

/// Timeout of a task to remove snapshots: with each of the calls that it takes, a drive that has too
/// many of them is waited for, up to five minutes (`go/drive/retry.go`).
pub(crate) const REMOVAL_TIMEOUT: Duration = Duration::from_secs(3600);

/// Where snapshots are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store(StorePlace);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum StorePlace {
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
    BadPassphrase(String),
}

/// How a store is made. What Plakar compresses with (LZ4, in 1.1) cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewStore {
    /// Whether it can be read with its passphrase only. Such a store needs a name and the option
    /// `passphrase`.
    pub encrypted: bool,
    /// Whether what goes into it is compressed.
    pub compressed: bool,
}

impl NewStore {
    /// Encrypted and compressed, as plakar makes one by itself.
    pub const ENCRYPTED: Self = Self { encrypted: true, compressed: true };
    /// Compressed only.
    pub const UNENCRYPTED: Self = Self { encrypted: false, compressed: true };
}

impl Store {
    /// A store of Plakar's configuration.
    pub fn named(name: Name) -> Self {
        Self(StorePlace::Named(name))
    }

    /// A folder of this machine, for a store without passphrase.
    ///
    /// # Errors
    /// [`Error::Input`] for a path that is not absolute or is not text.
    pub fn folder(path: &Path) -> Result<Self> {
        absolute_folder("the store's folder", path, &['\n', '\0'])?;
        Ok(Self(StorePlace::Folder(path.to_owned())))
    }

    /// Its name in Plakar's configuration, if it has one.
    pub fn name(&self) -> Option<&Name> {
        match &self.0 {
            StorePlace::Named(name) => Some(name),
            StorePlace::Folder(_) => None,
        }
    }

    /// Its folder, if it is told by that.
    pub(crate) fn folder_path(&self) -> Option<PathBuf> {
        match &self.0 {
            StorePlace::Named(_) => None,
            StorePlace::Folder(path) => Some(path.clone()),
        }
    }

    /// What plakar's `at` takes.
    pub(crate) fn reference(&self) -> String {
        match &self.0 {
            StorePlace::Named(name) => name.reference(),
            StorePlace::Folder(path) => path.display().to_string(),
        }
    }

    /// What must not be seen in the output of a job with this store.
    pub(crate) async fn secrets(&self, plakar: &Plakar) -> Result<Redactor> {
        match &self.0 {
            StorePlace::Named(name) => plakar.secrets(Kind::Store, name).await,
            StorePlace::Folder(_) => Ok(Redactor::default()),
        }
    }
}

impl Plakar {
    /// A digest of what the configuration has of a store, by which a change is seen that anybody made;
    /// nothing of one that is no entry there, or where it cannot be read.
    pub(crate) fn configured_digest(&self, store: &Store) -> Option<[u8; 32]> {
        let file = self.configuration_folder().ok()?.join("stores.yml");
        let name = store.name()?;
        let all: serde_norway::Value =
            serde_norway::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
        let entry = all.get("stores").and_then(|stores| stores.get(name.as_str()));
        Some(Sha256::digest(serde_json::to_vec(&entry).ok()?).into())
    }

    /// Looks whether a store is there and can be opened.
    ///
    /// # Errors
    /// Plakar cannot be run, or took too long.
    pub async fn store_state(&self, store: &Store) -> Result<StoreState> {
        let secrets = store.secrets(self).await?;
        // It filters for what cannot be, so that it prints nothing.
        let job = self
            .job([QUIET, "at", &store.reference(), "ls", TAG, "source-app:none"])
            .timeout(STORE_TIMEOUT)
            .redact(secrets);
        match job.output().await {
            Ok(_) => Ok(StoreState::Ready),
            Err(Error::StoreUnavailable(reason)) => Ok(StoreState::Unavailable(reason)),
            Err(Error::Passphrase(reason)) => Ok(StoreState::BadPassphrase(reason)),
            Err(error) => Err(error),
        }
    }

    /// Makes a store. Plakar takes any passphrase of its configuration, and asks for 80 bits only of one
    /// that is typed at its own prompt.
    ///
    /// # Errors
    /// There is one already, or the connector refuses.
    pub async fn create_store(&self, store: &Store, new: NewStore) -> Result<()> {
        if new.encrypted && matches!(store.0, StorePlace::Folder(_)) {
            return Err(Error::Input(
                "an encrypted store needs a name, for Plakar to keep its passphrase under".into(),
            ));
        }
        let (secrets, reference) = (store.secrets(self).await?, store.reference());
        let mut arguments = vec!["at", &reference, "create"];
        arguments.extend((!new.encrypted).then_some(PLAINTEXT));
        arguments.extend((!new.compressed).then_some(NO_COMPRESSION));
        self.job(arguments).timeout(STORE_TIMEOUT).redact(secrets).output().await.map(drop)
    }

    /// Removes snapshots from a store; their space is freed by plakar's maintenance.
    pub(crate) async fn remove_snapshots(
        &self,
        store: &Store,
        snapshots: &[SnapshotId],
        timeout: Duration,
    ) -> Result<()> {
        if snapshots.is_empty() {
            return Ok(());
        }
        let reference = store.reference();
        let ids = snapshots.iter().map(SnapshotId::as_str);
        let job = self.job(["at", &reference, "rm", APPLY].into_iter().chain(ids)).timeout(timeout);
        job.redact(store.secrets(self).await?).output().await.map(drop)
    }
}
