//! The drive's contents as a test seeds and inspects them.

mod entries;
mod ids;
mod known;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use serde::Serialize;

use crate::content::Content;
pub(crate) use entries::{
    File, Folder, Id, ROOT, is_ahead, join, later, now, trimmed, truncate_name,
};
pub(crate) use ids::{file_id, folder_id, parse_file_id, parse_folder_id};
pub(crate) use tree::Tree;

/// Why the drive refuses a call: an HTTP status, and the code and message of its error object.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: u16,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    /// The usual case: the code is the status.
    pub(crate) fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: status, message: message.into() }
    }

    fn into_text(self) -> String {
        self.message.into_owned()
    }
}

/// A file or a folder in [`Drive::tree`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Whether this is a folder.
    pub is_dir: bool,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// When it was last modified, in seconds since 1970. A folder's changes with its children.
    pub mtime: i64,
    /// The content's MD5 as lower-case hex digits; `None` for a folder and for a file whose first
    /// upload is not finished.
    pub md5: Option<String>,
}

/// How many folders share their (case-insensitive) name with an older one in the same parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DuplicateFolders {
    /// How many there are now.
    pub now: u64,
    /// How many were ever made, those removed since included.
    pub ever: u64,
}

/// The simulated drive. Clones show the same drive.
///
/// Paths are relative to the root, separated by `/`, a leading one is ignored. Their names are
/// those that the drive stores; see [`stored_name`] for names that rclone spells differently. None
/// of this counts as a call, and faults and the quota don't concern it.
#[derive(Clone)]
pub struct Drive {
    tree: Arc<Mutex<Tree>>,
}

impl Drive {
    pub(crate) fn new(quota: Option<u64>) -> Self {
        Self { tree: Arc::new(Mutex::new(Tree::new(quota))) }
    }

    /// Makes a folder and its parents, those already there excepted; gives its id in the API.
    ///
    /// # Panics
    ///
    /// On a name that the drive wouldn't store, as do the other seeding methods.
    pub fn make_folder(&self, path: &str) -> String {
        folder_id(seeded(path, make_folders(&mut self.lock(), path)))
    }

    /// Puts a file, its parent folders too; replaces one of that name. Gives its id in the API.
    pub fn put_file(&self, path: &str, bytes: impl Into<Bytes>, mtime: i64) -> String {
        file_id(seeded(path, self.put(path, Content::memory(bytes.into()), mtime)))
    }

    /// Makes a second folder beside one that is there, under the same name, with one file in it.
    pub fn put_in_twin(&self, folder: &str, name: &str, bytes: impl Into<Bytes>, mtime: i64) {
        let (parent, leaf) = split(folder);
        let mut tree = self.lock();
        let made = make_folders(&mut tree, parent)
            .and_then(|parent| tree.create_folder(parent, leaf, 0))
            .and_then(|twin| {
                let file = tree.create_file(twin, name)?;
                tree.set_content(file, Content::memory(bytes.into()), mtime)
            });
        seeded(folder, made);
    }

    /// Puts a file whose bytes are [`generated_bytes`](crate::generated_bytes) of this `seed` and
    /// are kept nowhere, however large it is. Its MD5 is computed when first asked for, by a
    /// listing too.
    pub fn put_generated(&self, path: &str, size: u64, seed: u64, mtime: i64) -> String {
        file_id(seeded(path, self.put(path, Content::generated(size, seed), mtime)))
    }

    /// Puts many files of the same content into a folder, which is much quicker than one by one and
    /// takes less memory: for folders of some hundred thousand.
    pub fn put_alike(
        &self,
        folder: &str,
        names: impl IntoIterator<Item = String>,
        bytes: impl Into<Bytes>,
        mtime: i64,
    ) {
        let content = Content::memory(bytes.into());
        let mut tree = self.lock();
        let parent = seeded(folder, make_folders(&mut tree, folder));
        for name in names {
            let made = tree.create_file(parent, &name);
            let put = made.and_then(|file| tree.set_content(file, content.clone(), mtime));
            seeded(&name, put);
        }
    }

