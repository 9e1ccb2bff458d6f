//! What Plakar tells of a file, generated from `proto/files.proto`; the same in both plugin APIs.

#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/plakar.files.rs"));
