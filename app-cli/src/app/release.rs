//! `app release`.

use source_app::state::TaskId;

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;

/// Let an app be pruned again that the change alarm holds
///
/// A backup that finds many files changed, gone, renamed or turned into unknown types holds the
/// prunes of its app, so that older restore points stay. Look at what changed first: `app show`
/// says it, and the task of each alarm. An alarm that came later is not released with it.
#[derive(Debug, clap::Args)]
pub(super) struct Release {
    /// The source app
    name: String,
    /// The task of the newest alarm that you have looked at; may be left out if there is one alarm
    #[arg(long, value_name = "ID")]
    task: Option<TaskId>,
}

impl Release {
    pub(super) async fn run(self, opened: &Opened) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        opened.service.release_prune(app.id, self.task).await?;
        say(&format!("the prunes of {} are released", app.spec.name));
        Ok(Exit::Done)
    }
}
