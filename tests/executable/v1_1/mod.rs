//! Conformance of plugin API v1.1.0: a client speaks to the executable over its pipes as Plakar
//! does.

mod exporter;
mod importer;
#[cfg(target_os = "linux")]
mod large_folders;
mod storage;
