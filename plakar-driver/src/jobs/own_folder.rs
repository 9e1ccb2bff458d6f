//! Folders for temporary files that jobs make for themselves. Files of restore points are in them, so
//! they go also when their process was killed: whoever looks for what was left knows them by a lock
//! that nobody holds.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::jobs::entry_lock::{EntryLock, is_locked};
use crate::process::command::Plakar;

/// How the name of a drill's folder begins; six letters follow.
pub(super) const DRILL_FOLDER: &str = "pk-drill";

/// The same of a restore's, which is a store.
pub(super) const VERIFY_FOLDER: &str = "pk-verify";

/// The file in it whose lock says that it is in use.
const LOCK: &str = ".in-use";

/// A folder that goes when this is dropped.
pub(super) struct OwnFolder {
    // The first to go: a folder without this file is left alone by whoever looks.
    _lock: EntryLock,
    folder: TempDir,
}

impl OwnFolder {
    /// Makes one whose name begins so.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn make(prefix: &str, parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let lock = EntryLock::take(folder.path().join(LOCK))?;
        Ok(Self { _lock: lock, folder })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Plakar {
    /// Removes the folders for temporary files that restores and drills have left that were killed, and
    /// what they had restored into them.
    ///
    /// # Errors
    /// One of them cannot be removed; the others are.
    pub async fn remove_left_folders(&self) -> Result<()> {
        let parent = self.temporary_folder();
        let removed = tokio::task::spawn_blocking(move || remove_left(&parent)).await;
        let removed = removed.map_err(|error| Error::Answer(error.to_string()))?;
        removed.map_err(Error::io("cannot remove what was left in the folder for temporary files"))
    }
}

fn remove_left(parent: &Path) -> io::Result<()> {
    let mut ended = Ok(());
    for entry in fs::read_dir(parent)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if [DRILL_FOLDER, VERIFY_FOLDER].iter().any(|prefix| name.starts_with(prefix)) {
            ended = ended.and(remove_if_left(&entry.path()));
        }
    }
    ended
}

fn remove_if_left(folder: &Path) -> io::Result<()> {
    let lock = folder.join(LOCK);
    // One that is being made, or removed, has no such file.
    if !is_ours(folder) || !lock.exists() || is_locked(&lock)? {
        return Ok(());
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether it is a folder, and of this user: others may make what they like in a folder for temporary
/// files.
#[cfg(unix)]
fn is_ours(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    folder.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == us)
}

#[cfg(not(unix))]
fn is_ours(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_processes_left_goes_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let there = |name: &str| parent.path().join(name).exists();
        for (name, lock) in [
            ("pk-drillAbCdEf", Some(LOCK)),
            ("pk-verifyAbCdEf", Some(LOCK)),
            // Being made.
            ("pk-drillGhIjKl", None),
            ("mine", Some(LOCK)),
        ] {
            let folder = parent.path().join(name);
            fs::create_dir_all(folder.join("0")).unwrap();
            fs::write(folder.join("0/letter.txt"), "Dear all,").unwrap();
            lock.into_iter().for_each(|lock| fs::write(folder.join(lock), "").unwrap());
        }
        let used = OwnFolder::make(DRILL_FOLDER, parent.path()).unwrap();
        let path = used.path().to_owned();
        remove_left(parent.path()).unwrap();
        assert!(!there("pk-drillAbCdEf") && !there("pk-verifyAbCdEf"));
        assert!(there("pk-drillGhIjKl") && there("mine") && path.is_dir());
        drop(used);
        assert!(!path.exists());
        assert!(remove_left(&parent.path().join("none")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_no_folder_of_ours() {
        let (parent, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join(LOCK), "").unwrap();
        let link = parent.path().join("pk-drillAbCdEf");
        std::os::unix::fs::symlink(other.path(), &link).unwrap();
        remove_left(parent.path()).unwrap();
        assert!(other.path().join(LOCK).exists());
    }
}
