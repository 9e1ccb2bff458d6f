//! Folders and files, found by id and by name. Plain data: no locks, no HTTP.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Refusal;
use super::known::Known;
use crate::content::Content;
use crate::texts;

/// Folders and files are counted together; 0 is the root folder.
pub(crate) type Id = u64;

pub(crate) const ROOT: Id = 0;

/// The longest name, in bytes.
const NAME_LIMIT: usize = 255;

pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) parent: Id,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) access: i64,
    /// When its creation ended.
    pub(crate) made: Instant,
    /// Until then `folder/itembyname` doesn't know the folder.
    pub(crate) hidden_until: Option<Instant>,
    /// By lower-case name. Several may share a name.
    pub(crate) folders: BTreeMap<String, Vec<Id>>,
    /// By lower-case name.
    pub(crate) files: BTreeMap<String, Id>,
}

pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) parent: Id,
    pub(crate) modified: i64,
    pub(crate) access: i64,
    pub(crate) version: u64,
    pub(crate) content: Content,
    /// Whether an upload of it has ever ended; until then it has the size 0 and no hash.
    pub(crate) finished: bool,
    /// Until then `folder/itembyname` doesn't know the file.
    pub(crate) hidden_until: Option<Instant>,
    /// Until then downloads and `file/info` don't know it.
    missing_until: Option<Instant>,
}

impl File {
    /// Makes it 404 to downloads and `file/info` for so long.
    pub(crate) fn hide(&mut self, time: Duration) {
        self.missing_until = later(time);
    }

    pub(crate) fn is_missing(&self) -> bool {
        is_ahead(self.missing_until)
    }

    /// Its hash; empty for one that isn't finished. Takes long if it isn't known.
    pub(crate) fn hash(&self) -> &str {
        if self.finished { self.content.md5() } else { "" }
    }
}

/// The moment so much later; none for no time.
pub(crate) fn later(time: Duration) -> Option<Instant> {
    (!time.is_zero()).then(|| Instant::now() + time)
}

/// Whether this moment is still to come.
pub(crate) fn is_ahead(moment: Option<Instant>) -> bool {
    moment.is_some_and(|moment| moment > Instant::now())
}

pub(crate) struct Tree {
    pub(super) folders: HashMap<Id, Folder>,
    pub(super) files: HashMap<Id, File>,
    /// Files and folders that were there.
    trash: HashSet<Id>,
    pub(super) known: Known,
    next: Id,
    pub(super) used: u64,
    pub(super) quota: Option<u64>,
    pub(super) duplicates_ever: u64,
}

impl Tree {
    pub(super) fn new(quota: Option<u64>) -> Self {
        let root = new_folder(String::new(), ROOT);
        Self {
            folders: HashMap::from([(ROOT, root)]),
            files: HashMap::new(),
            trash: HashSet::new(),
            known: Known::default(),
            next: 1,
            used: 0,
            quota,
            duplicates_ever: 0,
        }
    }

    pub(crate) fn folder(&self, id: Id) -> Result<&Folder, Refusal> {
        self.folders.get(&id).ok_or_else(|| self.no_folder(id))
    }

    pub(crate) fn file(&self, id: Id) -> Result<&File, Refusal> {
        self.files.get(&id).ok_or_else(no_file)
    }

    pub(crate) fn folder_mut(&mut self, id: Id) -> Result<&mut Folder, Refusal> {
        if !self.folders.contains_key(&id) {
            return Err(self.no_folder(id));
        }
        self.folders.get_mut(&id).ok_or_else(no_file)
    }

    pub(crate) fn file_mut(&mut self, id: Id) -> Result<&mut File, Refusal> {
        self.files.get_mut(&id).ok_or_else(no_file)
    }

    fn no_folder(&self, id: Id) -> Refusal {
        Refusal::new(404, if self.trash.contains(&id) { texts::FOLDER_DELETED } else { texts::NO_FOLDER })
    }

