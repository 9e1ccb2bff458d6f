//! The executable: Plakar starts it as `plakar-opendrive importer`, `storage` or `exporter`.

use clap::{Args, Parser, Subcommand};
use plakar_opendrive::plugin::{self, Connector, PluginApi};

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
    Importer(Served),
    /// Serve Plakar as a store, over standard input and output
    Storage(Served),
    /// Serve Plakar as a destination, over standard input and output
    Exporter(Served),
}

#[derive(Args)]
struct Served {
    /// The plugin API of the Plakar that starts it
    #[arg(long, value_name = "VERSION", default_value = "v1.1")]
    plakar_api: PluginApi,
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
        Command::Importer(served) => plugin::run(Connector::Importer, served.plakar_api),
        Command::Storage(served) => plugin::run(Connector::Storage, served.plakar_api),
        Command::Exporter(served) => plugin::run(Connector::Exporter, served.plakar_api),
    };
    // Not a return: threads that wait for a server must not keep the process.
    std::process::exit(status.into())
}
