//! `app status`.

use std::io;

use source_app::model::{Health, HealthVerdict};
use source_app::service::{AppStatus, StatusReport, UncoveredResource};

use super::lines::time;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::exit::Exit;
use terminal::output::{ASIDE, BAD, GOOD, Output, coloured, shown, unless_left};

/// Tell whether the data of all apps is safe, in a sentence and app by app, or of one, and why not
///
/// The exit status is 0 if each is protected or excluded, 6 if one is at risk, and 1 if one is not
/// protected.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// The app, a source or a destination; all without it
    name: Option<String>,
    /// Print one JSON object: verdict (the worst), sentence and apps, each with id, name, kind, verdict,
    /// reasons (code, words and task), last_backup, paused_until and proven (the newest restore drill
    /// that went well); and uncovered (resources of which nothing is backed up)
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let only = match self.name {
            Some(name) => Some(opened.app(&name.into()).await?.id),
            None => None,
        };
        let report = opened.service.status(only).await?;
        let told = if self.json { out.json(&report) } else { tell(&report, only.is_none(), out) };
        unless_left(told)?;
        Ok(match report.verdict {
            HealthVerdict::Protected | HealthVerdict::Excluded => Exit::Done,
            HealthVerdict::AtRisk => Exit::Incomplete,
            HealthVerdict::NotProtected => Exit::Failed,
        })
    }
}

/// The report, the worst first; with the sentence on all if it is of all.
fn tell(report: &StatusReport, of_all: bool, out: &mut Output) -> io::Result<()> {
    if of_all {
        out.line(&shown(&report.sentence))?;
    }
    for verdict in HealthVerdict::ALL {
        let of = |app: &&AppStatus| app.health.verdict == verdict;
        let of_resource = |one: &&UncoveredResource| one.health.verdict == verdict;
        for one in report.uncovered.iter().filter(of_resource) {
            uncovered_lines(one).iter().try_for_each(|line| out.line(line))?;
        }
        for app in report.apps.iter().filter(of) {
            app_lines(app).iter().try_for_each(|line| out.line(line))?;
        }
    }
    Ok(())
}

fn uncovered_lines(one: &UncoveredResource) -> Vec<String> {
    let first = format!("{} (resource)  {}", shown(&one.name), verdict(one.health.verdict));
    std::iter::once(first).chain(reasons(&one.health, "  ")).collect()
}

fn app_lines(app: &AppStatus) -> Vec<String> {
    let last = app.last_backup.map(|at| format!("last backup {}", time(at)));
    let last = last.map(|last| format!("  {}", coloured(ASIDE, &last))).unwrap_or_default();
    let proven = app.proven.as_ref().map(|proven| {
        let estimate = proven.estimate();
        let estimate = if estimate.is_empty() { estimate } else { format!("; {estimate}") };
        let text = format!("  proven restorable {}{estimate}", time(proven.at));
        coloured(ASIDE, &text)
    });
    let paused = app.paused_until.map(|at| format!("  paused until {}", time(at)));
    let paused = paused.unwrap_or_default();
    let first = format!("{}  {}{paused}{last}", shown(&app.name), verdict(app.health.verdict));
    std::iter::once(first).chain(reasons(&app.health, "  ")).chain(proven).collect()
}

/// A verdict, in colour on a terminal.
pub(super) fn verdict(verdict: HealthVerdict) -> String {
    match verdict {
        HealthVerdict::Protected => coloured(GOOD, verdict.as_str()),
        HealthVerdict::Excluded => verdict.as_str().to_owned(),
        HealthVerdict::AtRisk | HealthVerdict::NotProtected => coloured(BAD, verdict.as_str()),
    }
}

/// Each reason in a line of its own, after an indent.
pub(super) fn reasons(health: &Health, indent: &str) -> Vec<String> {
    health.reasons.iter().map(|reason| format!("{indent}{}", shown(&reason.words()))).collect()
}
