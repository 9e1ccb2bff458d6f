//! The benchmark: the simulated OpenDrive, the real Plakar with our package (and another one, to
//! compare), and the real rclone, in one run. `make bench` builds what it needs.

#![allow(clippy::print_stdout)] // Its output is for people.

mod bench;
mod cases;
mod figures;
mod packages;
mod plots;
mod relay;
mod report;
mod trend;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use bench::{Bench, Tools};
use figures::Figures;

/// Measures everything, prints the tables, and writes docs/benchmarks.md
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    tools: Tools,
    /// The folder for benchmarks.md
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
    /// Run only the cases of these names (source, many, restore, store, large, local, limits,
    /// bridge, memory, scale), and write no documentation
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let Cli { mut tools, docs, only } = Cli::parse();
    // Plakar is started in other folders.
    for tool in [&mut tools.plakar, &mut tools.plakar_kloset, &mut tools.rclone, &mut tools.package]
        .into_iter()
        .chain(&mut tools.peer)
        .chain(&mut tools.before)
    {
        match tool.canonicalize() {
            Ok(path) => *tool = path,
            Err(error) => {
                eprintln!("bench: {}: {error}; run `make bench`", tool.display());
                return ExitCode::from(2);
            }
        }
    }
    if tools.peer.is_none() {
        eprintln!(
            "bench: PEER is not given: Plakar's own rclone integration is not measured beside ours"
        );
    }
    let mut bench = Bench { tools, figures: Figures::default() };
    cases::run(&mut bench, &only);
    println!("{}", report::tables(&bench));
    if only.is_empty() {
        match report::write(&bench, &docs) {
            Ok(worse) => worse.iter().for_each(|line| println!("worse than before: {line}")),
            Err(error) => {
                bench.figures.failures.push(format!("cannot write the documentation: {error}"))
            }
        }
    }
    for failure in &bench.figures.failures {
        eprintln!("bench: FAILED: {failure}");
    }
    if bench.figures.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
