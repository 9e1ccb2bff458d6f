//! Random histories of apps, and what they come to by a look at every task.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use source_app::model::{Health, Protection, Retention, TaskFigures};
use source_app::service::StatusReport;
use source_app::state::{
    App, AppKind, AppSpec, Cause, NewTask, Owner, Resource, ScheduleSpec, State, Task, TaskFilter,
    TaskKind, TaskResult, TaskState,
};

pub struct Histories {
    random: Rng,
    now: DateTime<Utc>,
    destinations: BTreeSet<String>,
}

/// What is said of tasks; pages must escape it.
const VERDICTS: [&str; 5] = [
    "3 entries failed; the log lists them",
    "",
    "<b>OpenDrive & co</b> said \"no\"",
    "the store's lock was held.",
    "größer als 4 GiB!",
];

const KINDS: [TaskKind; 8] = [
    TaskKind::Backup,
    TaskKind::Backup,
    TaskKind::Backup,
    TaskKind::Check,
    TaskKind::Prune,
    TaskKind::Restore,
    TaskKind::Maintenance,
    TaskKind::Test,
];

const ENDS: [TaskState; 8] = [
    TaskState::Succeeded,
    TaskState::Succeeded,
    TaskState::Succeeded,
    TaskState::CompletedWithErrors,
    TaskState::Failed,
    TaskState::Cancelled,
    TaskState::Interrupted,
    TaskState::Missed,
];

const CRONS: [&str; 8] = [
    "30 2 * * *",
    "0 */6 * * *",
    "15 9 * * 1-5",
    "0 4 * * 0",
    "0 5 1 * *",
    "*/30 * * * *",
    "@daily",
    "0 12 * 1-6 *",
];

const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "America/New_York"];

fn spec(kind: AppKind, name: &str, protection: Protection) -> AppSpec {
    let class = "file-storage".into();
    AppSpec {
        kind,
        name: name.into(),
        resource: Resource { name: "drive".into(), class, subclass: String::new() },
        environment: String::new(),
        data_classes: Vec::new(),
        integration: "rclone".into(),
        protocol: "opendrive".into(),
        entry: name.into(),
        store: (kind == AppKind::Source).then(|| "/nowhere".into()),
        second_store: None,
        copy_range: Default::default(),
        retention: Retention::default(),
        protection,
        backup: Default::default(),
    }
}

/// A source without a past.
pub fn source(state: &State, name: &str) -> App {
    let spec = spec(AppKind::Source, name, Protection::default());
    state.add_app(&spec, Utc::now()).unwrap()
}

/// A backup that ended so.
pub fn ended(state: &State, app: &App, how: TaskState, at: DateTime<Utc>) {
    let (app, kind, cause) = (app.id, TaskKind::Backup, Cause::Manual);
    let new = NewTask { app, kind, cause, input: serde_json::json!({}) };
    let task = state.begin(&new, at).unwrap();
    state.finish(task.id, &result(how, ""), None, at + TimeDelta::seconds(20)).unwrap();
}

fn result(how: TaskState, verdict: &str) -> TaskResult {
    TaskResult {
        state: how,
        exit: None,
        verdict: verdict.into(),
        errors: u64::from(how == TaskState::CompletedWithErrors),
        bytes: None,
        snapshot: None,
        figures: TaskFigures::default(),
    }
}