    pub(crate) fn file_named(&self, parent: Id, name: &str) -> Option<Id> {
        self.folders.get(&parent)?.files.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn folders_named(&self, parent: Id, name: &str) -> &[Id] {
        self.folders.get(&parent).and_then(|folder| folder.folders.get(&name.to_lowercase())).map_or(&[], Vec::as_slice)
    }

    /// Makes a folder, a second one of the same name too.
    pub(crate) fn create_folder(&mut self, parent: Id, name: &str, access: i64) -> Result<Id, Refusal> {
        let name = stored(name)?;
        self.folder(parent)?;
        let id = self.next_id();
        self.folders.insert(id, Folder { access, ..new_folder(name.into(), parent) });
        self.attach_folder(parent, name, id);
        Ok(id)
    }

    /// Makes a file that is visible from now on, unfinished.
    pub(crate) fn create_file(&mut self, parent: Id, name: &str) -> Result<Id, Refusal> {
        let name = stored(name)?;
        self.folder(parent)?;
        if self.file_named(parent, name).is_some() {
            return Err(Refusal::new(409, texts::FILE_EXISTS));
        }
        let id = self.next_id();
        let file = File {
            name: name.into(),
            parent,
            modified: now(),
            access: 0,
            version: 1,
            content: Content::empty(),
            finished: false,
            hidden_until: None,
            missing_until: None,
        };
        self.files.insert(id, file);
        self.attach_file(parent, name, id);
        Ok(id)
    }

    /// Whether a file may grow to `size` bytes.
    pub(crate) fn check_space(&self, id: Id, size: u64) -> Result<(), Refusal> {
        let used = self.used - self.file(id)?.content.size();
        match self.quota {
            Some(quota) if used + size > quota => Err(Refusal::new(507, "Not enough space in the storage")),
            _ => Ok(()),
        }
    }

    pub(crate) fn set_content(&mut self, id: Id, content: Content, modified: i64) -> Result<(), Refusal> {
        let size = content.size();
        let file = self.files.get_mut(&id).ok_or_else(no_file)?;
        file.modified = modified;
        file.version += 1;
        if std::mem::replace(&mut file.finished, true) {
            self.known.remove(id, &file.content);
        }
        self.known.add(id, &content);
        let before = std::mem::replace(&mut file.content, content).size();
        self.used = self.used - before + size;
        Ok(())
    }

    pub(crate) fn remove_file(&mut self, id: Id) -> Result<(), Refusal> {
        let (parent, name) = self.drop_file(id).ok_or_else(no_file)?;
        self.detach_file(parent, &name);
        Ok(())
    }

    /// Takes a file out of all but its folder; gives the folder and its name.
    fn drop_file(&mut self, id: Id) -> Option<(Id, String)> {
        let file = self.files.remove(&id)?;
        self.used -= file.content.size();
        self.known.remove(id, &file.content);
        Some((file.parent, file.name))
    }

    /// Moves a file to the trash: nothing but a removal knows it from then on.
    pub(crate) fn trash_file(&mut self, id: Id) -> Result<(), Refusal> {
        self.remove_file(id)?;
        self.trash.insert(id);
        Ok(())
    }

    /// Takes a file out of the trash for good.
    pub(crate) fn forget_trashed(&mut self, id: Id) {
        self.trash.remove(&id);
    }

    /// Whether this file or folder is in the trash.
    pub(crate) fn is_in_trash(&self, id: Id) -> bool {
        self.trash.contains(&id)
    }

    /// Moves or renames a file. Another file of the new name is replaced or, without `overwrite`, an error.
    pub(crate) fn move_file(&mut self, id: Id, parent: Id, name: &str, overwrite: bool) -> Result<(), Refusal> {
        let name = stored(name)?;
        self.make_room(id, parent, name, overwrite)?;
        let (old_parent, old_name) = {
            let file = self.file(id)?;
            (file.parent, file.name.clone())
        };
        self.detach_file(old_parent, &old_name);
        let file = self.file_mut(id)?;
        file.parent = parent;
        file.name = name.into();
        self.attach_file(parent, name, id);
        Ok(())
    }

    /// Copies a file with its modification time; gives the copy's id.
    pub(crate) fn copy_file(&mut self, id: Id, parent: Id, name: &str, overwrite: bool) -> Result<Id, Refusal> {
        let name = stored(name)?;
        if self.file_named(parent, name) == Some(id) {
            return Err(Refusal::new(409, texts::FILE_EXISTS));
        }
        self.make_room(id, parent, name, overwrite)?;
        let (content, modified) = {
            let file = self.file(id)?;
            (file.content.clone(), file.modified)
        };
        let copy = self.create_file(parent, name)?;
        if let Err(refusal) = self.check_space(copy, content.size()) {
            self.remove_file(copy)?;
            return Err(refusal);
        }
        self.set_content(copy, content, modified)?;
        Ok(copy)
    }

    fn make_room(&mut self, id: Id, parent: Id, name: &str, overwrite: bool) -> Result<(), Refusal> {
        self.file(id)?;
        self.folder(parent)?;
        match self.file_named(parent, name) {
            Some(other) if other != id => {
                if !overwrite {
                    return Err(Refusal::new(409, texts::FILE_EXISTS));
                }
                self.remove_file(other)
            }
            _ => Ok(()),
        }
    }

    /// Moves a folder and all in it to the trash; calls about any of it answer 404 from now on.
    pub(crate) fn remove_folder(&mut self, id: Id) -> Result<(), Refusal> {
        if id == ROOT {
            return Err(Refusal::new(403, "The root folder can't be removed"));
        }
        let (parent, name) = {
            let folder = self.folder(id)?;
            (folder.parent, folder.name.clone())
        };
        self.detach_folder(parent, &name, id);
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            self.trash.insert(id);
            let Some(folder) = self.folders.remove(&id) else { continue };
            left.extend(folder.folders.into_values().flatten());
            for file in folder.files.into_values() {
                self.drop_file(file);
            }
        }
        Ok(())
    }

