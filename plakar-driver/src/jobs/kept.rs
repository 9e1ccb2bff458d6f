//! What a folder of this machine was like before a restore into it, to put it back afterwards.
//!
//! Plakar gives every folder that it writes into its own mode (0700 while it writes), as root its
//! own owner, and its own time, also one that was there before; and a file that it replaces is a
//! new one, of whoever restores. What was there keeps its mode, owner and group, and folders keep
//! their times; the content, and the time of a file, are those of the backup.

use std::path::{Path, PathBuf};

use crate::browse::browser::Browser;
use crate::browse::points::{Entry, EntryKind};
use crate::error::{Error, Result};
use crate::names::{SnapshotId, SnapshotPath};

/// Maximum number of entries that are noted.
const MAX_NOTED_ENTRIES: usize = 100_000;

/// How many entries of a folder are asked for at once.
const MAX_PAGE_ENTRIES: u64 = 1000;

/// What was there before. Put back when it is dropped, at the latest.
#[derive(Debug, Default)]
pub(crate) struct KeptAttributes {
    noted: Vec<Noted>,
    /// Whether there was more than is noted.
    pub(crate) more: bool,
}

impl KeptAttributes {
    /// Makes the folder's parents, if there are none, and notes what is in the folder of what the
    /// snapshot has too.
    ///
    /// # Errors
    /// Something that is no folder is in its place, or a parent cannot be made.
    pub(crate) async fn note(
        browser: &Browser,
        id: &SnapshotId,
        path: &SnapshotPath,
        kind: EntryKind,
        folder: &Path,
    ) -> Result<Self> {
        let mut kept = Self::default();
        prepare(folder)?;
        kept.add(folder.to_owned());
        if kind != EntryKind::Folder {
            kept.add(folder.join(path.name()));
            return Ok(kept);
        }
        let mut folders = vec![(path.clone(), folder.to_owned())];
        while let Some((path, folder)) = folders.pop() {
            if !folder.is_dir() {
                continue;
            }
            let mut offset = 0;
            loop {
                let page = match browser.listed(id, &path, offset, MAX_PAGE_ENTRIES).await {
                    Ok(page) => page,
                    // What cannot be listed is not restored either.
                    Err(Error::Refused(_)) => break,
                    Err(error) => return Err(error),
                };
                offset += page.items.len() as u64;
                // Names that cannot be in a path are not restored either.
                for Entry { name, kind, .. } in page.items {
                    let there = folder.join(&name);
                    if kept.add(there.clone())
                        && kind == EntryKind::Folder
                        && let Ok(path) = path.join(&name)
                    {
                        folders.push((path, there));
                    }
                }
                if !page.more || kept.more {
                    break;
                }
            }
            if kept.more {
                break;
            }
        }
        Ok(kept)
    }

    /// Notes one. False if it is not there.
    fn add(&mut self, path: PathBuf) -> bool {
        if self.noted.len() >= MAX_NOTED_ENTRIES {
            self.more = true;
            return false;
        }
        let noted = Noted::of(path);
        let found = noted.is_some();
        self.noted.extend(noted);
        found
    }

    /// Puts all of it back, and gives what could not be: the paths, and why.
    pub(crate) fn put_back(&mut self) -> Vec<(PathBuf, std::io::Error)> {
        let put = |noted: Noted| noted.put_back().err().map(|error| (noted.path, error));
        // Those in a folder first: it has to be one that can be entered.
        self.noted.drain(..).rev().filter_map(put).collect()
    }
}

impl Drop for KeptAttributes {
    fn drop(&mut self) {
        for (path, error) in self.put_back() {
            eprintln!("cannot put back mode, owner and time of {}: {error}", path.display());
        }
    }
}

/// Makes what Plakar does not: more than one folder.
fn prepare(folder: &Path) -> Result<()> {
    if folder.exists() && !folder.is_dir() {
        return Err(Error::Input(format!(
            "{} is not a folder; name a folder to restore to",
            folder.display()
        )));
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => {
                "a part of that path is not a folder".to_owned()
            }
            std::io::ErrorKind::PermissionDenied => "it is not allowed".to_owned(),
            _ => error.to_string(),
        };
        Error::Input(format!(
            "the folder {} cannot be made: {reason}; name another one",
            parent.display()
        ))
    })
}

