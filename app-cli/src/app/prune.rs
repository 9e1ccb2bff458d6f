//! `app prune`, `pin` and `unpin`.

use source_app::service::{PrunePlan, PrunePoint, Work};
use source_app::state::App;

use super::fields::kept;
use super::follow::TaskOutput;
use super::lines::time;
use super::points::find_point;
use super::work::carry_out;
use crate::failure::Failure;
use crate::opened::Opened;
use plakar_driver::SnapshotId;
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{BAD, Output, coloured, count};

/// Remove the restore points that neither the app's retention nor its policies' keep
///
/// What goes and what stays is shown first, each with the rule, and asked; days, weeks, months and
/// years are those of UTC. The newest restore point stays always, and so do pinned ones.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// The source app
    name: String,
    /// Show what would go and what would stay, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before restore points are removed
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    #[command(flatten)]
    told: TaskOutput,
}

impl Prune {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let app = opened.source(&self.name).await?;
        let plan = opened.service.prune_plan(app.id).await?;
        if self.dry_run {
            if self.told.json {
                out.json(&plan)?;
            } else {
                lines(&plan).iter().try_for_each(|line| out.line(line))?;
            }
            return Ok(Exit::Done);
        }
        if plan.removed() > 0 {
            if self.yes || ask::can_ask() {
                lines(&plan).iter().for_each(|line| say(line));
            }
            let what = count(plan.removed() as u64, "restore point");
            ask::confirm(self.yes, &format!("{what} of {} will be removed", app.spec.name)).await?;
        }
        carry_out(opened, &app, &Work::Prune { token: Some(plan.token) }, &self.told, out).await
    }
}

/// A plan for people: each restore point, and the sum.
fn lines(plan: &PrunePlan) -> Vec<String> {
    let line = |point: &PrunePoint| {
        let what = if point.keep { "stays".to_owned() } else { coloured(BAD, "goes") + " " };
        let pinned = if point.pinned && point.rule != "pinned" { ", pinned" } else { "" };
        let (short, taken) = (point.id.short(), time(point.taken));
        format!("{what}  {short}  {taken}  {}{pinned}", point.rule)
    };
    let sum = format!(
        "{} to remove, {} to keep by {} (of UTC)",
        plan.removed(),
        plan.kept(),
        kept(plan.retention)
    );
    plan.points.iter().map(line).chain([sum]).collect()
}

/// Which restore point of an app.
#[derive(Debug, clap::Args)]
struct PinArgs {
    /// The source app
    name: String,
    /// latest, or the id of a restore point or its beginning
    point: String,
}

impl PinArgs {
    async fn find(&self, opened: &Opened) -> Result<(App, SnapshotId), Failure> {
        let app = opened.source(&self.name).await?;
        let point = find_point(opened, &app, &self.point, false).await?;
        Ok((app, point))
    }
}

/// Keep a restore point: no prune of ours removes it
#[derive(Debug, clap::Args)]
pub(super) struct Pin {
    #[command(flatten)]
    of: PinArgs,
}

impl Pin {
    pub(super) async fn run(self, opened: &Opened) -> Result<Exit, Failure> {
        let (app, point) = self.of.find(opened).await?;
        opened.service.pin(app.id, &point).await?;
        say(&format!("the restore point {} is pinned: no prune removes it", point.short()));
        Ok(Exit::Done)
    }
}

/// Leave a restore point to prunes again
#[derive(Debug, clap::Args)]
pub(super) struct Unpin {
    #[command(flatten)]
    of: PinArgs,
}

impl Unpin {
    pub(super) async fn run(self, opened: &Opened) -> Result<Exit, Failure> {
        let (app, point) = self.of.find(opened).await?;
        opened.service.unpin(app.id, &point).await?;
        say(&format!("the restore point {} is not pinned any more", point.short()));
        Ok(Exit::Done)
    }
}
