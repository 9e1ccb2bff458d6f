//! Where a source and the folder of a store have paths in common.
//!
//! Plakar leaves out of every backup what has the path of a store in a folder, or lies below it,
//! whatever the source is: the drive's `/backups` too, for a store in this machine's `/backups`
//! (kloset v1.1.3, snapshot/backup.go).

use std::path::{Path, PathBuf};

use crate::configuration::location::{cleaned, local_folder};

/// Protocols whose locations have no host in them: all that follows is the path.
pub(crate) const WITHOUT_HOST: [&str; 2] = ["opendrive", "rclone"];

/// What of a source plakar would leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The store lies in the source, whose path this is.
    Part(String),
    /// The source, whose path this is, lies in the store.
    All(String),
}

/// What plakar would leave out of the source at this location, because of a store in this folder.
///
/// Of a source that is a whole drive nothing is said: whether it has such a folder only a backup
/// can tell, and it does.
pub fn overlap(location: &str, store: &Path) -> Option<Overlap> {
    let (roots, local) = roots(location);
    let mut stores = vec![cleaned(&store.to_string_lossy())];
    if local {
        // Through a link, a store would be backed up into itself.
        stores.push(cleaned(&real(store).to_string_lossy()));
    }
    for root in &roots {
        for store in &stores {
            if below(store, root) && (local || root != "/") {
                return Some(Overlap::Part(root.clone()));
            }
            if below(root, store) {
                return Some(Overlap::All(root.clone()));
            }
        }
    }
    None
}

/// Whether a store lies in what is backed up, on the same kind of drive: then each backup has the
/// store in it. Whether it is the same account the caller knows.
pub fn lies_in(store: &str, source: &str) -> bool {
    let parts = |location: &str| {
        let (protocol, rest) = location.split_once(':')?;
        Some((protocol.to_owned(), cleaned(rest)))
    };
    let (Some((one, store)), Some((other, source))) = (parts(store), parts(source)) else {
        return false;
    };
    one == other && below(&store, &source)
}

/// The paths that what is at a location may have in a snapshot, and whether it is this machine's.
fn roots(location: &str) -> (Vec<String>, bool) {
    if let Some(folder) = local_folder(location) {
        let real = real(&folder);
        return (vec![cleaned(&folder.to_string_lossy()), cleaned(&real.to_string_lossy())], true);
    }
    let (protocol, rest) = location.split_once(':').unwrap_or(("", location));
    let rest = rest.trim_start_matches('/');
    let mut roots = vec![cleaned(rest)];
    if !WITHOUT_HOST.contains(&protocol)
        && let Some((_, path)) = rest.split_once('/')
        && !cleaned(path).eq("/")
    {
        roots.push(cleaned(path));
    }
    (roots, false)
}

fn below(path: &str, folder: &str) -> bool {
    path == folder
        || folder == "/"
        || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a path is a folder of this machine or lies below it, also through links.
pub fn is_within(path: &Path, folder: &Path) -> bool {
    let [path, folder] = [path, folder].map(|path| cleaned(&real(path).to_string_lossy()));
    below(&path, &folder)
}

/// Without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    for folder in path.ancestors() {
        if let Ok(real) = folder.canonicalize() {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        rest.extend(folder.file_name());
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_in_its_source_is_found_whatever_the_source_is() {
        let part = |root: &str| Some(Overlap::Part(root.to_owned()));
        let all = |root: &str| Some(Overlap::All(root.to_owned()));
        for (location, store, expected) in [
            ("/nowhere/data", "/nowhere/data/store", part("/nowhere/data")),
            ("fs:///nowhere/data/", "/nowhere/data", part("/nowhere/data")),
            ("fs:/nowhere/data", "/nowhere/data/store", part("/nowhere/data")),
            ("/", "/nowhere/store", part("/")),
            ("/nowhere/data", "/nowhere/data2", None),
            ("/nowhere/store/data", "/nowhere/store", all("/nowhere/store/data")),
            ("opendrive://backups", "/backups", part("/backups")),
            ("opendrive://Documents", "/home/me/vault", None),
            ("opendrive://backups//2020", "/backups/", all("/backups/2020")),
            ("opendrive://home/me", "/me", None),
            ("opendrive://", "/backups", None),
            ("sftp://me@host:22/srv", "/srv/store", part("/srv")),
            ("s3://host/bucket", "/host/bucket", part("/host/bucket")),
            ("s3://host", "/srv/store", None),
        ] {
            assert_eq!(overlap(location, Path::new(store)), expected, "{location} {store}");
        }
    }

    #[test]
    fn a_store_on_the_drive_that_is_backed_up_lies_in_it() {
        for (store, source, expected) in [
            ("opendrive://Backups", "opendrive://", true),
            ("opendrive:///a/b", "opendrive://a", true),
            ("opendrive://a", "opendrive://a", true),
            ("opendrive://ab", "opendrive://a", false),
            ("opendrive://a", "opendrive://a/b", false),
            ("s3://host/a", "opendrive://", false),
            ("/srv/vault", "opendrive://", false),
        ] {
            assert_eq!(lies_in(store, source), expected, "{store} {source}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_hides_no_store() {
        let folder = tempfile::tempdir().unwrap();
        let (data, link) = (folder.path().join("data"), folder.path().join("link"));
        std::fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&data, &link).unwrap();
        let location = data.to_str().unwrap();
        assert!(matches!(overlap(location, &link.join("new/store")), Some(Overlap::Part(_))));
        assert_eq!(overlap(location, &folder.path().join("store")), None);
        let location = format!("fs:{location}");
        assert!(matches!(overlap(&location, &link.join("new/store")), Some(Overlap::Part(_))));
        assert!(is_within(&link.join("new"), &data) && is_within(&data, &link));
        assert!(!is_within(folder.path(), &data));
    }
}
