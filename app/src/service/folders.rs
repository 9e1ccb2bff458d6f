//! Folders of this machine, to choose one to restore to.

use std::path::Path;

use super::blocking::blocking;
use super::error::{Error, Result};
use super::handle::Service;
use crate::state::StateError;

/// Maximum number of folders that are listed.
const MAX_FOLDERS: usize = 500;

/// A folder of this machine, and those in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MachineFolder {
    /// Its path.
    pub path: String,
    /// The folder that it is in; none of the root.
    pub parent: Option<String>,
    /// The names of the folders in it, in their order, without hidden ones and links.
    pub folders: Vec<String>,
    /// There are more.
    pub more: bool,
}

impl Service {
    /// A folder of this machine, with the folders in it; the home folder if the path is empty.
    ///
    /// # Errors
    /// It is no folder, or cannot be read.
    pub async fn machine_folder(&self, path: &str) -> Result<MachineFolder> {
        let home = || std::env::var("HOME").ok().filter(|home| Path::new(home).is_dir());
        let path = match path {
            "" => home().unwrap_or_else(|| "/".into()),
            path => path.to_owned(),
        };
        let up = Path::new(&path).components().any(|part| part == std::path::Component::ParentDir);
        if !Path::new(&path).is_absolute() || up {
            return Err(Error::Input(format!(
                "the folder \"{}\" has to be an absolute path without \"..\"",
                path.escape_debug()
            )));
        }
        blocking(move || Ok::<_, StateError>(listed(&path))).await?
    }
}

fn listed(path: &str) -> Result<MachineFolder> {
    let entries = std::fs::read_dir(path)
        .map_err(|error| Error::Input(format!("the folder {path} cannot be listed: {error}")))?;
    let folder = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let shown = entry.file_type().ok()?.is_dir()
            && !name.starts_with('.')
            && !name.chars().any(plakar_driver::deceives);
        shown.then_some(name)
    };
    let mut folders: Vec<String> = entries.flatten().filter_map(folder).collect();
    folders.sort();
    let more = folders.len() > MAX_FOLDERS;
    folders.truncate(MAX_FOLDERS);
    let parent = Path::new(path).parent().and_then(Path::to_str).map(str::to_owned);
    Ok(MachineFolder { path: path.to_owned(), parent, folders, more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_are_listed_and_what_is_none_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a", ".hidden"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("file"), "").unwrap();
        let path = folder.path().to_str().unwrap();
        let found = listed(path).unwrap();
        assert_eq!((found.folders, found.more), (vec!["a".to_owned(), "b".to_owned()], false));
        assert_eq!(found.parent.as_deref(), folder.path().parent().unwrap().to_str());
        let none = listed(&format!("{path}/file")).unwrap_err().to_string();
        assert!(none.contains("cannot be listed") && !none.contains('\n'), "{none}");
    }
}
