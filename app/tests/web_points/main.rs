//! The console's pages of restore points, schedules and policies: behind its server, with the real Plakar.

mod browsing;
mod console;
mod damaged;
mod policies;
mod schedules;
mod strangers;

#[path = "../web_pages/html.rs"]
#[allow(dead_code)]
mod html;
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
