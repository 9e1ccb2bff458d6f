//! The messages of plugin API v1.0.0, generated from `proto/v1.0`.

#![allow(missing_docs, clippy::all)]

/// The importer service.
pub mod importer {
    include!(concat!(env!("OUT_DIR"), "/v1.0/importer.rs"));
}
/// The exporter service.
pub mod exporter {
    include!(concat!(env!("OUT_DIR"), "/v1.0/exporter.rs"));
}
/// The storage service.
pub mod store {
    include!(concat!(env!("OUT_DIR"), "/v1.0/store.rs"));
}
