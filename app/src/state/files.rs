//! The directory of the state and the files in it: the user's own, no links, closed to others.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::error::{Result, StateError};

/// The usual place: `$XDG_STATE_HOME/plakar-opendrive`, or what comes nearest to it on this system.
///
/// # Errors
///
/// The environment names no home directory.
pub fn default_directory() -> Result<PathBuf> {
    let variable =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("XDG_STATE_HOME")
            .or_else(|| Some(variable("HOME")?.join("Library/Application Support")))
    } else {
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))
    };
    base.map(|base| base.join("plakar-opendrive")).ok_or_else(|| {
        StateError::invalid("no home directory: set HOME, or name the directory of the state")
    })
}

/// Makes the directory if it is missing and gives its true path.
///
/// # Errors
///
/// It is a link, no directory, somebody else's or open to others.
pub(super) fn prepare(directory: &Path) -> Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(StateError::file(directory))?;
    let metadata = fs::symlink_metadata(directory).map_err(StateError::file(directory))?;
    if !metadata.is_dir() {
        return Err(StateError::Unsafe(format!(
            "{} is a link; name the directory that it points to",
            directory.display()
        )));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(StateError::Unsafe(format!(
                "{} belongs to another user; name a directory of your own",
                directory.display()
            )));
        }
        if metadata.mode() & 0o077 != 0 {
            let (shown, mode) = (directory.display(), metadata.mode() & 0o777);
            return Err(StateError::Unsafe(format!(
                "{shown} is open to other users (mode {mode:o}); run: chmod 700 {shown}"
            )));
        }
    }
    directory.canonicalize().map_err(StateError::file(directory))
}

/// Options for a file that only its owner may read, and that is not reached through a link.
pub(super) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    }
    options
}

/// Makes the database's file before SQLite does, so that it never has another mode; SQLite gives
/// its other files the same. One that is there is not opened: closing it would end the locks that
/// another connection of this process holds on it.
pub(super) fn prepare_database(path: &Path) -> Result<()> {
    match private().append(true).create_new(true).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(StateError::File { path: path.into(), error }),
    }
    let metadata = fs::symlink_metadata(path).map_err(StateError::file(path))?;
    if metadata.is_symlink() {
        return Err(StateError::Unsafe(format!(
            "{} is a link; put the file itself there",
            path.display()
        )));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        if metadata.mode() & 0o177 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
                .map_err(StateError::file(path))?;
        }
    }
    Ok(())
}
