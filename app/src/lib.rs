//! The source app: a resource that is backed up, and everything one does to it in one place.
//!
//! Each room knows only those below it: `service`, then `scheduler`, `export`, `notify` and `hooks`,
//! then `state` and `secret`, then `model`. The real Plakar is driven by the package `plakar-driver`.

pub mod export;
pub mod hooks;
mod loopback;
pub mod model;
pub mod notify;
pub mod scheduler;
pub mod secret;
pub mod service;
pub mod state;
mod toml_faults;
