//! The restore points of an app: the list, what is in them, downloads, and restoring.

pub(super) mod content;
pub(super) mod errors;
pub(super) mod everywhere;
pub(super) mod file;
pub(super) mod folder;
mod links;
pub(super) mod list;
mod listing;
mod order;
mod point;
pub(super) mod restore;
pub(super) mod restore_here;
mod search;
pub(super) mod several;
mod versions;
mod visible_text;

pub(super) use links::Links;
pub(super) use visible_text::VisibleText;