    /// Moves or renames a folder. Another one of the new name is an error (the facts don't say; 409).
    pub(crate) fn move_folder(&mut self, id: Id, parent: Id, name: &str) -> Result<(), Refusal> {
        let name = stored(name)?;
        let (old_parent, old_name) = {
            let folder = self.folder(id)?;
            (folder.parent, folder.name.clone())
        };
        self.check_folder_target(id, parent, name)?;
        self.detach_folder(old_parent, &old_name, id);
        let folder = self.folder_mut(id)?;
        folder.parent = parent;
        folder.name = name.into();
        self.attach_folder(parent, name, id);
        Ok(())
    }

    /// Copies a folder with all in it; gives the copy's id.
    pub(crate) fn copy_folder(&mut self, id: Id, parent: Id, name: &str) -> Result<Id, Refusal> {
        let name = stored(name)?;
        self.folder(id)?;
        self.check_folder_target(id, parent, name)?;
        let copy = self.create_folder(parent, name, 0)?;
        let folder = self.folder(id)?;
        let folders: Vec<Id> = folder.folders.values().flatten().copied().collect();
        let files: Vec<Id> = folder.files.values().copied().collect();
        for file in files {
            let name = self.file(file)?.name.clone();
            self.copy_file(file, copy, &name, false)?;
        }
        for folder in folders {
            let name = self.folder(folder)?.name.clone();
            self.copy_folder(folder, copy, &name)?;
        }
        Ok(copy)
    }

    fn check_folder_target(&self, id: Id, parent: Id, name: &str) -> Result<(), Refusal> {
        self.folder(parent)?;
        if id == ROOT || self.is_inside(parent, id) {
            return Err(Refusal::new(400, "A folder can't be moved or copied into itself"));
        }
        if self.folders_named(parent, name).iter().any(|&other| other != id) {
            return Err(Refusal::new(409, texts::FOLDER_EXISTS));
        }
        Ok(())
    }

    fn is_inside(&self, mut id: Id, ancestor: Id) -> bool {
        while id != ROOT && id != ancestor {
            id = self.folders.get(&id).map_or(ROOT, |folder| folder.parent);
        }
        id == ancestor
    }

    /// The path without a leading slash; empty for the root and for what isn't there.
    pub(crate) fn folder_path(&self, mut id: Id) -> String {
        let mut names = Vec::new();
        while let Some(folder) = self.folders.get(&id).filter(|_| id != ROOT) {
            names.push(folder.name.as_str());
            id = folder.parent;
        }
        names.reverse();
        names.join("/")
    }

    pub(crate) fn file_path(&self, id: Id) -> String {
        self.files.get(&id).map_or_else(String::new, |file| join(&self.folder_path(file.parent), &file.name))
    }

    fn next_id(&mut self) -> Id {
        let id = self.next;
        self.next += 1;
        id
    }

    fn attach_file(&mut self, parent: Id, name: &str, id: Id) {
        if let Some(folder) = self.folders.get_mut(&parent) {
            folder.files.insert(name.to_lowercase(), id);
            folder.modified = now();
        }
    }

    fn detach_file(&mut self, parent: Id, name: &str) {
        if let Some(folder) = self.folders.get_mut(&parent) {
            folder.files.remove(&name.to_lowercase());
            folder.modified = now();
        }
    }

    fn attach_folder(&mut self, parent: Id, name: &str, id: Id) {
        if let Some(folder) = self.folders.get_mut(&parent) {
            let namesakes = folder.folders.entry(name.to_lowercase()).or_default();
            self.duplicates_ever += u64::from(!namesakes.is_empty());
            namesakes.push(id);
            folder.modified = now();
        }
    }

    fn detach_folder(&mut self, parent: Id, name: &str, id: Id) {
        let Some(folder) = self.folders.get_mut(&parent) else { return };
        let key = name.to_lowercase();
        if let Some(namesakes) = folder.folders.get_mut(&key) {
            namesakes.retain(|&other| other != id);
            if namesakes.is_empty() {
                folder.folders.remove(&key);
            }
        }
        folder.modified = now();
    }
}

/// Joins two parts of a path, either of which may be empty.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.into() } else { format!("{parent}/{name}") }
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}

fn new_folder(name: String, parent: Id) -> Folder {
    let now = now();
    Folder {
        name,
        parent,
        created: now,
        modified: now,
        access: 0,
        made: Instant::now(),
        hidden_until: None,
        folders: BTreeMap::new(),
        files: BTreeMap::new(),
    }
}

fn no_file() -> Refusal {
    Refusal::new(404, texts::NO_FILE)
}

/// A name as it is stored: white space at its ends is cut off without a word.
fn stored(name: &str) -> Result<&str, Refusal> {
    let name = name.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}']);
    if name.is_empty() {
        return Err(Refusal::new(400, "The name must not be empty"));
    }
    if name.len() > NAME_LIMIT {
        return Err(Refusal::new(400, "The name must not be longer than 255 characters"));
    }
    if name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Err(Refusal::new(400, "The name contains invalid characters"));
    }
    Ok(name)
}

/// Cuts a name to what `move_copy` keeps of it: rclone's Move says that it truncates silently.
pub(crate) fn truncate_name(name: &str) -> &str {
    let end = (0..=name.len().min(NAME_LIMIT)).rev().find(|&at| name.is_char_boundary(at));
    &name[..end.unwrap_or(0)]
}
