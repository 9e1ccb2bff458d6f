//! All apps at a glance, those that need somebody first.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};

use super::answer::{PageResult, render};
use super::context::{Layout, PageContext, Section};
use super::format::{self, Badge, DisplayTime};
use super::running_task::RunningTask;
use source_app::model::GRACE;
use source_app::scheduler::NextRun;
use source_app::service::{Service, SiteOverview};
use source_app::state::{AppId, AppKind, AppOverview, AppSpec, Task, TaskKind, TaskState};

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    layout: Layout,
    groups: Vec<AppGroup>,
    destinations: Vec<DestinationRow>,
    running: bool,
}

/// Source apps that are doing alike.
struct AppGroup {
    title: String,
    bad: bool,
    rows: Vec<AppRow>,
}

/// A source app.
struct AppRow {
    id: AppId,
    spec: AppSpec,
    badge: Badge,
    /// Why somebody has to look, and the task that tells more.
    reason: Option<(String, Option<i64>)>,
    last: Option<LastBackup>,
    /// Of what runs now, or waits.
    open: Vec<RunningTask>,
    next: Option<(DisplayTime, TaskKind)>,
}

/// The newest backup that ended.
struct LastBackup {
    task: i64,
    at: DisplayTime,
    size: String,
    errors: Option<u64>,
}

struct DestinationRow {
    id: AppId,
    spec: AppSpec,
    open: Vec<RunningTask>,
}

pub async fn overview(State(service): State<Service>, context: PageContext) -> PageResult {
    let site = service.site().await?;
    render(&made(context.layout(Section::Overview), site, Utc::now()))
}

fn made(layout: Layout, site: SiteOverview, now: DateTime<Utc>) -> OverviewPage {
    let SiteOverview { apps, next } = site;
    let running = apps.iter().any(|app| !app.open.is_empty());
    let (sources, others): (Vec<_>, Vec<_>) =
        apps.into_iter().partition(|app| app.app.spec.kind == AppKind::Source);
    let destination = |AppOverview { app, open, .. }| DestinationRow {
        id: app.id,
        spec: app.spec,
        open: RunningTask::all(&open),
    };
    let rows = sources.into_iter().map(|app| row(app, &next, now));
    let (bad, fine): (Vec<_>, Vec<_>) = rows.partition(|row| row.reason.is_some());
    let groups = [("Need attention", true, bad), ("Fine", false, fine)];
    let group = |(title, bad, rows): (&str, bool, Vec<AppRow>)| AppGroup {
        title: format!("{title} ({})", rows.len()),
        bad,
        rows,
    };
    let groups = groups.into_iter().filter(|(_, _, rows)| !rows.is_empty()).map(group).collect();
    OverviewPage {
        layout,
        groups,
        destinations: others.into_iter().map(destination).collect(),
        running,
    }
}

fn row(overview: AppOverview, next: &[NextRun], now: DateTime<Utc>) -> AppRow {
    let AppOverview { app, open, last, last_success } = overview;
    let kind = |run: &NextRun| run.schedule.schedule.spec.kind;
    let mut own = next.iter().filter(|run| run.schedule.app == app.id);
    // A slot that passed, and no task of the app is about to see to it.
    let missed = own.clone().filter(|_| open.is_empty()).find_map(|run| missed(run, now));
    let since = || match &last_success {
        Some(task) => format!("The last good one was {}.", DisplayTime(time(task)).relative()),
        None => "There is no good one yet.".to_owned(),
    };
    let failed = last
        .as_ref()
        .filter(|task| !matches!(task.state, TaskState::Succeeded | TaskState::Cancelled));
    let (badge, reason) = match (failed, missed) {
        (Some(task), _) => {
            let what = if task.state == TaskState::CompletedWithErrors {
                "The last backup has errors"
            } else {
                "The last backup failed"
            };
            (
                Badge::of(task.state),
                Some((
                    format!("{what}: {}. {}", task.verdict.trim_end_matches('.'), since()),
                    Some(task.id),
                )),
            )
        }
        (None, Some(missed)) => (Badge { class: "bad", text: "overdue" }, Some((missed, None))),
        (None, None) => match &last {
            Some(task) => (Badge::of(task.state), None),
            None => {
                let planned = own.clone().any(|run| kind(run) == TaskKind::Backup);
                let reason = (!planned && open.is_empty()).then(|| {
                    ("It was never backed up, and no backup is scheduled.".to_owned(), None)
                });
                (Badge { class: "idle", text: "no backup yet" }, reason)
            }
        },
    };
    AppRow {
        id: app.id,
        badge,
        reason,
        last: last.as_ref().map(|task| LastBackup {
            task: task.id,
            at: DisplayTime(time(task)),
            size: task.bytes.map(format::size).unwrap_or_default(),
            errors: format::errors(task),
        }),
        open: RunningTask::all(&open),
        next: own
            .clone()
            .find(|run| kind(run) == TaskKind::Backup)
            .or_else(|| own.next())
            .map(|run| (DisplayTime(run.at), kind(run))),
        spec: app.spec,
    }
}

/// The first slot that nobody saw to, in words. The latest one may be on time still, however long
/// nobody does.
fn missed(run: &NextRun, now: DateTime<Utc>) -> Option<String> {
    let spec = &run.schedule.schedule.spec;
    let slot = spec.calendar().ok()?.next_after(run.schedule.handled)?;
    let reason = || {
        format!(
            "The {} that was due {} has not run. Does the scheduler run?",
            spec.kind,
            DisplayTime(slot).relative()
        )
    };
    (now - slot > GRACE).then(reason)
}

fn time(task: &Task) -> DateTime<Utc> {
    task.ended.or(task.started).unwrap_or(task.created)
}
