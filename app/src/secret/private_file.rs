//! A file that only its user may read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Maximum size of such a file, in bytes.
const MAX_BYTES: u64 = 256 << 10;

/// Reads a file that belongs to the user (or to root, as what systemd hands over) and is closed to
/// others.
///
/// # Errors
///
/// One line: it is not there, not safe, or no text.
pub fn read_private(path: &Path) -> Result<String, String> {
    read(path, open(path)?)
}

/// The same of a file that need not be there; a link that leads nowhere is there.
///
/// # Errors
///
/// One line: it is not safe, or no text.
pub fn read_private_if_there(path: &Path) -> Result<Option<String>, String> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        _ => read_private(path).map(Some),
    }
}

/// Reads what systemd hands over under a name. It keeps others out by the directory.
pub(super) fn read_credential(
    name: &str,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<String, String> {
    let directory = variable("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        format!("there is no credential {name}: the variable CREDENTIALS_DIRECTORY is not set; start this program by a unit of systemd with LoadCredential={name}:/path")
    })?;
    let path = Path::new(&directory).join(name);
    let file = File::open(&path).map_err(|error| {
        format!("the credential {name} of systemd cannot be read: {error}; write LoadCredential={name}:/path into the unit")
    })?;
    read(&path, file)
}

fn read(path: &Path, file: File) -> Result<String, String> {
    let shown = path.display();
    let mut text = String::new();
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("{shown} is larger than {} KiB; name another file", MAX_BYTES >> 10));
    }
    Ok(text)
}

#[cfg(unix)]
fn open(path: &Path) -> Result<File, String> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    use rustix::fs::OFlags;

    let shown = path.display();
    // Without waiting for the other end of a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(|error| {
        let link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{shown} is not there; make it, for yourself alone (chmod 600)")
            }
            _ if link => format!("{shown} is a link; name the file that it points to"),
            _ => format!("{shown} cannot be read: {error}"),
        }
    })?;
    let metadata = file.metadata().map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err(format!("{shown} is not a file; name a file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0 {
        return Err(format!("{shown} belongs to another user; name a file of your own"));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(format!(
            "{shown} is open to other users (mode {mode:o}); run: chmod 600 {shown}"
        ));
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File, String> {
    File::open(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
