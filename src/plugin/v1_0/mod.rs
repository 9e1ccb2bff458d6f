//! Plugin API v1.0.0, spoken by Plakar 1.0.3 to 1.0.6.
//!
//! Older ones know no cookie, which calls carry later (integration-grpc v1.0.18). A process is one
//! connector here, so none is given and none is looked at.
//!
//! Read in, and tested with, integration-grpc v1.0.18 and kloset v1.0.12; the Go proxy gives out no
//! Plakar 1.0.

mod exporter;
mod importer;
#[rustfmt::skip]
pub mod proto;
mod storage;

pub use exporter::ExporterV1_0;
pub use importer::ImporterV1_0;
pub use storage::StorageV1_0;
