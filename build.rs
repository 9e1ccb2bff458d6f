//! Compiles `proto/` (protox, so that no protoc is needed) to Rust.

#![allow(clippy::print_stdout)] // A build script speaks to Cargo there.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = std::env::var("OUT_DIR")?;
    // What both generations share is one type.
    tonic_prost_build::configure().compile_fds(protox::compile(["files.proto"], ["proto"])?)?;
    // The packages of the two generations have the same names, hence a folder for each.
    for generation in ["v1.0", "v1.1"] {
        let files = ["importer.proto", "exporter.proto", "storage.proto"];
        let descriptors = protox::compile(files, ["proto", &format!("proto/{generation}")])?;
        let folder = Path::new(&out).join(generation);
        std::fs::create_dir_all(&folder)?;
        tonic_prost_build::configure()
            .out_dir(folder)
            // Plakar's pipes are the only connection; tests bring theirs.
            .build_transport(false)
            // Chunks are handed on without copying them.
            .bytes(".")
            .extern_path(".plakar.files", "crate::plugin::files")
            // They have the passwords of a configuration in them.
            .skip_debug(["InitRequest"])
            .compile_fds(descriptors)?;
    }
    Ok(())
}
