//! What a plakar needs that has a cache of its own: room, and packages that it cannot uninstall.
//!
//! Plakar unpacks each of its packages into a cache that is new. If that fails, for example because
//! nothing more fits on the disk, it removes the package as well, from the user's own folder (pkg
//! v1.1.0, flat.go, `reload`): so it gets a folder of packages of its own, with links in it, and the
//! disk is looked at before.

mod folders;
mod packages;
mod space;

pub use folders::{Hold, OwnFolders};
pub use space::{DiskSpace, MIN_CHECK_SPACE_BYTES, disk_space};
