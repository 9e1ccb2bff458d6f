//! Plugin API v1.1.0, spoken by Plakar 1.1.

mod convert;
mod exporter;
mod importer;
#[rustfmt::skip]
pub mod proto;
mod storage;

pub use exporter::ExporterV1_1;
pub use importer::ImporterV1_1;
pub use storage::StorageV1_1;
