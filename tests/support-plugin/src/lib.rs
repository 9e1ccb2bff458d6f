//! What tests, benchmark and soak share that use the plugin's crate.

pub mod export;
pub mod place;
pub mod plugin;
pub mod resources;
pub mod restoring;
pub mod stores;
