//! The executable: Plakar starts it as `plakar-opendrive importer`, `storage` or `exporter`.

mod cli;

use clap::{Parser, Subcommand};
use plakar_opendrive::plugin::{self, Connector};

/// OpenDrive (and any rclone remote) for Plakar.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve Plakar as a source, over standard input and output
    Importer,
    /// Serve Plakar as a store, over standard input and output
    Storage,
    /// Serve Plakar as a destination, over standard input and output
    Exporter,
    /// Turn a section of `rclone config show`, read from standard input, into what `plakar source import` reads
    FromRclone {
        /// The section; what its remote needs comes with it
        name: String,
    },
}

fn main() {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // They would go to where the event could not go, and panic.
        .log_internal_errors(false)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("PLAKAR_OPENDRIVE_LOG").unwrap_or_else(|_| "warn".into()))
        .init();
    let status = match cli.command {
        Command::Importer => plugin::run(Connector::Importer),
        Command::Storage => plugin::run(Connector::Storage),
        Command::Exporter => plugin::run(Connector::Exporter),
        Command::FromRclone { name } => cli::from_rclone::run(&name),
    };
    // Not a return: threads that wait for a server must not keep the process.
    std::process::exit(status.into())
}
