//! Which files and folders were written into a folder of this machine: on a disk on which case does
//! not count, the next one may be the same.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};

use crate::rclone::Rclone;

/// Why a file is not written.
pub(super) const NAME_TAKEN: &str =
    "another file of this name but for its case was copied already: rename one on the drive";

/// Why a folder is not written, and nothing into it.
pub(super) const FOLDER_TAKEN: &str =
    "another folder of this name but for its case was copied already: rename one on the drive";

/// The files that were written into one folder; the next folder takes its place. What is copied
/// comes folder by folder. And all folders.
#[derive(Default)]
pub(super) struct WrittenNames {
    folder: PathBuf,
    /// Hashes of the keys of names: a folder may have a million files.
    keys: HashSet<u64>,
    /// The first folder of each key, by its hash: there may be many.
    folders: HashMap<u64, FirstFolder>,
    /// The folders that are another one.
    taken: HashSet<PathBuf>,
}

struct FirstFolder {
    /// A hash.
    path: u64,
    id: Option<(u64, u64)>,
}

impl WrittenNames {
    /// Takes note of a file that is where it belongs.
    pub(super) fn add(&mut self, file: &Path) {
        let Some((folder, key)) = self.place(file) else { return };
        if self.folder != folder {
            self.folder = folder.to_owned();
            self.keys.clear();
        }
        self.keys.insert(key);
    }

    /// Whether writing a file would replace another one that was written: one has a name of the same
    /// key, and that is what lies there.
    pub(super) fn is_taken(&self, file: &Path) -> bool {
        self.has_key_of(file) && lies_under_another_name(file)
    }

    /// Takes note of a folder that was made, and tells whether it is taken: by another one that was
    /// made before, of a path of the same key.
    pub(super) fn add_folder(&mut self, folder: &Path) -> bool {
        if self.is_in_taken(folder) {
            return true;
        }
        let path = self.keys.hasher().hash_one(folder);
        let key = Rclone::get().name_key(&folder.to_string_lossy());
        let key = self.keys.hasher().hash_one(key);
        let Some(first) = self.folders.get(&key) else {
            self.folders.insert(key, FirstFolder { path, id: folder_id(folder) });
            return false;
        };
        if first.path == path {
            return false;
        }
        // One that was there before may have kept a name of either case.
        let is_first = first.id.is_some() && first.id == folder_id(folder);
        if is_first || lies_under_another_name(folder) {
            self.taken.insert(folder.to_owned());
            return true;
        }
        false
    }

    /// Whether something is a folder that is taken, or lies in one.
    pub(super) fn is_in_taken(&self, path: &Path) -> bool {
        !self.taken.is_empty() && path.ancestors().any(|folder| self.taken.contains(folder))
    }

    fn has_key_of(&self, file: &Path) -> bool {
        self.place(file)
            .is_some_and(|(folder, key)| self.folder == folder && self.keys.contains(&key))
    }

    /// The folder of a file, and what the names have in common there that may be one file.
    fn place<'a>(&self, file: &'a Path) -> Option<(&'a Path, u64)> {
        let name = file.file_name()?.to_string_lossy();
        let key = self.keys.hasher().hash_one(Rclone::get().name_key(&name));
        Some((file.parent()?, key))
    }
}

/// What tells a folder from another one, if the system has that.
#[cfg(unix)]
fn folder_id(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// What tells a folder from another one, if the system has that.
#[cfg(not(unix))]
fn folder_id(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Whether something is found by a name that no entry of the folder has: its own is another one.
fn lies_under_another_name(file: &Path) -> bool {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return false };
    std::fs::symlink_metadata(file).is_ok() && !is_listed(folder, name)
}

fn is_listed(folder: &Path, name: &OsStr) -> bool {
    // A folder that cannot be listed has no say.
    std::fs::read_dir(folder)
        .map_or(true, |entries| entries.flatten().any(|entry| entry.file_name() == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_have_one_key_in_one_folder() {
        let mut written = WrittenNames::default();
        written.add(Path::new("to/A.txt"));
        written.add(Path::new("to/caf\u{e9}"));
        for (file, known) in [
            ("to/A.txt", true),
            ("to/a.txt", true),
            ("to/CAFE\u{301}", true),
            ("to/b.txt", false),
            ("to/deep/a.txt", false),
            ("a.txt", false),
        ] {
            assert_eq!(written.has_key_of(Path::new(file)), known, "{file}");
        }
        // The next folder takes its place.
        written.add(Path::new("to/deep/b.txt"));
        assert!(!written.has_key_of(Path::new("to/a.txt")));
        assert!(written.has_key_of(Path::new("to/deep/B.TXT")));
    }

    #[test]
    fn a_name_is_taken_only_where_case_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let [upper, lower] = ["A.txt", "a.txt"].map(|name| folder.path().join(name));
        std::fs::write(&upper, "upper").unwrap();
        let folds = lower.exists();
        let mut written = WrittenNames::default();
        assert!(!written.is_taken(&lower));
        written.add(&upper);
        assert_eq!(written.is_taken(&lower), folds);
        // A file of this very name may be there from an earlier copy: it is another one.
        assert!(!written.is_taken(&upper));
        std::fs::write(&lower, "lower").unwrap();
        assert_eq!(written.is_taken(&lower), folds);
    }

    #[test]
    fn a_folder_is_taken_only_where_case_does_not_count() {
        let to = tempfile::tempdir().unwrap();
        let [upper, lower] = ["Docs", "docs"].map(|name| to.path().join(name));
        std::fs::create_dir(&upper).unwrap();
        let folds = lower.exists();
        let mut written = WrittenNames::default();
        assert!(!written.add_folder(to.path()) && !written.add_folder(&upper));
        std::fs::create_dir_all(&lower).unwrap();
        assert_eq!(written.add_folder(&lower), folds);
        std::fs::create_dir(lower.join("deep")).unwrap();
        assert_eq!(written.add_folder(&lower.join("deep")), folds);
        for (file, is_in_taken) in
            [("Docs/x", false), ("docs/x", folds), ("docs/deep/x", folds), ("x", false)]
        {
            assert_eq!(written.is_in_taken(&to.path().join(file)), is_in_taken, "{file}");
        }
        // Copied once more, as by a second record of it.
        assert!(!written.add_folder(&upper));
        assert_eq!(written.add_folder(&lower), folds);
    }

    /// A link makes one folder of two names on any disk.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_another_one_by_its_number_is_taken() {
        let to = tempfile::tempdir().unwrap();
        let [upper, lower, other] = ["Docs", "docs", "other"].map(|name| to.path().join(name));
        std::fs::create_dir(&upper).unwrap();
        for link in [&lower, &other] {
            if !link.exists() {
                std::os::unix::fs::symlink(&upper, link).unwrap();
            }
        }
        let mut written = WrittenNames::default();
        assert!(!written.add_folder(&upper));
        assert!(written.add_folder(&lower));
        assert!(written.is_in_taken(&lower.join("x")) && !written.is_in_taken(&upper.join("x")));
        assert!(!written.add_folder(&other));
    }
}
