//! Says to other processes that an entry of Plakar's configuration is in use, for they share it. A
//! process that is killed frees its locks.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A lock that is held. When it is dropped it is freed, and its file goes.
pub(super) struct EntryLock {
    path: PathBuf,
    /// Open for as long.
    file: Option<File>,
}

impl EntryLock {
    /// Takes the lock of this file, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made, or somebody has the lock.
    pub(super) fn take(path: PathBuf) -> io::Result<Self> {
        let locked = lock(File::options().create(true).append(true), &path)?;
        let file = locked.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Self { path, file: Some(file) })
    }
}

impl Drop for EntryLock {
    fn drop(&mut self) {
        // On Windows a file that is open stays.
        drop(self.file.take());
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether somebody has the lock of this file. If it is not there nobody has.
///
/// # Errors
/// The file cannot be opened.
pub(super) fn is_locked(path: &Path) -> io::Result<bool> {
    match lock(File::options().append(true), path) {
        Ok(free) => Ok(free.is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens and locks a file; nothing if somebody else has the lock, of this process too.
#[cfg(unix)]
fn lock(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
    let file = options.open(path)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        locked => locked.map(|()| Some(file)).map_err(io::Error::from),
    }
}

#[cfg(not(unix))]
fn lock(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
    /// `ERROR_SHARING_VIOLATION`: it is open, and not for others.
    const IN_USE: i32 = 32;
    match std::os::windows::fs::OpenOptionsExt::share_mode(options, 0).open(path) {
        Err(error) if error.raw_os_error() == Some(IN_USE) => Ok(None),
        opened => opened.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_seen_until_it_goes_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_locked(&path).unwrap());
        let lock = EntryLock::take(path.clone()).unwrap();
        assert!(is_locked(&path).unwrap() && EntryLock::take(path.clone()).is_err());
        assert!(is_locked(&path).unwrap());
        drop(lock);
        assert!(!is_locked(&path).unwrap() && !path.exists());
        // What a killed process leaves.
        fs::write(&path, "").unwrap();
        assert!(!is_locked(&path).unwrap());
    }
}