    /// Makes a file as an upload of another client does that goes on, or was given up: with the
    /// size 0 and no hash. Gives its id in the API.
    pub fn put_unfinished(&self, path: &str) -> String {
        let (parent, name) = split(path);
        let mut tree = self.lock();
        let made =
            make_folders(&mut tree, parent).and_then(|parent| tree.create_file(parent, name));
        file_id(seeded(path, made))
    }

    /// Makes this content known to the drive without a file of it, as one of another account does:
    /// uploads by hash need no bytes of it.
    pub fn know(&self, bytes: impl Into<Bytes>) {
        self.lock().known.add_elsewhere(Content::memory(bytes.into()));
    }

    /// The content that the drive knows by size and hash.
    pub(crate) fn known(&self, size: u64, hash: &str) -> Option<Content> {
        let hash = hash.to_lowercase();
        let unhashed: Vec<Content> = {
            let tree = self.lock();
            let of = |ids: &[Id]| -> Vec<Content> {
                ids.iter().filter_map(|&id| Some(tree.file(id).ok()?.content.clone())).collect()
            };
            let known = of(tree.known.by_hash(&hash).get(..1).unwrap_or_default());
            if let Some(content) = known
                .first()
                .or(tree.known.elsewhere(&hash))
                .filter(|content| content.size() == size)
            {
                return Some(content.clone());
            }
            of(tree.known.unhashed(size))
        };
        // Hashing generated content may take long: not under the lock.
        if unhashed.is_empty() {
            return None;
        }
        tokio::task::block_in_place(|| unhashed.into_iter().find(|content| content.md5() == hash))
    }

    /// Replaces the content of a file under its id, as another client's upload would; false if
    /// there is none.
    pub fn set_file(&self, path: &str, bytes: impl Into<Bytes>, mtime: i64) -> bool {
        let content = Content::memory(bytes.into());
        let mut tree = self.lock();
        find_file(&tree, path).is_some_and(|id| tree.set_content(id, content, mtime).is_ok())
    }

    /// Removes a file, or a folder with all in it; false if there is neither.
    pub fn remove(&self, path: &str) -> bool {
        let mut tree = self.lock();
        if let Some(id) = find_file(&tree, path) {
            return tree.remove_file(id).is_ok();
        }
        find_folder(&tree, path).is_some_and(|id| tree.remove_folder(id).is_ok())
    }

