//! How much fits where a folder is, and whether that is enough for a new cache.

use std::io;
use std::path::Path;

/// Minimum of free space for plakar's databases, which take 142 MiB for the smallest store, and for
/// its packages, in bytes.
pub const MIN_CHECK_SPACE_BYTES: u64 = 200 << 20;

/// The room of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What this user may still write.
    pub free: u64,
    /// What fits in all.
    pub total: u64,
}

/// The room where a folder is, if that can be told.
#[cfg(unix)]
pub fn disk_space(folder: &Path) -> Option<DiskSpace> {
    let told = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Some(DiskSpace { free: bytes(told.f_bavail), total: bytes(told.f_blocks) })
}

/// The room where a folder is, if that can be told.
#[cfg(not(unix))]
pub fn disk_space(_: &Path) -> Option<DiskSpace> {
    None
}

/// Whether a check has room for a new cache where so many bytes are free, if that is known.
///
/// # Errors
/// It has not: the folder is named, and what to do.
pub(crate) fn check_space(folder: &Path, free: Option<u64>) -> io::Result<()> {
    let Some(free) = free.filter(|free| *free < MIN_CHECK_SPACE_BYTES) else { return Ok(()) };
    Err(io::Error::other(format!(
        "the folder for temporary files {} has {} MiB left, and a check needs {} MiB or more: free some, or set TMPDIR to another folder",
        folder.display(),
        free >> 20,
        MIN_CHECK_SPACE_BYTES >> 20
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_temporary_files_that_is_full_is_told_with_what_to_do() {
        let folder = Path::new("/tmp");
        check_space(folder, None).unwrap();
        check_space(folder, Some(MIN_CHECK_SPACE_BYTES)).unwrap();
        let error = check_space(folder, Some(12 << 20)).unwrap_err().to_string();
        let begins = "the folder for temporary files /tmp has 12 MiB left, and a check needs ";
        assert!(error.starts_with(begins) && error.contains("set TMPDIR"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_room_of_a_folder_is_known() {
        assert!(disk_space(Path::new("/")).is_some_and(|space| space.total >= space.free));
    }
}
