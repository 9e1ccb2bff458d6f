//! One app: how it is doing, and the buttons that start something.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::alarm::HeldCard;
use super::answer::{PageResult, redirect, render};
use super::compared::ComparedCard;
use super::context::{Layout, PageContext, Section};
use super::error::PageError;
use super::form_data::FormData;
use super::format::{self, Badge, DisplayTime};
use super::head::{AppHead, Tab};
use super::history::{History, MAX_BACKUPS_DRAWN};
use super::hooks_card::HooksCard;
use super::proven::ProvenCard;
use super::running_task::RunningTask;
use super::second_copy::SecondCopyView;
use super::strip::DayStrip;
use super::task_row::TaskRow;
use plakar_driver::{SnapshotId, percent};
use source_app::model::{EstimateLine, delay_text};
use source_app::scheduler::NextRun;
use source_app::service::{ApiBudget, CheckScope, DrillScope, Service, Work, is_comparable};
use source_app::state::{App, AppId, AppKind, ScheduleOrigin, TaskFilter, TaskKind};

/// Maximum number of backups that are shown.
const MAX_BACKUPS_SHOWN: u32 = 10;

#[derive(Template)]
#[template(path = "app.html")]
struct DashboardPage {
    layout: Layout,
    head: AppHead,
    /// Whether its data is safe, and what speaks against it.
    verdict: Badge,
    /// Until when its schedules run nothing.
    paused: Option<DisplayTime>,
    reasons: Vec<(String, Option<i64>)>,
    /// The last 30 days.
    strip: DayStrip,
    history: History,
    /// What it and its account cost the drive: of what, in how long, and in words.
    budget: Vec<(&'static str, String)>,
    /// The kinds of tasks that it can be asked for, and the words on their buttons.
    actions: Vec<(TaskKind, &'static str)>,
    /// Whether there is anything to prune by.
    prunes: bool,
    /// Prunes that are held.
    held: Option<HeldCard>,
    /// What the newest comparison with the drive found.
    compared: Option<ComparedCard>,
    /// Whether it can be compared at all.
    comparable: bool,
    /// Whether a restore was proven.
    proven: Option<ProvenCard>,
    open: Vec<RunningTask>,
    /// Only a test of the connection may run beside one.
    busy: bool,
    tested: Option<TaskRow>,
    backups: Vec<TaskRow>,
    /// Those of other kinds.
    others: Vec<TaskRow>,
    last_success: Option<TaskRow>,
    second_copy: Option<SecondCopyView>,
    next: Vec<NextRunRow>,
    /// What runs before and after its tasks.
    hooks: Option<HooksCard>,
    retention: String,
    /// What of the source is backed up; empty for all of it.
    scope: String,
    /// Each label, and the restore points that have it.
    labels: Vec<(String, String)>,
    /// What the next backup will take.
    estimate: Vec<EstimateLine>,
    siblings: Vec<App>,
}

/// A run to come.
struct NextRunRow {
    at: DisplayTime,
    kind: TaskKind,
    timing: String,
    policy: Option<String>,
}

impl NextRunRow {
    fn of(run: NextRun) -> Self {
        let spec = &run.schedule.schedule.spec;
        let policy = match run.schedule.origin {
            ScheduleOrigin::App => None,
            ScheduleOrigin::Policy(name) => Some(name),
        };
        let zone =
            if spec.time_zone == "UTC" { String::new() } else { format!(" ({})", spec.time_zone) };
        Self {
            at: DisplayTime(run.at),
            kind: spec.kind,
            timing: format!("{}{zone}{}", spec.timing(), delay_text(spec.random_delay_minutes)),
            policy,
        }
    }
}

pub async fn dashboard(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    context: PageContext,
) -> PageResult {
    let found = service.dashboard(id).await?;
    let source = found.app.spec.kind == AppKind::Source;
    let backups = TaskFilter {
        app: Some(id),
        kind: Some(TaskKind::Backup),
        limit: Some(MAX_BACKUPS_SHOWN),
        ..TaskFilter::default()
    };
    let backups = if source { service.tasks(backups).await? } else { Vec::new() };
    let history = if source { service.history(id, MAX_BACKUPS_DRAWN).await? } else { Vec::new() };
    let history = History::of(&history).map_err(|error| PageError::inside(&error))?;
    let budget = if source { spent(&service.budget(id).await?) } else { Vec::new() };
    let estimate = if source { service.estimate(id).await?.lines } else { Vec::new() };
    let hooks = if source { HooksCard::of(service.hooks_status(Some(id)).await?) } else { None };
    let retention = format::retention(found.retention);
    let mut actions = vec![(TaskKind::Test, "Test Connection")];
    if source {
        actions.insert(0, (TaskKind::Backup, "Create Backup"));
        actions.push((TaskKind::Check, "Check"));
        actions.push((TaskKind::Drill, "Restore drill"));
        if is_comparable(&found.app) {
            actions.push((TaskKind::Compare, "Compare with the drive"));
        }
        if found.second_copy.is_some() {
            actions.push((TaskKind::Sync, "Copy to the second store"));
        }
    }
    let name = found.app.spec.name.as_str();
    let line = |task| TaskRow::of(task, name);
    let labelled = |label: &String| {
        (label.clone(), format!("/apps/{id}/points?label={}", percent(label, b"-._~")))
    };
    render(&DashboardPage {
        layout: context.layout(Section::None),
        strip: DayStrip::new(id, name, &found.days),
        history,
        budget,
        verdict: Badge::of_verdict(found.health.verdict),
        paused: found.paused_until.map(DisplayTime),
        reasons: format::reasons(&found.health),
        actions,
        prunes: source && !retention.is_empty(),
        busy: found.open.iter().any(|task| task.kind != TaskKind::Test),
        comparable: is_comparable(&found.app),
        compared: service.comparison(id).await?.map(ComparedCard::from),
        proven: found.proven.map(ProvenCard::from),
        held: found.held.map(|newest| HeldCard::of(id, newest, found.held_before)),
        open: RunningTask::all(&found.open),
        tested: found.tested.as_ref().map(line),
        backups: backups.iter().map(line).collect(),
        others: found
            .recent
            .iter()
            .filter(|task| task.kind != TaskKind::Backup)
            .map(line)
            .collect(),
        last_success: found.last_success.as_ref().map(line),
        second_copy: found.second_copy.as_ref().map(SecondCopyView::of),
        next: found.next.into_iter().map(NextRunRow::of).collect(),
        hooks,
        retention,
        scope: found.app.spec.backup.scope_text(),
        estimate,
        labels: found.app.spec.backup.labels.iter().map(labelled).collect(),
        siblings: found.resource.into_iter().filter(|app| app.id != id).collect(),
        head: AppHead { app: found.app, tab: Tab::Dashboard },
    })
}

/// What was used of a drive, in words.
fn spent(budget: &ApiBudget) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("This app, 24 hours", budget.app.day.words()),
        ("This app, 30 days", budget.app.month.words()),
    ];
    if budget.account != budget.app {
        all.push(("All of its resource, 24 hours", budget.account.day.words()));
        all.push(("All of its resource, 30 days", budget.account.month.words()));
    }
    all.extend(budget.volume.map(|volume| ("Daily volume", volume.words())));
    all
}