impl Histories {
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), now: Utc::now(), destinations: BTreeSet::new() }
    }

    pub fn is_destination(&self, name: &str) -> bool {
        self.destinations.contains(name)
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.usize(..all.len())]
    }

    fn often(&mut self, percent: u8) -> bool {
        self.random.u8(..100) < percent
    }

    /// An app with schedules and tasks.
    pub fn add(&mut self, state: &State, number: usize) {
        let is_destination = self.often(5);
        let kind = if is_destination { AppKind::Destination } else { AppKind::Source };
        let name = format!("app-{number:03}");
        if is_destination {
            self.destinations.insert(name.clone());
        }
        let excluded = if self.often(5) { "is <retired> & gone" } else { "" };
        let protection = Protection {
            excluded: excluded.into(),
            max_age_days: self.one(&[1, 30, 60]),
            ..Protection::default()
        };
        let spec = spec(kind, &name, protection);
        let app = state.add_app(&spec, self.now - TimeDelta::days(800)).unwrap();
        if !is_destination {
            for _ in 0..self.random.u8(..3) {
                self.schedule(state, &app);
            }
        }
        let mut hours = self.random.i64(1..2_400);
        for _ in 0..self.random.u8(..14) {
            self.task(state, &app, hours);
            hours = hours * self.random.i64(50..100) / 100;
        }
    }

    fn schedule(&mut self, state: &State, app: &App) {
        let kinds = [TaskKind::Backup, TaskKind::Backup, TaskKind::Check, TaskKind::Maintenance];
        let spec = ScheduleSpec {
            owner: Owner::App(app.id),
            kind: self.one(&kinds),
            cron: self.one(&CRONS).into(),
            time_zone: self.one(&ZONES).into(),
            enabled: self.often(80),
            catch_up: self.random.bool(),
            random_delay_minutes: 0,
        };
        let since = self.now - TimeDelta::hours(self.random.i64(0..1_000));
        let schedule = state.add_schedule(&spec, since).unwrap();
        if self.often(80) {
            state.set_handled(app.id, schedule.id, self.now).unwrap();
        }
    }

    fn task(&mut self, state: &State, app: &App, hours: i64) {
        let at = self.now - TimeDelta::hours(hours) - TimeDelta::minutes(1);
        let (app, kind, cause) = (app.id, self.one(&KINDS), Cause::Manual);
        let new = NewTask { app, kind, cause, input: serde_json::json!({}) };
        // One that is left open is the last.
        let Ok(task) = state.begin(&new, at) else { return };
        if self.often(4) {
            return;
        }
        let how = self.one(&ENDS);
        let result = result(how, self.one(&VERDICTS));
        state.finish(task.id, &result, None, at + TimeDelta::seconds(20)).unwrap();
    }

    /// What the indexes found is what going through all tasks finds.
    pub fn check(&self, state: &State, report: &StatusReport, seed: u64) {
        for app in &report.apps {
            if ["destination", "excluded"].iter().any(|code| has(&app.health, code)) {
                continue;
            }
            let filter =
                TaskFilter { app: Some(app.id), limit: Some(500), ..TaskFilter::default() };
            let tasks = state.tasks(&filter).unwrap();
            let newest = |kind: TaskKind, states: &[TaskState]| {
                let fits = |task: &&Task| task.kind == kind && states.contains(&task.state);
                tasks.iter().find(fits)
            };
            let made = [TaskState::Succeeded, TaskState::CompletedWithErrors];
            let ended = [made[0], made[1], TaskState::Failed];
            let tried = [made[0], made[1], TaskState::Failed, TaskState::Interrupted];
            for (code, newest) in [
                ("backup_failed", newest(TaskKind::Backup, &tried)),
                ("check_failed", newest(TaskKind::Check, &ended)),
                ("prune_failed", newest(TaskKind::Prune, &ended)),
                ("maintenance_failed", newest(TaskKind::Maintenance, &ended)),
                ("restore_failed", newest(TaskKind::Restore, &ended)),
            ] {
                let month = TimeDelta::days(30);
                let counts = |task: &&Task| {
                    task.state != TaskState::Succeeded
                        && (task.kind != TaskKind::Restore
                            || self.now - task.ended.unwrap() <= month)
                };
                let expected = newest.filter(counts).map(|task| task.id);
                let reasons = app.health.reasons.iter();
                let told = reasons.filter(|one| one.code() == code).find_map(|one| one.task());
                assert_eq!(told, expected, "{code} of {}, with SEED={seed}", app.name);
            }
            let last = newest(TaskKind::Backup, &made);
            let told = (has(&app.health, "never_backed_up"), app.last_backup);
            let expected = (last.is_none(), last.and_then(|task| task.ended));
            assert_eq!(told, expected, "{}, with SEED={seed}", app.name);
        }
    }
}

fn has(health: &Health, code: &str) -> bool {
    health.reasons.iter().any(|reason| reason.code() == code)
}
