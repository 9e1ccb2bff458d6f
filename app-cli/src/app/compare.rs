//! `app compare`.

use source_app::service::Work;

use super::follow::TaskOutput;
use super::work::carry_out;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::Output;

/// Compare the drive with the newest restore point, without reading a file of the drive
///
/// The drive is listed once. Its MD5 of each file is compared with that of the content in the
/// store, as far as --compare-megabytes of `app edit` lets it read there; the next comparison goes
/// on with the rest, which is the same by size and time until then. What is on the drive and in no
/// backup yet is told by folder.
#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    /// The source app
    name: String,
    #[command(flatten)]
    told: TaskOutput,
}

impl Compare {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        carry_out(opened, &app, &Work::Compare, &self.told, out).await
    }
}
