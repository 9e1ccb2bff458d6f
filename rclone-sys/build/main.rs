//! Builds `go/` (rclone as a C archive) and links it.
//!
//! Environment: `CC` and its target-prefixed forms choose the C compiler (see the `cc` crate),
//! `GO` the Go command.

#![allow(clippy::print_stdout)] // A build script speaks to Cargo there.

mod archive;
#[cfg(feature = "bindgen")]
mod bindings;
mod tools;

use std::path::PathBuf;

fn main() {
    if let Err(problem) = run() {
        // One readable paragraph instead of a panic's back trace.
        eprintln!("\nerror: {problem}\n");
        std::process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let source = PathBuf::from(tools::required("CARGO_MANIFEST_DIR")?).join("../go");
    let out = PathBuf::from(tools::required("OUT_DIR")?);
    let target = tools::Target::from_environment()?;
    let go = tools::Go::find(&source)?;
    let compiler = tools::c_compiler()?;

    archive::watch(&source)?;
    let header = archive::build(&go, &compiler, &target, &source, &out)?;
    archive::link(&target, &out);
    println!("cargo::metadata=include={}", out.display());

    #[cfg(feature = "bindgen")]
    bindings::generate(&header, &out)?;
    #[cfg(not(feature = "bindgen"))]
    let _ = header;
    Ok(())
}
