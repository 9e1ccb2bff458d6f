//! The console's pages with made-up apps, to look at: `cargo run -p web-console --example
//! console_demo`. `PLAKAR` and `HOME` name a plakar with packages for the forms that ask it. The
//! argument `large` makes 100 apps with 10,000 tasks, `empty` none.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

#[allow(dead_code)]
#[path = "../tests/web_pages/scene.rs"]
mod scene;

use std::ffi::OsString;
use std::path::PathBuf;

use plakar_driver::{CancellationToken, Plakar};
use source_app::service::Service;
use source_app::state::State;
use web_console::server::{Listen, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let place = directory.path().join("state");
    let program =
        std::env::var_os("PLAKAR").map_or_else(|| PathBuf::from("/bin/false"), PathBuf::from);
    let guard: OsString = std::env::current_exe()?.with_file_name("../source-app-guard").into();
    let service =
        Service::open(&place, Plakar::new(&program, vec![guard], std::env::vars_os().collect())?)?;
    let state = State::open(&place)?;
    let scene = scene::Scene { state: &state, texts: scene::PLAIN };
    match std::env::args().nth(1).as_deref() {
        None => drop(scene.fill()),
        // What pages must be quick with: 100 apps and 10,000 tasks.
        Some("large") => scene.large(100, 100),
        Some(_) => (),
    }
    let server = Server::bind(Listen::loopback(0)).await?;
    println!("{}", server.first_url());
    server.serve(web_console::router(service), CancellationToken::new()).await;
    Ok(())
}
