//! The engine of Plakar 1.0, which `tests/kloset-1.0` builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use opendrive_sim::Simulator;

/// What a command of it said.
pub struct Said {
    /// Whether its exit status is 0.
    pub ok: bool,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub errors: String,
}

fn engine() -> PathBuf {
    let built = || crate::root().join("target/tools/kloset-1.0");
    let path = std::env::var_os("KLOSET_1_0").map_or_else(built, PathBuf::from);
    assert!(
        path.exists(),
        "the engine of Plakar 1.0 is not at {}: run `make test`, or `make kloset-1.0` once",
        path.display()
    );
    path
}

/// Runs a command of the engine with a file of settings. The plugin keeps what it keeps on this
/// machine in the folder `state`.
///
/// # Panics
/// If it does not end within four minutes.
pub fn run_engine(
    settings: &Path,
    simulator: &Simulator,
    state: &Path,
    arguments: &[&str],
) -> Said {
    let output = Command::new("timeout")
        .args(["--kill-after=5", "240"])
        .arg(engine())
        .arg(settings)
        .args(arguments)
        .envs(simulator.env())
        .env("XDG_STATE_HOME", state)
        .output()
        .expect("timeout and the engine start");
    assert_ne!(output.status.code(), Some(124), "{arguments:?} does not end");
    Said {
        ok: output.status.success(),
        out: output.stdout,
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
