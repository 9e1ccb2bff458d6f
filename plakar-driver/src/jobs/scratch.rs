//! A store of its own for a snapshot that is made only to compare, so that nothing of it stays.
//!
//! Contents have equal digests only in stores of one key, and no store can be made with another's:
//! so it is the folder of the store once more, in the folder for temporary files, with the same
//! configuration, its states, and links to its packfiles. What the store has is known
//! there, so that only what is new is written, and it is written there. That needs the store's own
//! files: of a store elsewhere there is none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::browse::browser::Browser;
use crate::browse::indexes::{Indexes, MAX_INDEX_ENTRIES};
use crate::configuration::Kind;
use crate::configuration::location::local_folder;
use crate::configuration::store::Store;
use crate::error::{Error, Result};
use crate::jobs::own_folder::{OwnFolder, VERIFY_FOLDER};
use crate::jobs::temporary::TemporaryEntry;
use crate::process::command::Plakar;

/// A store that goes when it is closed; its folder also when it is dropped.
pub(crate) struct ScratchStore {
    _folder: OwnFolder,
    pub(crate) store: Store,
    /// What it is in plakar's configuration, which has the passphrase.
    entry: Option<TemporaryEntry>,
}

impl ScratchStore {
    /// One beside this store; none if its files are not on this machine. No other store may have
    /// this mark.
    pub(crate) async fn beside(plakar: &Plakar, store: &Store, mark: &str) -> Result<Option<Self>> {
        let (place, options) = match store.name() {
            None => (store.folder_path(), None),
            Some(name) => {
                let options = plakar.configured(Kind::Store, name).await?;
                let location = options.get("location").cloned().unwrap_or_default();
                (local_folder(&location), Some(options))
            }
        };
        let Some(place) = place.filter(|_| cfg!(unix)) else { return Ok(None) };
        let temporary = plakar.temporary_folder();
        let copied = tokio::task::spawn_blocking(move || copy(&place, &temporary)).await;
        let copied = copied.map_err(|error| Error::Answer(error.to_string()))?;
        let folder = copied.map_err(Error::io("cannot make a store to compare in"))?;
        let path = folder.path().to_owned();
        let Some(mut options) = options else {
            return Ok(Some(Self { store: Store::folder(&path)?, _folder: folder, entry: None }));
        };
        let location = path.to_str().ok_or_else(|| {
            Error::Input("the folder for temporary files has a name that is no text".into())
        })?;
        options.insert("location".into(), location.to_owned());
        let entry = TemporaryEntry::new(plakar, Kind::Store, mark, &options).await?;
        let store = Store::named(entry.name().clone());
        Ok(Some(Self { store, _folder: folder, entry: Some(entry) }))
    }

    /// Browses it.
    pub(crate) async fn browser(&self, plakar: &Plakar) -> Result<Arc<Browser>> {
        let indexes = Indexes::new(MAX_INDEX_ENTRIES);
        Ok(Arc::new(Browser::start_alone(plakar, &self.store, &indexes).await?))
    }

    /// Removes it.
    pub(crate) async fn close(self) -> Result<()> {
        match self.entry {
            Some(entry) => entry.close().await,
            None => Ok(()),
        }
    }
}

/// The folders of a store, its configuration and states, and links to its packfiles.
fn copy(store: &Path, temporary: &Path) -> io::Result<OwnFolder> {
    let folder = OwnFolder::make(VERIFY_FOLDER, temporary)?;
    fs::copy(store.join("CONFIG"), folder.path().join("CONFIG"))?;
    fs::create_dir(folder.path().join("locks"))?;
    // No link to a name: plakar lists regular files alone. It replaces states, and changes none.
    each(&store.join("states"), &folder.path().join("states"), &|from, to| {
        fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
    })?;
    each(&store.join("packfiles"), &folder.path().join("packfiles"), &link)?;
    Ok(folder)
}

/// Does something for each file of the folders in a folder, which are made in the other.
fn each(from: &Path, to: &Path, of: &dyn Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir(to)?;
    for bucket in fs::read_dir(from)? {
        let bucket = bucket?;
        if !bucket.file_type()?.is_dir() {
            continue;
        }
        let made = to.join(bucket.file_name());
        fs::create_dir(&made)?;
        for file in fs::read_dir(bucket.path())? {
            let file: PathBuf = file?.path();
            of(&file, &made.join(file.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::canonicalize(from)?, to)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
