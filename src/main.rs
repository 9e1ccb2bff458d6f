//! The executable: Plakar starts it as `plakar-opendrive importer` or `storage`.

use std::io::IsTerminal;

use clap::{Parser, Subcommand};
use futures::FutureExt;
use plakar_opendrive::plugin::{self, Connection, End, Signals, say, v1_1};
use plakar_opendrive::rclone::Rclone;
use tokio_util::sync::CancellationToken;

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

fn main() {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // They would go to where the event could not go, and panic.
        .log_internal_errors(false)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("PLAKAR_OPENDRIVE_LOG").unwrap_or_else(|_| "warn".into()))
        .init();
    // Plakar talks to it over pipes; a person at a terminal would only see it hang.
    if std::io::stdin().is_terminal() {
        say("this is a plugin: Plakar starts it (install the package with `plakar pkg add`)");
        std::process::exit(2);
    }
    let status = match run(cli.command) {
        Ok(End::HungUp) => 0,
        Ok(End::Signal(signal)) => {
            say(&format!("ended by {}; what was under way is not complete", signal.name()));
            signal.exit_status()
        }
        Err(error) => {
            say(&format!("{error:#}"));
            1
        }
    };
    // Not a return: threads that wait for a server must not keep the process.
    std::process::exit(status.into())
}

fn run(command: Command) -> anyhow::Result<End> {
    // One thread for everything that does not block: handing a request to another thread costs more than answering it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let signals = Signals::listen()?;
        let (connection, ended) = Connection::from_stdio()?;
        // Go's runtime starts while the first request comes in.
        std::thread::spawn(Rclone::get);
        let leaving = CancellationToken::new();
        let closed = plugin::all_streams_closed();
        match command {
            Command::Importer => {
                let service = v1_1::ImporterService::server();
                plugin::serve(service, connection, ended, signals, leaving, closed).await
            }
            Command::Storage => {
                let service = v1_1::StorageService::default();
                let finish = service.finish().then(|()| closed);
                plugin::serve(service.server(), connection, ended, signals, leaving, finish).await
            }
            Command::Exporter => {
                let (server, finish) = v1_1::ExporterService::server(leaving.clone());
                plugin::serve(server, connection, ended, signals, leaving, finish.then(|()| closed)).await
            }
        }
    });
    // Dropping it would wait for every call that is still under way, however long the server takes.
    runtime.shutdown_background();
    end
}
