//! What drives the real plakar, with our package and a simulated drive.

mod backing_up;
mod browsing;
mod configuring;
mod ending;
mod restoring;
mod serving;
mod world;

#[path = "../../../tests/common/plakar.rs"]
#[allow(dead_code)]
mod plakar;
#[path = "../../../tests/common/user.rs"]
#[allow(dead_code)]
mod user;

/// The executable in the package: `make test` names it.
fn executable() -> String {
    let release = || format!("{}/../target/{}/release/plakar-opendrive", env!("CARGO_MANIFEST_DIR"), "x86_64-unknown-linux-gnu");
    let executable = std::env::var("PLAKAR_OPENDRIVE").unwrap_or_else(|_| release());
    assert!(std::path::Path::new(&executable).exists(), "{executable} is not there: run `make test`, or `make build` once");
    executable
}
