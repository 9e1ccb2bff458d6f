//! What several test files share.

#![allow(dead_code)] // Each test file uses a part of it.

pub mod command;
pub mod drive_store;
pub mod export;
pub mod place;
pub mod plakar;
pub mod planted;
pub mod plugin;
pub mod resources;
pub mod restoring;
pub mod user;

use place::noise;

/// The executable that is tested: the release build if `make` names it.
pub fn executable() -> String {
    std::env::var("PLAKAR_OPENDRIVE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_plakar-opendrive").to_owned())
}
