//! The messages of plugin API v1.1.0, generated from `proto/v1.1`.

#![allow(missing_docs, clippy::all)]

/// Records, shared by importers and exporters.
pub mod plakar {
    pub mod connectors {
        include!(concat!(env!("OUT_DIR"), "/v1.1/plakar.connectors.rs"));
    }
    pub mod exporter {
        include!(concat!(env!("OUT_DIR"), "/v1.1/plakar.exporter.rs"));
    }
}
/// The importer service.
pub mod importer {
    include!(concat!(env!("OUT_DIR"), "/v1.1/importer.rs"));
}
/// The storage service.
pub mod store {
    include!(concat!(env!("OUT_DIR"), "/v1.1/store.rs"));
}
pub use plakar::{connectors, exporter};
