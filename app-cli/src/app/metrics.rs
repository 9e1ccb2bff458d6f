//! `app metrics`.

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::Output;

/// Print figures of apps, tasks and receivers in the form of Prometheus
///
/// The same as the console's /metrics; for node_exporter's textfile collector, write them into a
/// file ending in .prom.
#[derive(Debug, clap::Args)]
pub(super) struct Metrics {}

impl Metrics {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        out.bytes(opened.service.metrics().await?.as_bytes())?;
        Ok(Exit::Done)
    }
}
