//! One app: how it is doing, and the buttons that start something.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::answer::{PageResult, redirect, render};
use super::context::{Layout, PageContext, Section};
use super::error::PageError;
use super::format::{self, Badge, DisplayTime};
use super::forms::FormData;
use super::head::{AppHead, Tab};
use super::running_task::RunningTask;
use super::task_row::TaskRow;
use plakar_driver::SnapshotId;
use source_app::scheduler::NextRun;
use source_app::service::{CheckScope, Service, Work};
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
    reasons: Vec<(String, Option<i64>)>,
    /// The kinds of tasks that it can be asked for, and the words on their buttons.
    actions: Vec<(TaskKind, &'static str)>,
    /// Whether there is anything to prune by.
    prunes: bool,
    open: Vec<RunningTask>,
    /// Only a test of the connection may run beside one.
    busy: bool,
    tested: Option<TaskRow>,
    backups: Vec<TaskRow>,
    /// Those of other kinds.
    others: Vec<TaskRow>,
    last_success: Option<TaskRow>,
    next: Vec<NextRunRow>,
    retention: String,
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
            timing: format!("{}{zone}", spec.timing()),
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
    let retention = format::retention(found.retention);
    let mut actions = vec![(TaskKind::Test, "Test Connection")];
    if source {
        actions.insert(0, (TaskKind::Backup, "Create Backup"));
        actions.push((TaskKind::Check, "Check"));
    }
    let name = found.app.spec.name.as_str();
    let line = |task| TaskRow::of(task, name);
    render(&DashboardPage {
        layout: context.layout(Section::None),
        verdict: Badge::of_verdict(found.health.verdict),
        reasons: format::reasons(&found.health),
        actions,
        prunes: source && !retention.is_empty(),
        busy: found.open.iter().any(|task| task.kind != TaskKind::Test),
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
        next: found.next.into_iter().map(NextRunRow::of).collect(),
        retention,
        siblings: found.resource.into_iter().filter(|app| app.id != id).collect(),
        head: AppHead { app: found.app, tab: Tab::Dashboard },
    })
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
