//! What the tests of state and scheduler share.
#![allow(dead_code, reason = "each test file uses its part")]

use chrono::{DateTime, Utc};
use source_app::model::{Protection, Retention, TaskFigures};
use source_app::state::{
    App, AppKind, AppSpec, Cause, NewTask, Owner, Resource, Schedule, ScheduleSpec, State, Task,
    TaskKind, TaskResult, TaskState,
};
use tempfile::TempDir;

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect(text)
}

/// The time at which the tests begin: a Monday.
pub fn start() -> DateTime<Utc> {
    at("2026-06-01T00:00:00Z")
}

pub fn state() -> (TempDir, State) {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open_at(&directory.path().join("state"), start()).unwrap();
    (directory, state)
}

pub fn spec(kind: AppKind, name: &str) -> AppSpec {
    AppSpec {
        kind,
        name: name.into(),
        resource: Resource {
            name: "drive".into(),
            class: "file-storage".into(),
            subclass: String::new(),
        },
        environment: "production".into(),
        data_classes: vec!["PII".into(), "critical".into()],
        integration: "rclone".into(),
        protocol: "opendrive".into(),
        entry: name.into(),
        store: (kind == AppKind::Source).then(|| "/var/backups".into()),
        second_store: None,
        copy_range: Default::default(),
        retention: Retention::default(),
        protection: Protection::default(),
        backup: Default::default(),
    }
}

pub fn source(state: &State, name: &str) -> App {
    state.add_app(&spec(AppKind::Source, name), start()).unwrap()
}

pub fn schedule(state: &State, owner: Owner, kind: TaskKind, cron: &str) -> Schedule {
    state.add_schedule(&schedule_spec(owner, kind, cron), start()).unwrap()
}

pub fn schedule_spec(owner: Owner, kind: TaskKind, cron: &str) -> ScheduleSpec {
    ScheduleSpec {
        owner,
        kind,
        cron: cron.into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    }
}

pub fn new_task(app: &App, kind: TaskKind) -> NewTask {
    NewTask { app: app.id, kind, cause: Cause::Manual, input: serde_json::json!({}) }
}

pub fn end(state: TaskState) -> TaskResult {
    TaskResult {
        state,
        exit: Some(0),
        verdict: state.to_string(),
        errors: 0,
        bytes: Some(7),
        snapshot: None,
        figures: TaskFigures::default(),
    }
}

/// Runs a task from its beginning to its end.
pub fn run(state: &State, app: &App, kind: TaskKind, how: TaskState, now: DateTime<Utc>) -> Task {
    let task = state.begin(&new_task(app, kind), now).unwrap();
    state.finish(task.id, &end(how), None, now).unwrap();
    state.task(task.id).unwrap()
}