pub async fn start(
    State(service): State<Service>,
    Path(id): Path<AppId>,
    posted: FormData,
) -> Result<Response, PageError> {
    let kind: TaskKind = posted.get("kind").parse().map_err(source_app::service::Error::from)?;
    let work = match (kind, posted.get("snapshot")) {
        (TaskKind::Test, _) => Work::Test,
        (TaskKind::Backup, _) => Work::Backup,
        (TaskKind::Prune, _) => {
            return Err(PageError::input("A prune begins at its plan."));
        }
        (TaskKind::Maintenance, _) => Work::Maintenance,
        (TaskKind::Compare, _) => Work::Compare,
        (TaskKind::Drill, _) => Work::Drill(DrillScope::default()),
        (TaskKind::Sync, _) => Work::Sync,
        (TaskKind::Check, "") if posted.get("points") == "all" => {
            Work::Check(CheckScope::Points(0))
        }
        (TaskKind::Check, "") => Work::Check(CheckScope::Due),
        (TaskKind::Check, snapshot) => Work::Check(CheckScope::Point(SnapshotId::new(snapshot)?)),
        (TaskKind::Restore, _) => {
            return Err(PageError::input("A restore begins at a restore point."));
        }
    };
    let place = format!("/apps/{id}");
    service.start(id, &work).await.map_err(|error| PageError::from(error).back(&place))?;
    Ok(redirect(&place, "started"))
}
