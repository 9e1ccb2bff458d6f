//! The JSON API on a real socket, with the real plakar, held against docs/openapi.yaml.

mod client;
mod description;
mod downloads;
mod refusals;
mod walk;
#[path = "../plakar/world.rs"]
#[allow(dead_code)]
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
