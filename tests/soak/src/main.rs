//! The soak: backups, restores, checks and maintenance for a long time, with random faults, by the
//! real Plakar and in this process. `make soak` builds what it needs.

#![allow(clippy::print_stdout)] // Its output is for people.

mod faults;
mod library;
mod report;
mod tree;
mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;

use report::Report;

/// Runs for a time and ends at the first loss with a full account of it
#[derive(Parser)]
struct Cli {
    /// How long, in minutes; a fifth of it in this process, the rest with Plakar
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Makes the random choices repeatable; the order of simultaneous calls is not
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    tools: Tools,
}

/// What is soaked.
#[derive(clap::Args)]
struct Tools {
    /// The real plakar
    #[arg(long, env = "PLAKAR")]
    plakar: PathBuf,
    /// The executable of the plugin
    #[arg(long, env = "PLAKAR_OPENDRIVE")]
    executable: PathBuf,
}

fn main() -> ExitCode {
    let Cli { minutes, seed, tools } = Cli::parse();
    match soak(
        &tools,
        Duration::from_secs_f64(minutes * 60.0),
        seed.unwrap_or_else(|| fastrand::u64(..)),
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("soak: FAILED {problem}");
            ExitCode::FAILURE
        }
    }
}

fn soak(tools: &Tools, time: Duration, seed: u64) -> Result<(), String> {
    println!("soak: seed {seed}, {:.1} minutes", time.as_secs_f64() / 60.0);
    let with_seed = |problem| format!("with seed {seed}: {problem}");
    let mut report = Report::default();
    let outcome = library::run(time / 5, seed, &mut report);
    println!("{report}");
    outcome.map_err(with_seed)?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let package = make_package(tools, folder.path())?;
    let mut world = world::World::new(&tools.plakar, &package, seed);
    let outcome = world.run(time - time / 5);
    println!("{}", world.report);
    outcome.map_err(with_seed)
}

fn make_package(tools: &Tools, folder: &Path) -> Result<PathBuf, String> {
    let (os, arch) =
        (std::env::consts::OS, if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
    let package = folder.join(format!("rclone_v0.0.1_{os}_{arch}.ptar"));
    let made =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/make-package"))
            .arg(&tools.executable)
            .arg("v0.0.1")
            .arg(package.file_name().unwrap_or_default())
            .env("PLAKAR", &tools.plakar)
            .current_dir(folder)
            .output()
            .map_err(|error| error.to_string())?;
    if made.status.success() {
        Ok(package)
    } else {
        Err(String::from_utf8_lossy(&made.stderr).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute; `make test` names the programs.
    #[test]
    fn a_short_soak() {
        let tool = |name| {
            PathBuf::from(
                std::env::var_os(name)
                    .unwrap_or_else(|| panic!("{name} is not set: run `make test`")),
            )
        };
        let tools = Tools { plakar: tool("PLAKAR"), executable: tool("PLAKAR_OPENDRIVE") };
        soak(&tools, Duration::from_secs(50), 7).unwrap();
    }
}
