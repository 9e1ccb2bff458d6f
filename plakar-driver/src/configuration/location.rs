//! Where a location of Plakar's is.

use std::path::{Path, PathBuf};

/// The folder of this machine that a location is, if it is one: `/a`, `fs:/a` and `fs:///a` are the
/// same. `fs://a` is none, as Plakar refuses it.
pub fn local_folder(location: &str) -> Option<PathBuf> {
    let path = location.strip_prefix("fs://").or_else(|| location.strip_prefix("fs:"));
    let path = path.unwrap_or(location);
    if path.starts_with('/') {
        return Some(PathBuf::from(cleaned(path)));
    }
    // With a drive's letter, on Windows.
    let path = Path::new(path);
    path.is_absolute().then(|| path.to_owned())
}

/// Whether two locations are the same place, however they are written. What is no location, such as
/// a store's name, is itself.
pub fn same_place(one: &str, other: &str) -> bool {
    let place = |location: &str| match (local_folder(location), location.split_once("://")) {
        (Some(folder), _) => folder.display().to_string(),
        (None, Some((protocol, path))) => format!("{protocol}:{}", cleaned(path)),
        (None, None) => location.to_owned(),
    };
    one == other || place(one) == place(other)
}

/// Absolute, without a slash too many.
pub(crate) fn cleaned(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_known_by_its_path() {
        for (location, folder) in [
            ("/a b", Some("/a b")),
            ("//a/./b/", Some("/a/b")),
            ("fs:///a/b", Some("/a/b")),
            ("fs:/a/b/", Some("/a/b")),
            ("/", Some("/")),
            ("fs://a/b", None),
            ("a/b", None),
            ("opendrive:///a", None),
            ("", None),
        ] {
            assert_eq!(local_folder(location), folder.map(PathBuf::from), "{location}");
        }
    }

    #[test]
    fn a_place_is_known_again_however_it_is_written() {
        for (one, other) in [
            ("/srv/vault", "/srv/vault/"),
            ("/srv/vault", "fs:///srv/vault"),
            ("/srv//vault", "fs:/srv/./vault"),
            ("opendrive://Backups", "opendrive:///Backups/"),
            ("opendrive://a//b", "opendrive://a/b"),
            ("sftp://me@host/a/", "sftp://me@host/a"),
            ("vault", "vault"),
        ] {
            assert!(same_place(one, other) && same_place(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("/srv/vault", "/srv/vault2"),
            ("opendrive://x", "rclone://x"),
            ("/x", "sftp://x"),
            ("vault", "/vault"),
        ] {
            assert!(!same_place(one, other) && !same_place(other, one), "{one} {other}");
        }
    }
}
