//! Compiles `proto/` (protox, so that no protoc is needed) to Rust.

#![allow(clippy::print_stdout)] // A build script speaks to Cargo there.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = ["importer.proto", "exporter.proto", "storage.proto"];
    let descriptors = protox::compile(files, ["proto/v1.1"])?;
    tonic_prost_build::configure()
        // Chunks are handed on without copying them.
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
