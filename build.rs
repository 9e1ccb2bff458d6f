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
            // Chunks are handed on without copying them.
            .bytes(".")
            .extern_path(".plakar.files", "crate::plugin::files")
            // They have the passwords of a configuration in them.
            .skip_debug(["InitRequest"])
            .compile_fds(descriptors)?;
    }
    if packs_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// Whether the static executable can have its two megabytes of relocations in a tenth of that: what is linked in undoes it at
/// the start, since glibc 2.36.
fn packs_relocations() -> bool {
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value.split(',').any(|part| part == wanted));
    let static_linux =
        is("TARGET", "x86_64-unknown-linux-gnu") && is("HOST", "x86_64-unknown-linux-gnu") && is("CARGO_CFG_TARGET_FEATURE", "crt-static");
    let glibc = || {
        let said = std::process::Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?.stdout;
        let said = String::from_utf8(said).ok()?;
        let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    static_linux && glibc().is_some_and(|version| version >= (2, 36))
}
