//! `app test`, `backup`, `check`, `maintenance`, `sync` and `restore`: each a task that is followed to its end.

use std::path::PathBuf;

use plakar_driver::SnapshotPath;
use source_app::service::{self, CheckScope, RestorePlace, Work};
use source_app::state::{App, Task, TaskState};

use super::follow::{TaskOutput, to_the_end};
use super::points::find_point;
use super::second_store::WhichStore;
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
    with_follow_up(opened, app, &task, told, out).await
}

/// Follows a task to its end, and the check after it if it is a backup whose app wants one.
pub(super) async fn with_follow_up(
    opened: &Opened,
    app: &App,
    task: &Task,
    told: &TaskOutput,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let exit = to_the_end(opened, app, task, told.json, out).await?;
    let ended = opened.service.task(task.id).await?;
    if !matches!(ended.state, TaskState::Succeeded | TaskState::CompletedWithErrors) {
        return Ok(exit);
    }
    let Some(check) = opened.service.start_follow_up(&ended).await? else { return Ok(exit) };
    let checked = to_the_end(opened, app, &check, told.json, out).await?;
    // The worse of both.
    Ok(if checked == Exit::Done { exit } else { checked })
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

/// Read all data of restore points and check it
///
/// Without POINT, --points or --all, as many as the app is set to are read. Those come first that
/// were never checked, then those whose last check is the longest ago. `app points` shows what is
/// known of each.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The source app
    name: String,
    /// This restore point: latest, or an id or its beginning
    point: Option<String>,
    /// So many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    points: Option<u32>,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    told: TaskOutput,
}

impl Check {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        if [self.point.is_some(), self.points.is_some(), self.all]
            .iter()
            .filter(|given| **given)
            .count()
            > 1
        {
            return Err(Failure::usage(
                "a restore point, --points and --all cannot be used together: give one of them",
            ));
        }
        let scope = match (&self.point, self.points) {
            (Some(point), _) => CheckScope::Point(find_point(opened, &app, point, false).await?),
            (None, Some(points)) => CheckScope::Points(points),
            (None, None) if self.all => CheckScope::Points(0),
            (None, None) => CheckScope::Due,
        };
        carry_out(opened, &app, &Work::Check(scope), &self.told, out).await
    }
}

/// Free the space in an app's store that no restore point needs any more
///
/// Plakar marks what is not needed, and removes it when it runs again seven days later or more;
/// until then no space is free. Nothing else may use the store meanwhile.
#[derive(Debug, clap::Args)]
pub(super) struct Maintenance {
    /// A source app that has the store
    name: String,
    #[command(flatten)]
    told: TaskOutput,
}

impl Maintenance {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        carry_out(opened, &app, &Work::Maintenance, &self.told, out).await
    }
}

/// Copy an app's restore points to its second store, and read them back there
///
/// Only what was read back whole, with an empty cache, is called copied; --json says how many are in
/// both stores. What an earlier run copied is not copied again.
#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    /// The source app
    name: String,
    #[command(flatten)]
    told: TaskOutput,
}

impl Sync {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        carry_out(opened, &app, &Work::Sync, &self.told, out).await
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
    /// What of it: the path of a folder, whose content is restored, or of a file; of several, folders
    /// keep their names
    #[arg(default_value = "/", value_name = "PATH")]
    paths: Vec<String>,
    /// Where to: source (what it was backed up from), folder:/PATH on this machine, or
    /// destination:NAME
    #[arg(long, value_name = "PLACE", value_parser = place)]
    to: RestorePlace,
    /// Do not ask before the source is written to, where files of the same names are replaced
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    second: WhichStore,
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
        let paths = self.paths.iter().map(|path| SnapshotPath::new(path));
        let paths = paths.collect::<Result<Vec<_>, _>>().map_err(service::Error::from)?;
        let second = self.second.from_second;
        let snapshot = find_point(opened, &app, &self.point, second).await?;
        let replace = self.to == RestorePlace::Source;
        let confirmed = replace && self.yes;
        let work = |replace| match &paths[..] {
            [path] => {
                let (snapshot, path) = (snapshot.clone(), path.clone());
                Work::Restore { snapshot, path, to: self.to.clone(), second, replace }
            }
            _ => {
                let (snapshot, paths) = (snapshot.clone(), paths.clone());
                Work::RestoreSeveral { snapshot, paths, to: self.to.clone(), second, replace }
            }
        };
        if replace && !confirmed {
            let question = opened.service.replace_question(app.id, &work(false)).await?;
            ask::confirm(false, &question).await?;
        }
        let work = work(replace);
        carry_out(opened, &app, &work, &self.told, out).await
    }
}
