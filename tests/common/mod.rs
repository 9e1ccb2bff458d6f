//! What several test files share.

#![allow(dead_code)] // Each test file uses a part of it.

pub mod drive_store;
pub mod export;
pub mod place;
pub mod plakar;
pub mod plugin;
pub mod restoring;
