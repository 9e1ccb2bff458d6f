//! What is in the package that the tests install.

/// The executable in the package: `make test` names it.
pub fn executable() -> String {
    let release = || format!("{}/../target/{}/release/plakar-opendrive", env!("CARGO_MANIFEST_DIR"), "x86_64-unknown-linux-gnu");
    let executable = std::env::var("PLAKAR_OPENDRIVE").unwrap_or_else(|_| release());
    assert!(std::path::Path::new(&executable).exists(), "{executable} is not there: run `make test`, or `make build` once");
    executable
}
