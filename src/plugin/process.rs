//! A connector as a process of its own, as Plakar starts it.

use std::io::IsTerminal;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{Connection, End, Signals, all_streams_closed, say, serve, v1_1};
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

/// Serves Plakar over standard input and output until it hangs up or a signal comes. Gives the exit
/// status of the process: 0, that of the signal (`128 + n`), 1 after an error, 2 where Plakar is not at
/// the other end; the reason goes to standard error as one line.
#[must_use]
pub fn run(connector: Connector) -> u8 {
    // Plakar talks to it over pipes; a person at a terminal would only see it hang.
    if std::io::stdin().is_terminal() {
        say("this is a plugin: Plakar starts it (install the package with `plakar pkg add`)");
        return 2;
    }
    match serve_stdio(connector) {
        Ok(End::HungUp) => 0,
        Ok(End::Signal(signal)) => {
            say(&format!("ended by {}; what was under way is not complete", signal.name()));
            signal.exit_status()
        }
        Err(error) => {
            say(&format!("{error:#}"));
            1
        }
    }
}

fn serve_stdio(connector: Connector) -> anyhow::Result<End> {
    // One thread for everything that does not block: handing a request to another thread costs more than answering it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let signals = Signals::listen()?;
        let (connection, ended) = Connection::from_stdio()?;
        // Go's runtime starts while the first request comes in.
        std::thread::spawn(Rclone::get);
        let leaving = CancellationToken::new();
        let closed = all_streams_closed();
        match connector {
            Connector::Importer => {
                let service = v1_1::ImporterService::server();
                serve(service, connection, ended, signals, leaving, closed).await
            }
            Connector::Storage => {
                let service = v1_1::StorageService::default();
                let finish = service.finish().then(|()| closed);
                serve(service.server(), connection, ended, signals, leaving, finish).await
            }
            Connector::Exporter => {
                let (server, finish) = v1_1::ExporterService::server(leaving.clone());
                serve(server, connection, ended, signals, leaving, finish.then(|()| closed)).await
            }
        }
    });
    // Dropping it would wait for every call that is still under way, however long the server takes.
    runtime.shutdown_background();
    end
}
