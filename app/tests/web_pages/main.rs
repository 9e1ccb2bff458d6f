//! The console's pages, behind its server: what is shown, that every page is sound HTML, and that nothing hostile gets through.

mod assigning;
mod console;
mod hostile;
mod html;
mod running;
mod scene;
mod showing;

#[path = "../../../tests/common/plakar.rs"]
#[allow(dead_code)]
mod plakar;
#[path = "../../../tests/common/user.rs"]
#[allow(dead_code)]
mod user;
#[path = "../common/web.rs"]
mod web;
#[path = "../plakar/world.rs"]
#[allow(dead_code)]
mod world;

/// The executable in the package: `make test` names it.
fn executable() -> String {
    let release = || format!("{}/../target/{}/release/plakar-opendrive", env!("CARGO_MANIFEST_DIR"), "x86_64-unknown-linux-gnu");
    let executable = std::env::var("PLAKAR_OPENDRIVE").unwrap_or_else(|_| release());
    assert!(std::path::Path::new(&executable).exists(), "{executable} is not there: run `make test`, or `make build` once");
    executable
}
