//! Plugin API v1.1.0, spoken by Plakar 1.1.

mod convert;
mod exporter;
mod importer;
#[rustfmt::skip]
pub mod proto;
mod storage;

pub use exporter::ExporterService;
pub use importer::ImporterService;
pub use storage::StorageService;
