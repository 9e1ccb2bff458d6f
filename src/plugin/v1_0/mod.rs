//! Plugin API v1.0.0, spoken by Plakar 1.0.3 to 1.0.6.
//!
//! From Plakar 1.0.6 on each call carries the cookie that Init gave. A process is one connector here, so
//! none is given and none is looked at.

mod exporter;
mod importer;
#[rustfmt::skip]
pub mod proto;
mod storage;

pub use exporter::ExporterService;
pub use importer::ImporterService;
pub use storage::StorageService;
