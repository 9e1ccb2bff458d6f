//! What takes its time: backups, checks, prunes, copies, and restores with their verification.

pub(crate) mod backup;
pub(crate) mod check;
mod check_lines;
pub(crate) mod compare;
mod damaged;
pub(crate) mod drill;
pub(crate) mod drive_listing;
mod entry_lock;
pub(crate) mod kept;
pub(crate) mod maintenance;
mod own_folder;
pub(crate) mod own_package;
pub(crate) mod program;
pub(crate) mod progress;
pub(crate) mod prune;
pub(crate) mod prune_rule;
pub(crate) mod restore;
pub(crate) mod restore_job;
mod scratch;
pub(crate) mod sync;
pub(crate) mod temporary;
pub(crate) mod verify;
