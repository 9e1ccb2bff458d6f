//! The source app: a resource that is backed up, and everything one does to it in one place.
//!
//! Each room knows only those below it: `service`, then `scheduler` and `export`, then `state`,
//! then `model`. The real Plakar is driven by the package `plakar-driver`.

pub mod export;
pub mod model;
pub mod scheduler;
pub mod service;
pub mod state;
