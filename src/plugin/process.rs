//! A connector as a process of its own, as Plakar starts it.

use std::io::IsTerminal;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use terminal::diagnostics::say;
use terminal::signals::Signals;

use super::{Connection, EndReason, FlowWindows, all_streams_closed, say_spent, serve, v1_0, v1_1};
use crate::connector::store::state_folder;
use crate::rclone::Rclone;

/// Which of the three services a process gives Plakar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// A source: what is backed up comes from it.
    Importer,
    /// A store.
    Storage,
    /// A destination: what is restored goes to it.
    Exporter,
}

/// Which of Plakar's plugin APIs a process speaks. Plakar does not say which it wants: the package
/// that it has installed names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum PluginApi {
    /// That of Plakar 1.0.3 to 1.0.6
    #[value(name = "v1.0")]
    V1_0,
    /// That of Plakar 1.1
    #[default]
    #[value(name = "v1.1")]
    V1_1,
}

/// Serves Plakar over standard input and output until it hangs up or a signal comes. Gives the exit
/// status of the process: 0, that of the signal (`128 + n`), 1 after an error, 2 where Plakar is
/// not at the other end; the reason goes to standard error as one line.
#[must_use]
pub fn run(connector: Connector, api: PluginApi) -> u8 {
    // Plakar talks to it over pipes; a person at a terminal would only see it hang.
    if std::io::stdin().is_terminal() {
        say("this is a plugin: Plakar starts it (install the package with `plakar pkg add`)");
        return 2;
    }
    #[cfg(target_os = "linux")]
    crate::connector::store::end_runs_by(super::caller::end);
    match serve_stdio(connector, api) {
        Ok(EndReason::HungUp) => 0,
        Ok(EndReason::Signal(signal)) => {
            say(&format!("ended by {}; what was under way is not complete", signal.name()));
            signal.exit_status()
        }
        Err(error) => {
            say(&format!("{error:#}"));
            1
        }
    }
}

fn serve_stdio(connector: Connector, api: PluginApi) -> anyhow::Result<EndReason> {
    // One thread for everything that does not block: handing a request to another thread costs more
    // than answering it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let signals = Signals::listen()?;
        let (connection, ended) = Connection::from_stdio()?;
        // Go's runtime starts while the first request comes in.
        std::thread::spawn(Rclone::get);
        let shutdown = CancellationToken::new();
        let closed = all_streams_closed();
        let (one, many) = (FlowWindows::ONE_STREAM, FlowWindows::MANY_STREAMS);
        let end = match (connector, api) {
            (Connector::Importer, PluginApi::V1_0) => {
                let service = v1_0::ImporterV1_0::server();
                serve(service, many, connection, ended, signals, shutdown, closed).await
            }
            (Connector::Importer, PluginApi::V1_1) => {
                let service = v1_1::ImporterV1_1::server();
                serve(service, one, connection, ended, signals, shutdown, closed).await
            }
            (Connector::Storage, PluginApi::V1_0) => {
                let service = v1_0::StorageV1_0::with_state(state_folder());
                let finish = service.finish().then(|()| closed);
                serve(service.server(), many, connection, ended, signals, shutdown, finish).await
            }
            (Connector::Storage, PluginApi::V1_1) => {
                let service = v1_1::StorageV1_1::with_state(state_folder());
                let finish = service.finish().then(|()| closed);
                serve(service.server(), one, connection, ended, signals, shutdown, finish).await
            }
            (Connector::Exporter, PluginApi::V1_0) => {
                let (server, finish) = v1_0::ExporterV1_0::server(shutdown.clone());
                serve(server, many, connection, ended, signals, shutdown, finish.then(|()| closed))
                    .await
            }
            (Connector::Exporter, PluginApi::V1_1) => {
                let (server, finish) = v1_1::ExporterV1_1::server(shutdown.clone());
                serve(server, one, connection, ended, signals, shutdown, finish.then(|()| closed))
                    .await
            }
        };
        anyhow::Ok(end)
    });
    // Dropping it would wait for every call that is still under way, however long the server takes.
    runtime.shutdown_background();
    // With the last services their remotes are gone, and logged out of.
    say_spent();
    end
}
