//! All apps at a glance, those that need somebody first.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};

use super::answer::{PageResult, render};
use super::context::{Layout, PageContext, Section};
use super::format::{self, Badge, DisplayTime};
use super::running_task::RunningTask;
use super::strip::DayStrip;
use source_app::model::HealthVerdict;
use source_app::scheduler::NextRun;
use source_app::service::{AppDays, AppOverview, Service, SiteOverview, UncoveredResource};
use source_app::state::{AppId, AppKind, AppSpec, Task, TaskKind};

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    layout: Layout,
    /// Whether one is safe; nothing without apps.
    sentence: String,
    /// `good`, `warn` or `bad`: how it looks.
    answer: &'static str,
    groups: Vec<AppGroup>,
    /// Resources of which nothing is backed up.
    uncovered: Vec<UncoveredResource>,
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
    /// The last 30 days.
    strip: DayStrip,
    /// Until when its schedules run nothing.
    paused: Option<DisplayTime>,
    /// Why it is not simply protected, and the tasks that tell more.
    reasons: Vec<(String, Option<i64>)>,
    last: Option<LastBackup>,
    /// Of what runs now, or waits.
    open: Vec<RunningTask>,
    next: Option<(DisplayTime, TaskKind)>,
}

/// The newest backup that made a restore point.
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
    render(&made(context.layout(Section::Overview), site))
}

fn made(layout: Layout, site: SiteOverview) -> OverviewPage {
    let SiteOverview { apps, next, sentence, days, uncovered } = site;
    let worst = apps.iter().filter(|app| app.app.spec.kind == AppKind::Source);
    let worst = worst.map(|app| app.health.verdict);
    let worst = worst.chain(uncovered.iter().map(|one| one.health.verdict));
    let worst = worst.max().unwrap_or(HealthVerdict::Excluded);
    let running = apps.iter().any(|app| !app.open.is_empty());
    let (sources, others): (Vec<_>, Vec<_>) =
        apps.into_iter().partition(|app| app.app.spec.kind == AppKind::Source);
    let destination = |AppOverview { app, open, .. }| DestinationRow {
        id: app.id,
        spec: app.spec,
        open: RunningTask::all(&open),
    };
    let mut groups: Vec<_> = HealthVerdict::ALL.into_iter().map(|one| (one, Vec::new())).collect();
    for app in sources {
        let group = groups.iter_mut().find(|(verdict, _)| *verdict == app.health.verdict);
        group.into_iter().for_each(|(_, rows)| rows.push(row(&app, &next, &days)));
    }
    let group = |(verdict, rows): (HealthVerdict, Vec<AppRow>)| AppGroup {
        title: format!("{} ({})", format::capitalized(verdict.as_str()), rows.len()),
        bad: verdict >= HealthVerdict::AtRisk,
        rows,
    };
    let groups = groups.into_iter().filter(|(_, rows)| !rows.is_empty()).map(group).collect();
    OverviewPage {
        layout,
        sentence,
        answer: Badge::of_verdict(worst).class,
        groups,
        uncovered,
        destinations: others.into_iter().map(destination).collect(),
        running,
    }
}

fn row(overview: &AppOverview, next: &[NextRun], days: &[AppDays]) -> AppRow {
    let AppOverview { app, health, open, last, .. } = overview;
    let kind = |run: &NextRun| run.schedule.schedule.spec.kind;
    let days = days.iter().find(|one| one.app == app.id);
    let mut own = next.iter().filter(|run| run.schedule.app == app.id);
    AppRow {
        id: app.id,
        strip: DayStrip::new(app.id, &app.spec.name, days.map_or(&[], |days| &days.days)),
        badge: Badge::of_verdict(health.verdict),
        paused: overview.paused_until.map(DisplayTime),
        reasons: format::reasons(health),
        last: last.as_ref().map(|task| LastBackup {
            task: task.id,
            at: DisplayTime(time(task)),
            size: task.bytes.map(format::size).unwrap_or_default(),
            errors: format::errors(task),
        }),
        open: RunningTask::all(open),
        next: own
            .clone()
            .find(|run| kind(run) == TaskKind::Backup)
            .or_else(|| own.next())
            .map(|run| (DisplayTime(run.at), kind(run))),
        spec: app.spec.clone(),
    }
}

fn time(task: &Task) -> DateTime<Utc> {
    task.ended.or(task.started).unwrap_or(task.created)
}
