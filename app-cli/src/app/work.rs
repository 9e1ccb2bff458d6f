//! `app test`, `backup`, `check` and `restore`: each a task that is followed to its end.

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

pub(super) async fn carry_out(
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

/// Restore a restore point, or a folder or a file of it, and compare every entry with what was
/// backed up
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
    /// Do not ask before the source is overwritten
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
        if self.to == RestorePlace::Source {
            let what = if path.as_str() == "/" {
                "all of it".to_owned()
            } else {
                format!("{:?}", path.as_str())
            };
            let point = snapshot.short();
            ask::confirm(
                self.yes,
                &format!(
                    "restoring {what} from {point} replaces what is in the source {}",
                    app.spec.name
                ),
            )
            .await?;
        }
        carry_out(opened, &app, &Work::Restore { snapshot, path, to: self.to }, &self.told, out)
            .await
    }
}
