//! `app test`, `backup`, `check`, `prune` and `restore`: each a task that is followed to its end.

use std::path::PathBuf;

use plakar_driver::SnapshotPath;
use source_app::service::{self, RestorePlace, Work};
use source_app::state::App;

use super::follow::{TaskOutput, to_the_end};
use crate::failure::Failure;
use crate::opened::{AppName, Opened};
use terminal::ask;
use terminal::exit::Exit;
use terminal::output::Output;

async fn carry_out(
    opened: &Opened,
    app: &App,
    work: &Work,
    told: &TaskOutput,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let task = opened.service.start(app.id, work).await?;
    to_the_end(opened, app, &task, told.json, out).await
}

/// Test the connection to what an app backs up or restores to, and a source's store
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    #[command(flatten)]
    named: AppName,
    #[command(flatten)]
    told: TaskOutput,
}

impl Test {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.app(&self.named).await?;
        carry_out(opened, &app, &Work::Test, &self.told, out).await
    }
}

/// Create a backup now
///
/// The log goes to standard error as it comes. Ctrl-C cancels the backup in order, a second one
/// leaves at once.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The source app
    name: String,
    #[command(flatten)]
    told: TaskOutput,
}

impl Backup {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        carry_out(opened, &app, &Work::Backup, &self.told, out).await
    }
}

/// Read all data of a restore point and check it
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The source app
    name: String,
    /// Which restore point
    #[arg(default_value = "latest")]
    point: String,
    #[command(flatten)]
    told: TaskOutput,
}

impl Check {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let point = opened.service.find_point(app.id, &self.point).await?;
        carry_out(opened, &app, &Work::Check(Some(point)), &self.told, out).await
    }
}

/// Remove the restore points that neither the app's retention nor its policies' keep
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// The source app
    name: String,
    #[command(flatten)]
    told: TaskOutput,
}

impl Prune {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        carry_out(opened, &app, &Work::Prune, &self.told, out).await
    }
}

/// Restore a restore point, or a folder or a file of it, and compare every entry with what was
/// backed up
///
/// What is in a folder already keeps its mode, owner and group, and folders their times. Before the
/// source itself is written to it is asked, with how much that is.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The source app
    name: String,
    /// Which restore point
    point: String,
    /// What of it: the path of a folder, whose content is restored, or of a file
    #[arg(default_value = "/")]
    path: String,
    /// Where to: source (what it was backed up from), folder:/PATH on this machine, or
    /// destination:NAME
    #[arg(long, value_name = "PLACE", value_parser = place)]
    to: RestorePlace,
    /// Do not ask before the source is written to, where files of the same names are replaced
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    told: TaskOutput,
}

fn place(text: &str) -> Result<RestorePlace, String> {
    let wrong = || "write source, folder:/PATH or destination:NAME".to_owned();
    match text.split_once(':') {
        None if text == "source" => Ok(RestorePlace::Source),
        Some(("folder", folder)) if !folder.is_empty() => {
            std::path::absolute(PathBuf::from(folder))
                .map(RestorePlace::Folder)
                .map_err(|_| wrong())
        }
        Some(("destination", name)) if !name.is_empty() => {
            Ok(RestorePlace::Destination(name.to_owned()))
        }
        _ => Err(wrong()),
    }
}

impl Restore {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let path = SnapshotPath::new(&self.path).map_err(service::Error::from)?;
        let snapshot = opened.service.find_point(app.id, &self.point).await?;
        let replace = self.to == RestorePlace::Source;
        if replace && !self.yes {
            let question = opened.service.restore_question(app.id, &snapshot, &path).await?;
            ask::confirm(false, &question).await?;
        }
        let work = Work::Restore { snapshot, path, to: self.to, replace };
        carry_out(opened, &app, &work, &self.told, out).await
    }
}