/// An entry as it was.
#[derive(Debug)]
struct Noted {
    path: PathBuf,
    #[cfg(unix)]
    before: std::fs::Metadata,
}

#[cfg(unix)]
impl Noted {
    fn of(path: PathBuf) -> Option<Self> {
        let mut before = path.symlink_metadata().ok()?;
        let mut path = path;
        // Plakar writes through a link to a folder, and replaces one to a file.
        if before.is_symlink() {
            path = path.canonicalize().ok()?;
            before = path.symlink_metadata().ok().filter(std::fs::Metadata::is_dir)?;
        }
        (before.is_dir() || before.is_file()).then_some(Self { path, before })
    }

    fn put_back(&self) -> std::io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
        let (path, before) = (&self.path, &self.before);
        let Ok(now) = path.symlink_metadata() else {
            // It is gone: nothing to put back.
            return Ok(());
        };
        if now.is_dir() != before.is_dir() || now.is_file() != before.is_file() {
            return Ok(());
        }
        let owner = |file: &std::fs::Metadata| (file.uid(), file.gid());
        // Of a file with another content nothing may run as its owner.
        let bits = if before.is_dir() { 0o7777 } else { 0o777 };
        let is_same_file = before.is_file() && now.ino() == before.ino();
        if is_same_file {
            return Ok(());
        }
        if owner(&now) != owner(before) {
            lchown(path, Some(before.uid()), Some(before.gid()))?;
        }
        let (wanted, mode) = (before.mode() & bits, path.symlink_metadata()?.mode() & 0o7777);
        if mode != wanted {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(wanted))?;
        }
        if before.is_dir() {
            set_times(path, before)?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn set_times(path: &Path, before: &std::fs::Metadata) -> std::io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
    use std::os::unix::fs::MetadataExt;
    let time = |tv_sec, tv_nsec: i64| Timespec { tv_sec, tv_nsec: tv_nsec as _ };
    let times = Timestamps {
        last_access: time(before.atime(), before.atime_nsec()),
        last_modification: time(before.mtime(), before.mtime_nsec()),
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(not(unix))]
impl Noted {
    fn of(_: PathBuf) -> Option<Self> {
        None
    }

    fn put_back(&self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn what_was_there_is_put_back_and_what_is_new_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (sub, file, link) =
            (folder.path().join("sub"), folder.path().join("file"), folder.path().join("link"));
        fs::create_dir(&sub).unwrap();
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&sub, &link).unwrap();
        fs::set_permissions(&sub, fs::Permissions::from_mode(0o2755)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o4644)).unwrap();
        let before = sub.metadata().unwrap();
        let mut kept = KeptAttributes::default();
        for path in [folder.path(), &sub, &file, &link] {
            assert!(kept.add(path.to_owned()));
        }
        assert!(!kept.add(folder.path().join("none")));
        // As Plakar does it.
        fs::set_permissions(&sub, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(sub.join("new"), "new").unwrap();
        fs::write(folder.path().join("other"), "new").unwrap();
        fs::set_permissions(folder.path().join("other"), fs::Permissions::from_mode(0o600))
            .unwrap();
        fs::rename(folder.path().join("other"), &file).unwrap();
        let failed = kept.put_back();
        assert!(failed.is_empty(), "{failed:?}");
        let after = sub.metadata().unwrap();
        assert_eq!((after.mode() & 0o7777, after.mtime()), (0o2755, before.mtime()));
        assert_eq!(after.mtime_nsec(), before.mtime_nsec());
        // Another content runs as nobody else.
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o644);
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn parents_are_made_or_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("a/b/c");
        prepare(&wanted).unwrap();
        assert!(folder.path().join("a/b").is_dir() && !wanted.exists());
        fs::write(folder.path().join("file"), "").unwrap();
        let refused = |path: &str| prepare(&folder.path().join(path)).unwrap_err().to_string();
        assert!(refused("file").contains("is not a folder; name a folder"), "{}", refused("file"));
        let below = refused("file/b/c");
        assert!(below.contains("a part of that path is not a folder; name another"), "{below}");
    }
}
