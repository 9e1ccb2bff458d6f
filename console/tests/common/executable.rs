//! What is in the package that the tests install.

/// The executable in the package: `make test` names it.
pub fn executable() -> String {
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
    let release = || format!("{}/../target/{}-{system}/release/plakar-opendrive", env!("CARGO_MANIFEST_DIR"), std::env::consts::ARCH);
    let executable = std::env::var("PLAKAR_OPENDRIVE").unwrap_or_else(|_| release());
    assert!(std::path::Path::new(&executable).exists(), "{executable} is not there: run `make test`, or `make build` once");
    executable
}
