//! Whether the data of apps is safe: what the state knows, judged by [`crate::model::health`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::drill::ProvenRestorable;
use crate::model::{
    Health, HealthFacts, HeldFact, PastTask, PlannedTask, SilentTask, TaskEnd, health,
};
use crate::state::{
    App, AppKind, EffectiveSchedule, NewestTasks, State, StateError, Task, TaskKind, TaskState,
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
    /// Until when its schedules run nothing, if they are paused.
    pub paused_until: Option<DateTime<Utc>>,
    /// Whether a restore was proven, by the newest drill that went well.
    pub proven: Option<ProvenRestorable>,
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
        proven: ProvenRestorable::of(
            tasks.proven.as_ref(),
            tasks.last.as_ref(),
            app.spec.store.as_deref(),
        ),
        open: tasks.open,
        last: tasks.last,
        last_success: tasks.last_success,
        paused_until: app.paused_until(now),
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
            is_sync: spec.kind == TaskKind::Sync,
            kind: spec.kind.as_str(),
            calendar: one.calendar().ok()?,
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
    // Copies to another second store than the present one are none.
    let second = app.spec.second_store.as_ref();
    let to_second = |task: &Option<Task>| {
        let task = task.as_ref().filter(|task| second.is_some() && task.store.as_ref() == second);
        task.and_then(self::past)
    };
    let facts = HealthFacts {
        is_destination: app.spec.kind == AppKind::Destination,
        excluded: app.spec.protection.excluded.clone(),
        resource_excluded: app.facts.resource_excluded.clone(),
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
        drill: past(&tasks.drill),
        compare: past(&tasks.compare),
        has_second_store: second.is_some(),
        sync: to_second(&tasks.sync),
        last_sync: to_second(&tasks.last_sync),
        damaged_points: tasks.damaged.len(),
        is_newest_damaged: newest.is_some_and(|id| tasks.damaged.contains(id)),
        silent: tasks.open.iter().find_map(silent),
        promises: tasks.promises.clone(),
        good_backups: tasks.good_backups.clone(),
        known_since: tasks.known_since,
        held: tasks.held.first().map(|newest| HeldFact {
            at: tasks.held.last().unwrap_or(newest).at,
            task: newest.task,
            reason: newest.reason.clone(),
            earlier: tasks.held.len() - 1,
        }),
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

/// When a task ended, or what comes nearest to that.
pub(super) fn ended(task: &Task) -> DateTime<Utc> {
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
