//! Where the files of a store go: as they lie, or as Plakar has them on a disk.

use std::borrow::Cow;

use crate::connector::store::layout::{Kind, mac_from_hex};

/// Kinds of resources that lie in folders of two hex digits on a disk (kloset's local store, integrations/fs v1.1.2).
const SHARDED: [Kind; 2] = [Kind::Packfile, Kind::State];

/// How a copy is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreLayout {
    /// Each file has the path that it has.
    AsItIs,
    /// Packfiles and states go into folders of the first two digits of their names.
    LocalDisk,
}

impl StoreLayout {
    /// The path of a file in the copy.
    pub(super) fn path(self, path: &str) -> Cow<'_, str> {
        let resource = path.split_once('/').filter(|(folder, name)| {
            SHARDED.iter().any(|kind| kind.folder() == *folder) && mac_from_hex(name).is_some()
        });
        match resource {
            Some((folder, name)) if self == Self::LocalDisk => {
                format!("{folder}/{}/{name}", &name[..2]).into()
            }
            _ => path.into(),
        }
    }

    /// The folders that come with one: Plakar writes into those of two digits, and makes none later.
    pub(super) fn below(self, folder: &str) -> impl Iterator<Item = String> + use<'_> {
        let sharded = self == Self::LocalDisk && SHARDED.iter().any(|kind| kind.folder() == folder);
        (0..=u8::MAX).filter(move |_| sharded).map(move |digits| format!("{folder}/{digits:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_go_into_folders_of_two_digits() {
        let name = "1c".repeat(32);
        for (path, there) in [
            (format!("packfiles/{name}"), format!("packfiles/1c/{name}")),
            (format!("states/{name}"), format!("states/1c/{name}")),
            (format!("locks/{name}"), format!("locks/{name}")),
            (format!("packfiles/1c/{name}"), format!("packfiles/1c/{name}")),
            (format!("a/packfiles/{name}"), format!("a/packfiles/{name}")),
            ("packfiles/README".to_owned(), "packfiles/README".to_owned()),
            ("CONFIG".to_owned(), "CONFIG".to_owned()),
        ] {
            assert_eq!(StoreLayout::LocalDisk.path(&path), there);
            assert_eq!(StoreLayout::AsItIs.path(&path), path);
        }
        let below: Vec<_> = StoreLayout::LocalDisk.below("states").collect();
        assert_eq!((below.len(), &*below[0], &*below[255]), (256, "states/00", "states/ff"));
        assert_eq!(StoreLayout::LocalDisk.below("locks").count(), 0);
        assert_eq!(StoreLayout::AsItIs.below("states").count(), 0);
    }
}
