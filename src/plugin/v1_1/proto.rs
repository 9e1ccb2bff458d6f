//! The messages of plugin API v1.1.0, generated from `proto/v1.1`.

#![allow(missing_docs, clippy::all)]

/// Records, shared by importers and exporters.
pub mod plakar {
    pub mod connectors {
        tonic::include_proto!("plakar.connectors");
    }
    pub mod exporter {
        tonic::include_proto!("plakar.exporter");
    }
}
/// The importer service.
pub mod importer {
    tonic::include_proto!("importer");
}
/// The storage service.
pub mod store {
    tonic::include_proto!("store");
}
pub use plakar::{connectors, exporter};
