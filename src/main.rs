//! The executable: Plakar starts it as `plakar-opendrive importer` or `storage`.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use plakar_opendrive::plugin::{self, Connection, v1_1};
use plakar_opendrive::rclone::Rclone;

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
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("PLAKAR_OPENDRIVE_LOG").unwrap_or_else(|_| "warn".into()))
        .init();
    // Plakar talks to it over pipes; a person at a terminal would only see it hang.
    if std::io::stdin().is_terminal() {
        eprintln!("plakar-opendrive: this is a plugin: Plakar starts it (install the package with `plakar pkg add`)");
        return ExitCode::from(2);
    }
    let code = match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plakar-opendrive: {error:#}");
            ExitCode::FAILURE
        }
    };
    // Not a return: threads that wait for a server must not keep the process.
    std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 1 })
}

fn run(command: Command) -> anyhow::Result<()> {
    // One thread for everything that does not block: handing a request to another thread costs more than answering it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (connection, ended) = Connection::from_stdio()?;
        // Go's runtime starts while the first request comes in.
        std::thread::spawn(Rclone::get);
        match command {
            Command::Importer => plugin::serve(v1_1::ImporterService::server(), connection, ended, std::future::ready(())).await,
            Command::Storage => {
                let service = v1_1::StorageService::default();
                plugin::serve(service.server(), connection, ended, service.finish()).await
            }
            Command::Exporter => {
                let (server, finish) = v1_1::ExporterService::server();
                plugin::serve(server, connection, ended, finish).await
            }
        }
    })
}