    /// A file's bytes; `None` without such a file or if its content was discarded.
    pub fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        let content = {
            let tree = self.lock();
            tree.file(find_file(&tree, path)?).ok()?.content.clone()
        };
        content.read(0, usize::try_from(content.size()).ok()?).ok().map(Vec::from)
    }

    /// All files and folders by path, without the root. Folders of one name appear as one.
    pub fn tree(&self) -> BTreeMap<String, Entry> {
        let mut entries = BTreeMap::new();
        let mut contents = Vec::new();
        {
            let tree = self.lock();
            for (&id, folder) in tree.folders.iter().filter(|(id, _)| **id != ROOT) {
                let entry = Entry { is_dir: true, size: 0, mtime: folder.modified, md5: None };
                entries.insert(tree.folder_path(id), entry);
            }
            for (&id, file) in &tree.files {
                contents.push((
                    tree.file_path(id),
                    file.modified,
                    file.finished,
                    file.content.clone(),
                ));
            }
        }
        // Hashing generated content may take long: not under the lock.
        entries.extend(contents.into_iter().map(|(path, mtime, finished, content)| {
            let md5 = finished.then(|| content.md5().to_owned());
            (path, Entry { is_dir: false, size: content.size(), mtime, md5 })
        }));
        entries
    }

    /// Copies the regular files and folders under `dir` into the root, with their modification
    /// times.
    ///
    /// Names go through [`stored_name`]; symbolic links and other special files are left out.
    ///
    /// # Errors
    ///
    /// What reading `dir` gives.
    pub fn seed_from_dir(&self, dir: &Path) -> io::Result<()> {
        self.seed(dir, "")
    }

    fn seed(&self, dir: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = join(prefix, &stored_name(&entry.file_name().to_string_lossy()));
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.make_folder(&path);
                self.seed(&entry.path(), &path)?;
            } else if kind.is_file() {
                let modified = entry.metadata()?.modified()?;
                let mtime = modified
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |elapsed| elapsed.as_secs() as i64);
                self.put_file(&path, fs::read(entry.path())?, mtime);
            }
        }
        Ok(())
    }

    /// Folders that share a name with another one in the same parent: a client made one twice.
    pub fn duplicate_folders(&self) -> DuplicateFolders {
        let tree = self.lock();
        let now = tree
            .folders
            .values()
            .flat_map(|folder| folder.folders.values())
            .map(|ids| ids.len() as u64 - 1)
            .sum();
        DuplicateFolders { now, ever: tree.duplicates_ever }
    }

    /// Limits the drive's size in bytes; an upload or a copy beyond it is refused with 507. `None`
    /// lifts the limit.
    pub fn set_quota(&self, bytes: Option<u64>) {
        self.lock().quota = bytes;
    }

    /// Bytes of all files, and the quota.
    pub fn usage(&self) -> (u64, Option<u64>) {
        let tree = self.lock();
        (tree.used, tree.quota)
    }

    /// The seeding methods without their panic, for the control interface: an error is a sentence.
    pub(crate) fn try_make_folder(&self, path: &str) -> Result<(), String> {
        make_folders(&mut self.lock(), path).map(drop).map_err(Refusal::into_text)
    }

    pub(crate) fn try_put_file(&self, path: &str, bytes: Bytes, mtime: i64) -> Result<(), String> {
        self.put(path, Content::memory(bytes), mtime).map(drop).map_err(Refusal::into_text)
    }

    pub(crate) fn try_put_generated(
        &self,
        path: &str,
        size: u64,
        seed: u64,
        mtime: i64,
    ) -> Result<(), String> {
        self.put(path, Content::generated(size, seed), mtime).map(drop).map_err(Refusal::into_text)
    }

    fn put(&self, path: &str, content: Content, mtime: i64) -> Result<Id, Refusal> {
        let (parent, name) = split(path);
        let mut tree = self.lock();
        let parent = make_folders(&mut tree, parent)?;
        let id = match tree.file_named(parent, name) {
            Some(id) => id,
            None => tree.create_file(parent, name)?,
        };
        tree.set_content(id, content, mtime)?;
        Ok(id)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as the drive stores it: what Windows forbids, and spaces at either end, become the
/// look-alikes that rclone's default encoding for OpenDrive uses (`:` becomes `：`).
pub fn stored_name(name: &str) -> String {
    let last = name.chars().count().saturating_sub(1);
    let replaced = name.chars().enumerate().map(|(at, c)| match c {
        '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*' => {
            char::from_u32(c as u32 + 0xfee0).unwrap_or(c)
        }
        ' ' | '\t' | '\n' | '\r' | '\u{b}' if at == 0 || at == last => {
            char::from_u32(c as u32 + 0x2400).unwrap_or(c)
        }
        _ => c,
    });
    replaced.collect()
}

fn split(path: &str) -> (&str, &str) {
    let path = path.trim_matches('/');
    path.rsplit_once('/').unwrap_or(("", path))
}

fn find_folder(tree: &Tree, path: &str) -> Option<Id> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    names.try_fold(ROOT, |parent, name| tree.folders_named(parent, name).first().copied())
}

fn find_file(tree: &Tree, path: &str) -> Option<Id> {
    let (parent, name) = split(path);
    tree.file_named(find_folder(tree, parent)?, name)
}

fn make_folders(tree: &mut Tree, path: &str) -> Result<Id, Refusal> {
    path.split('/').filter(|name| !name.is_empty()).try_fold(ROOT, |parent, name| {
        match tree.folders_named(parent, name).first() {
            Some(&id) => Ok(id),
            None => tree.create_folder(parent, name, 0),
        }
    })
}

fn seeded<T>(path: &str, result: Result<T, Refusal>) -> T {
    result.unwrap_or_else(|refusal| panic!("seeding {path:?}: {}", refusal.message))
}
