//! Secrets that are named instead of written down, and files that nobody else may read.

mod command;
mod private_file;
mod reference;
mod vault;

pub use private_file::read_private_if_there;
pub use reference::{SecretReference, Variables};
pub use vault::VaultPlace;
