//! How much fits where a folder is, and how much is in it.

use std::path::Path;

pub use plakar_cache::{DiskSpace, disk_space};

/// Bytes of all files in a folder and below it. One that goes away meanwhile counts nothing.
///
/// # Errors
/// The folder cannot be read.
pub fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let (mut bytes, mut folders) = (0, Vec::new());
    let mut entries = std::fs::read_dir(folder)?;
    loop {
        for entry in entries {
            // What a link leads to lies elsewhere.
            match entry.and_then(|entry| Ok((entry.metadata()?, entry.path()))) {
                Ok((found, path)) if found.is_dir() => folders.push(path),
                Ok((found, _)) if found.is_file() => bytes += found.len(),
                Ok(_) => (),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        entries = loop {
            match folders.pop().map(std::fs::read_dir) {
                None => return Ok(bytes),
                Some(Ok(entries)) => break entries,
                Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => (),
                Some(Err(error)) => return Err(error),
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_bytes_of_all_files_below_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        for (name, length) in [("one", 3), ("a/two", 500), ("a/b/three", 7)] {
            std::fs::write(folder.path().join(name), vec![0; length]).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        assert_eq!(folder_bytes(folder.path()).unwrap(), 510);
        assert!(folder_bytes(&folder.path().join("none")).is_err());
    }
}
