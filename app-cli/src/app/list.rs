//! `app list`.

use serde::Serialize;
use source_app::scheduler::NextRun;
use source_app::service::AppOverview;

use super::lines::{state, time};
use super::status::{reasons, verdict};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{ASIDE, Output, coloured, shown};

/// List all apps, those of a resource together, each with the verdict on it and the reasons, its last
/// backup and its next run
#[derive(Debug, clap::Args)]
pub(super) struct ListApps {
    /// Print a JSON object for each app, in a line: app, health (verdict and reasons), open (its
    /// tasks), last, last_success (backups), paused_until and next (run)
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct AppRow<'a> {
    #[serde(flatten)]
    overview: &'a AppOverview,
    next: Option<&'a NextRun>,
}

impl ListApps {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let mut site = opened.service.site().await?;
        // Sources before destinations, as what belongs together is read.
        site.apps.sort_by(|a, b| {
            let key = |overview: &AppOverview| {
                (
                    overview.app.spec.resource.name.clone(),
                    overview.app.spec.kind.as_str(),
                    overview.app.spec.name.clone(),
                )
            };
            let ((a_resource, a_kind, a_name), (b_resource, b_kind, b_name)) = (key(a), key(b));
            (a_resource, b_kind, a_name).cmp(&(b_resource, a_kind, b_name))
        });
        let mut resource = None;
        for overview in &site.apps {
            let spec = &overview.app.spec;
            let next = site.next.iter().find(|next| next.schedule.app == overview.app.id);
            if self.json {
                out.json(&AppRow { overview, next })?;
                continue;
            }
            if resource != Some(&spec.resource.name) {
                let class = format!("{} {}", spec.resource.class, spec.resource.subclass);
                out.line(&format!(
                    "{} {}",
                    shown(&spec.resource.name),
                    coloured(ASIDE, &format!("({})", shown(class.trim_end())))
                ))?;
                resource = Some(&spec.resource.name);
            }
            let mut parts = vec![format!("  {:<11}  {}", spec.kind, spec.name)];
            parts.push(verdict(overview.health.verdict));
            parts.extend(overview.paused_until.map(|at| format!("paused until {}", time(at))));
            parts.extend((!spec.environment.is_empty()).then(|| shown(&spec.environment)));
            parts.extend(overview.open.iter().map(|task| format!("{} {}", task.kind, task.state)));
            parts.extend(overview.last.as_ref().map(|task| {
                let at = task.ended.map(time).unwrap_or_default();
                format!("last backup {at} {}", state(task.state))
            }));
            parts.extend(next.map(|next| {
                format!("next {} {}", next.schedule.schedule.spec.kind, time(next.at))
            }));
            out.line(&parts.join("   "))?;
            let reasons = reasons(&overview.health, "               ");
            reasons.iter().try_for_each(|line| out.line(line))?;
        }
        if site.apps.is_empty() && !self.json {
            terminal::diagnostics::say(
                "there are no apps yet: `plakar-opendrive app assign` makes one",
            );
        }
        Ok(Exit::Done)
    }
}
