//! What several test files share.

#![allow(dead_code)] // Each test file uses a part of it.

pub mod command;
pub mod drive_source;
pub mod drive_store;
pub mod export;
pub mod place;
pub mod plakar;
pub mod planted;
pub mod plugin;
pub mod resources;
pub mod restoring;
pub mod stores;
pub mod user;

use place::noise;
#[allow(unused_imports)] // Each test file uses a part of it.
pub use plakar::platform;

/// The executable that is tested: the release build if `make` names it, as it does in CI.
pub fn executable() -> String {
    shipped().unwrap_or_else(|| env!("CARGO_BIN_EXE_plakar-opendrive").to_owned())
}

/// The release build, which `make test` names. Without it some tests have less to check; CI does not take that.
pub fn shipped() -> Option<String> {
    let named = std::env::var("PLAKAR_OPENDRIVE").ok();
    assert!(
        named.is_some() || std::env::var_os("CI").is_none(),
        "CI tests what is shipped: PLAKAR_OPENDRIVE must name it, as `make test` does"
    );
    named
}
