//! OpenDrive, and any other rclone remote, for Plakar: source, destination and storage.
//!
//! [`rclone`] is a safe layer over rclone, which is linked in as a Go archive. The connectors and
//! Plakar's wire contract stand on it; docs/ARCHITECTURE.md shows the layers.

#![deny(unsafe_code)]

#[allow(unsafe_code)] // One file of it, ffi.rs; see there.
pub mod rclone;

pub mod cli;
pub mod connector;
mod hex;
mod panics;
pub mod plugin;
