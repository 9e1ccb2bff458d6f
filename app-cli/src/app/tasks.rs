//! `app tasks`, `log`, `cancel` and `retry`.

use source_app::state::{CancelResult, TaskFilter, TaskId, TaskKind, TaskState};

use super::follow::{LogLines, POLL_INTERVAL, TaskOutput};
use super::lines::{line, with_name};
use super::work::with_follow_up;
use crate::failure::Failure;
use crate::opened::{AppName, Opened};
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// List tasks, the newest first
#[derive(Debug, clap::Args)]
pub(super) struct Tasks {
    /// Of this app only
    name: Option<String>,
    /// The destination of this name, if there is a source of it too
    #[arg(long, requires = "name")]
    destination: bool,
    /// Those in this state: queued, running, waiting, succeeded, "completed with errors", failed,
    /// cancelled, interrupted or missed
    #[arg(long, value_name = "STATE")]
    status: Option<TaskState>,
    /// Those of this kind: backup, check, prune, restore, test, maintenance, drill, compare or sync
    #[arg(long)]
    kind: Option<TaskKind>,
    /// Of apps that have this label
    #[arg(long)]
    label: Option<String>,
    /// Show at most this many, up to 500
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Print a JSON object for each task, in a line: id, app, app_name, kind, cause, state, about
    /// (what, from where, to where), started, ended, verdict, progress_detail and more
    #[arg(long)]
    json: bool,
}

impl Tasks {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = match self.name {
            Some(name) => {
                Some(opened.app(&AppName { name, destination: self.destination }).await?.id)
            }
            None => None,
        };
        let filter = TaskFilter {
            app,
            kind: self.kind,
            state: self.status,
            limit: Some(self.limit),
            label: self.label,
            ..TaskFilter::default()
        };
        let names = opened.names().await?;
        for task in opened.service.tasks(filter).await? {
            let name = names.get(&task.app).map_or("", String::as_str);
            if self.json {
                out.json(&with_name(&task, name)?)?
            } else {
                out.line(&line(&task, Some(name)))?
            }
        }
        Ok(Exit::Done)
    }
}

/// Print a task's log
#[derive(Debug, clap::Args)]
pub(super) struct Log {
    /// The task's number
    task: TaskId,
    /// Go on until the task has ended
    #[arg(short, long)]
    follow: bool,
}

impl Log {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let mut lines = LogLines::new(false);
        loop {
            let mut new = Vec::new();
            let (task, more) = lines.read(opened, self.task, |line| new.push(line)).await?;
            for line in new {
                out.line(&line)?;
            }
            if more {
                continue;
            }
            if task.state.is_final() || !self.follow {
                return Ok(Exit::Done);
            }
            out.flush()?;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Cancel a task, whichever process runs it
#[derive(Debug, clap::Args)]
pub(super) struct Cancel {
    /// The task's number
    task: TaskId,
}

impl Cancel {
    pub(super) async fn run(self, opened: &Opened, _: &mut Output) -> Result<Exit, Failure> {
        let id = self.task;
        match opened.service.cancel(id).await? {
            CancelResult::Now => say(&format!("task {id} is cancelled: it had not begun")),
            CancelResult::Asked => say(&format!(
                "task {id} is asked to end; `plakar-opendrive app log -f {id}` waits for it"
            )),
            CancelResult::Over => say(&format!("task {id} is over already")),
        }
        Ok(Exit::Done)
    }
}

/// Start a task again that has ended, and follow it to its end
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    /// The task's number
    task: TaskId,
    #[command(flatten)]
    told: TaskOutput,
}

impl Retry {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let task = opened.service.retry(self.task).await?;
        let app = opened.service.app(task.app).await?;
        with_follow_up(opened, &app, &task, &self.told, out).await
    }
}
