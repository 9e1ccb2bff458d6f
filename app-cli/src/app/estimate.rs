//! `app estimate`.

use super::lines::pad;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{ASIDE, Output, coloured};

/// Say what the next backup of an app will take: time, calls, data, daily volume
///
/// It goes by the last backups, and by what is documented of the drive; each line says by what. The
/// drive is not asked.
#[derive(Debug, clap::Args)]
pub(super) struct Estimate {
    /// The source app
    name: String,
    /// Print one JSON object: backups, seconds, calls, calls_were_counted, bytes, growth, lines
    /// (what, value, basis); null for what is not known
    #[arg(long)]
    json: bool,
}

impl Estimate {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let estimate = opened.service.estimate(app.id).await?;
        if self.json {
            out.json(&estimate)?;
            return Ok(Exit::Done);
        }
        for line in &estimate.lines {
            out.line(&format!("{}{}", pad(line.what), line.value))?;
            out.line(&format!("{}{}", pad(""), coloured(ASIDE, &line.basis)))?;
        }
        Ok(Exit::Done)
    }
}
