//! Resources: the list, one of them with its apps and settings, and new ones.

pub(super) mod list;
pub(super) mod new;
pub(super) mod one;
mod settings;
