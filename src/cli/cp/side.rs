//! The two sides of a copy, before either is opened.

use std::path::{Path, PathBuf};

use terminal::exit::Failure;

use crate::cli::failure::{is_file, remote_failure};
use crate::cli::place::{RemoteLookup, above, is_remote};
use crate::connector::{Settings, open_remote};
use crate::rclone::ErrorKind;

/// A side of the copy, before anything is opened.
pub(super) enum CopySide {
    Local(PathBuf),
    Remote(Box<Settings>),
}

impl CopySide {
    /// Understands an argument: a remote, or a path of this machine.
    pub(super) fn understand(argument: &str, lookup: &mut RemoteLookup) -> Result<Self, Failure> {
        if is_remote(argument) {
            return Ok(Self::Remote(Box::new(lookup.find(argument)?)));
        }
        if argument.is_empty() {
            return Err(Failure::usage("a path is empty: write . for this folder"));
        }
        Ok(Self::Local(argument.into()))
    }
}

/// The folder that is copied into, and the name there of a single file.
pub(super) struct TargetPath {
    pub(super) folder: CopySide,
    pub(super) name: Option<String>,
}

/// Finds out whether a single file goes into a folder or becomes a file of another name.
pub(super) async fn place(
    to: CopySide,
    slash: bool,
    file: Option<&str>,
) -> Result<TargetPath, Failure> {
    let Some(name) = file else { return Ok(TargetPath { folder: to, name: None }) };
    let into = |folder| Ok(TargetPath { folder, name: Some(name.to_owned()) });
    match to {
        CopySide::Local(path) if slash || path.is_dir() => into(CopySide::Local(path)),
        CopySide::Local(path) => {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name
                .ok_or_else(|| Failure::usage(format!("{path:?} is not a valid name for a file")))?
                .to_owned();
            let folder =
                path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            Ok(TargetPath { folder: CopySide::Local(folder.to_owned()), name: Some(name) })
        }
        CopySide::Remote(settings) => {
            let Some((folder, new_name)) = above(&settings) else {
                return into(CopySide::Remote(settings));
            };
            if slash || is_folder(&settings).await? {
                return into(CopySide::Remote(settings));
            }
            Ok(TargetPath { folder: CopySide::Remote(Box::new(folder)), name: Some(new_name) })
        }
    }
}

/// Whether there is a folder on a remote.
async fn is_folder(settings: &Settings) -> Result<bool, Failure> {
    let remote = match open_remote(settings).await {
        Err(error) if is_file(&error) => return Ok(false),
        remote => remote?,
    };
    match remote.list("").await {
        // A bucket has any folder, empty.
        Ok(entries) => Ok(!entries.is_empty() || remote.features().empty_folders),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(remote_failure(settings, &error)),
    }
}
