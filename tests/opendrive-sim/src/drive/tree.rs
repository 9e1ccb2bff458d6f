//! Folders and files, found by id and by name. Plain data: no locks, no HTTP.

use std::collections::{HashMap, HashSet};

use super::Refusal;
use super::entries::{File, Folder, Id, ROOT, join, now, stored};
use super::known::Known;
use crate::content::Content;
use crate::texts;

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
        let root = Folder::new(String::new(), ROOT);
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
        Refusal::new(
            404,
            if self.trash.contains(&id) { texts::FOLDER_DELETED } else { texts::NO_FOLDER },
        )
    }

    pub(crate) fn file_named(&self, parent: Id, name: &str) -> Option<Id> {
        self.folders.get(&parent)?.files.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn folders_named(&self, parent: Id, name: &str) -> &[Id] {
        self.folders
            .get(&parent)
            .and_then(|folder| folder.folders.get(&name.to_lowercase()))
            .map_or(&[], Vec::as_slice)
    }

    /// Makes a folder, a second one of the same name too.
    pub(crate) fn create_folder(
        &mut self,
        parent: Id,
        name: &str,
        access: i64,
    ) -> Result<Id, Refusal> {
        let name = stored(name)?;
        self.folder(parent)?;
        let id = self.next_id();
        self.folders.insert(id, Folder { access, ..Folder::new(name.into(), parent) });
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
        self.files.insert(id, File::new(name.into(), parent));
        self.attach_file(parent, name, id);
        Ok(id)
    }

    /// Whether a file may grow to `size` bytes.
    pub(crate) fn check_space(&self, id: Id, size: u64) -> Result<(), Refusal> {
        let used = self.used - self.file(id)?.content.size();
        match self.quota {
            Some(quota) if used + size > quota => {
                Err(Refusal::new(507, "Not enough space in the storage"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn set_content(
        &mut self,
        id: Id,
        content: Content,
        modified: i64,
    ) -> Result<(), Refusal> {
        let size = content.size();
        let file = self.files.get_mut(&id).ok_or_else(no_file)?;
        file.modified = modified;
        file.time_given = None;
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

    /// Moves or renames a file. Another file of the new name is replaced or, without `overwrite`,
    /// an error.
    pub(crate) fn move_file(
        &mut self,
        id: Id,
        parent: Id,
        name: &str,
        overwrite: bool,
    ) -> Result<(), Refusal> {
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
    pub(crate) fn copy_file(
        &mut self,
        id: Id,
        parent: Id,
        name: &str,
        overwrite: bool,
    ) -> Result<Id, Refusal> {
        let name = stored(name)?;
        if self.file_named(parent, name) == Some(id) {
            return Err(Refusal::new(409, texts::FILE_EXISTS));
        }
        self.make_room(id, parent, name, overwrite)?;
        let (content, modified, finished) = {
            let file = self.file(id)?;
            (file.content.clone(), file.modified, file.finished)
        };
        let copy = self.create_file(parent, name)?;
        if let Err(refusal) = self.check_space(copy, content.size()) {
            self.remove_file(copy)?;
            return Err(refusal);
        }
        if finished {
            self.set_content(copy, content, modified)?;
        }
        Ok(copy)
    }

    fn make_room(
        &mut self,
        id: Id,
        parent: Id,
        name: &str,
        overwrite: bool,
    ) -> Result<(), Refusal> {
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
            return Err(Refusal::new(403, "The root folder cannot be removed"));
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

    /// Moves or renames a folder. Another one of the new name is an error (the facts don't say;
    /// 409).
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
            return Err(Refusal::new(400, "A folder cannot be moved or copied into itself"));
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

    /// The path without a leading slash; empty for the root and for what is not there.
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
        self.files
            .get(&id)
            .map_or_else(String::new, |file| join(&self.folder_path(file.parent), &file.name))
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

fn no_file() -> Refusal {
    Refusal::new(404, texts::NO_FILE)
}
