//! `app drill`.

use source_app::service::{DrillScope, Work};

use super::follow::TaskOutput;
use super::work::carry_out;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::Output;

/// Restore some files of the newest restore point to a temporary folder, and compare them
///
/// The files are chosen at random; every second one is drawn with a chance in proportion to its
/// size. The log says the seed, and names each file that cannot be restored as it was backed up.
/// From what a drill measures, the time of a whole restore is estimated.
#[derive(Debug, clap::Args)]
pub(super) struct Drill {
    /// The source app
    name: String,
    /// How many files; as many as the app is set to without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    files: Option<u32>,
    /// Choose the same files as an earlier drill of the same restore point
    #[arg(long, value_name = "SEED")]
    seed: Option<u32>,
    #[command(flatten)]
    told: TaskOutput,
}

impl Drill {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let scope = DrillScope { files: self.files, seed: self.seed };
        carry_out(opened, &app, &Work::Drill(scope), &self.told, out).await
    }
}
