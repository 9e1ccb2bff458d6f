//! `app usage`.

use chrono::TimeDelta;
use source_app::model::{duration_text, size_text};
use source_app::state::TaskId;

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// Show what Plakar, and what it started, took of processors and memory over a task's run
///
/// In at most 120 lines, whatever the task took: the time since it began, the share of a processor
/// since the line before (100 % is one processor), and the most memory. It is measured on Linux.
#[derive(Debug, clap::Args)]
pub(super) struct ShowUsage {
    /// The task's number
    task: TaskId,
    /// Print one JSON object: points, each with seconds (since the task began), processor (per cent
    /// of one) and memory (bytes)
    #[arg(long)]
    json: bool,
}

impl ShowUsage {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let usage = opened.service.usage(self.task).await?;
        if self.json {
            out.json(&usage)?;
            return Ok(Exit::Done);
        }
        let Some((processor, memory)) = usage.most() else {
            say(&format!("nothing was measured of task {}", self.task));
            return Ok(Exit::Done);
        };
        for point in &usage.points {
            let at = TimeDelta::milliseconds((point.seconds * 1000.0) as i64);
            let (at, memory) = (duration_text(at), size_text(point.memory));
            out.line(&format!("{at:>12}  {:>5.0} %  {memory:>9}", point.processor))?;
        }
        out.line(&format!("at most {processor:.0} % of a processor and {}", size_text(memory)))?;
        Ok(Exit::Done)
    }
}
