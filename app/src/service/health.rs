//! Whether the data of apps is safe: what the state knows, judged by [`crate::model::health`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use crate::model::{
    Health, HealthFacts, HealthVerdict, PastTask, PlannedTask, SilentTask, TaskEnd, health,
};
use crate::state::{
    App, AppId, AppKind, EffectiveSchedule, NewestTasks, State, StateError, Task, TaskKind,
    TaskState,
};

/// For how long a queued task counts as one that will run: after that nobody seems to see to it.
const QUEUED_COUNTS: TimeDelta = TimeDelta::hours(6);

/// How an app is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppOverview {
    /// The app.
    pub app: App,
    /// Whether its data is safe.
    pub health: Health,
    /// What runs now, or is about to.
    pub open: Vec<Task>,
    /// The newest backup that made a restore point, with errors or without.
    pub last: Option<Task>,
    /// The newest backup without errors.
    pub last_success: Option<Task>,
}

/// How one app is doing, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppStatus {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// Source or destination.
    pub kind: AppKind,
    /// Whether its data is safe.
    #[serde(flatten)]
    pub health: Health,
    /// When its newest backup ended that made a restore point.
    pub last_backup: Option<DateTime<Utc>>,
}

/// How all apps are doing, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatusReport {
    /// The worst of all; without apps there is nothing to protect.
    pub verdict: HealthVerdict,
    /// Each app, by name.
    pub apps: Vec<AppStatus>,
}

impl Service {
    /// How all apps are doing, or one.
    ///
    /// # Errors
    /// There is none with this id, or the database failed.
    pub async fn status(&self, only: Option<AppId>) -> Result<StatusReport> {
        if let Some(id) = only {
            self.app(id).await?;
        }
        let all = self.state(|state| Ok(overviews(state, Utc::now())?.0)).await?;
        let wanted = all.into_iter().filter(|one| only.is_none_or(|id| id == one.app.id));
        let apps: Vec<AppStatus> = wanted.map(AppStatus::of).collect();
        let worst = apps.iter().map(|app| app.health.verdict).max();
        Ok(StatusReport { verdict: worst.unwrap_or(HealthVerdict::Excluded), apps })
    }
}

impl AppStatus {
    fn of(overview: AppOverview) -> Self {
        let AppOverview { app, health, last, .. } = overview;
        let last_backup = last.map(|task| ended(&task));
        Self { id: app.id, name: app.spec.name, kind: app.spec.kind, health, last_backup }
    }
}

/// How every app is doing, by name, and all their schedules.
pub(super) fn overviews(
    state: &State,
    now: DateTime<Utc>,
) -> std::result::Result<(Vec<AppOverview>, Vec<EffectiveSchedule>), StateError> {
    // In this order: what becomes due between both looks is then dealt with already.
    let all = state.overview()?;
    let schedules = state.effective_schedules(None)?;
    let of = |(app, tasks): (App, NewestTasks)| AppOverview {
        health: health_of(&app, &tasks, &schedules, now),
        open: tasks.open,
        last: tasks.last,
        last_success: tasks.last_success,
        app,
    };
    Ok((all.into_iter().map(of).collect(), schedules))
}

/// The verdict on an app; of the schedules those of other apps do not count.
pub(super) fn health_of(
    app: &App,
    tasks: &NewestTasks,
    schedules: &[EffectiveSchedule],
    now: DateTime<Utc>,
) -> Health {
    let own = schedules.iter().filter(|one| one.app == app.id && one.schedule.spec.enabled);
    let planned = own.filter_map(|one| {
        let spec = &one.schedule.spec;
        Some(PlannedTask {
            is_backup: spec.kind == TaskKind::Backup,
            kind: spec.kind.as_str(),
            calendar: spec.calendar().ok()?,
            handled: one.handled,
        })
    });
    let past = |task: &Option<Task>| task.as_ref().and_then(past);
    let sees_to_it = |task: &Task| {
        task.kind != TaskKind::Test
            && (task.state != TaskState::Queued || now - task.created <= QUEUED_COUNTS)
    };
    // What is in another store than the app's present one does not protect it.
    let last = tasks.last.as_ref().filter(|task| task.store == app.spec.store);
    let newest = last.and_then(|task| task.snapshot.as_ref());
    let facts = HealthFacts {
        is_destination: app.spec.kind == AppKind::Destination,
        excluded: app.spec.protection.excluded.clone(),
        max_age_days: app.spec.protection.max_age_days,
        planned: planned.collect(),
        is_busy: tasks.open.iter().any(sees_to_it),
        backup: last.and_then(self::past),
        was_elsewhere: last.is_none() && tasks.last.is_some(),
        tried: past(&tasks.tried),
        check: past(&tasks.check),
        prune: past(&tasks.prune),
        maintenance: past(&tasks.maintenance),
        restore: past(&tasks.restore),
        damaged_points: tasks.damaged.len(),
        is_newest_damaged: newest.is_some_and(|id| tasks.damaged.contains(id)),
        silent: tasks.open.iter().find_map(silent),
    };
    health(&facts, now)
}

/// A task that runs and gives no sign of life.
fn silent(task: &Task) -> Option<SilentTask> {
    let silence = &task.progress_detail.as_ref().filter(|_| !task.state.is_final())?.silence;
    (!silence.is_empty()).then(|| SilentTask {
        id: task.id,
        kind: task.kind.as_str(),
        silence: silence.clone(),
    })
}

fn ended(task: &Task) -> DateTime<Utc> {
    task.ended.or(task.started).unwrap_or(task.created)
}

/// A task that is over; what did not run says nothing.
fn past(task: &Task) -> Option<PastTask> {
    let end = match task.state {
        TaskState::Succeeded => TaskEnd::Well,
        TaskState::CompletedWithErrors => TaskEnd::WithErrors,
        TaskState::Failed => TaskEnd::Failed,
        TaskState::Interrupted => TaskEnd::Interrupted,
        TaskState::Queued
        | TaskState::Running
        | TaskState::Waiting
        | TaskState::Cancelled
        | TaskState::Missed => return None,
    };
    Some(PastTask { id: task.id, at: ended(task), end, verdict: task.verdict.clone() })
}
