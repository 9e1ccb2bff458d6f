//! How long the queries of pages take with 100 apps and 10,000 tasks: `cargo run --release -p
//! source-app --example state_bench`.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::time::Instant;

use chrono::{TimeDelta, Utc};
use source_app::model::{Protection, Retention, TaskFigures};
use source_app::scheduler::{FakeClock, Scheduler, Settings, next_runs};
use source_app::state::{
    AppKind, AppSpec, Cause, MatchMode, NewTask, Owner, PolicySpec, Resource, Result, ScheduleSpec,
    State, TaskFilter, TaskKind, TaskResult, TaskState,
};

const ROUNDS: u32 = 20;

fn main() -> Result<()> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let state = State::open(&directory.path().join("state"))?;
    fill(&state)?;
    let now = Utc::now();

    let failed = TaskFilter {
        state: Some(TaskState::Failed),
        kind: Some(TaskKind::Check),
        ..TaskFilter::default()
    };
    let by_time = TaskFilter {
        since: Some(now - TimeDelta::days(400)),
        until: Some(now - TimeDelta::days(90)),
        ..TaskFilter::default()
    };
    measure("dashboard: every app's open, last and last good task", || {
        state.overview().map(|all| all.len())
    });
    measure("tasks: the newest 50", || state.tasks(&TaskFilter::default()).map(|all| all.len()));
    measure("tasks: of one app", || {
        state.tasks(&TaskFilter { app: Some(50), ..TaskFilter::default() }).map(|all| all.len())
    });
    measure("tasks: failed checks", || state.tasks(&failed).map(|all| all.len()));
    measure("tasks: by a time that has none, all are read", || {
        state.tasks(&by_time).map(|all| all.len())
    });
    measure("schedules of every app", || state.effective_schedules(None).map(|all| all.len()));
    measure("next run of every schedule", || {
        Ok(next_runs(state.effective_schedules(None)?, now).len())
    });
    let scheduler = Scheduler::new(state.clone(), FakeClock::new(now), Settings::default());
    measure("one look of the scheduler", || scheduler.tick(None, 0).map(|jobs| jobs.len()));
    Ok(())
}

fn measure(what: &str, work: impl Fn() -> Result<usize>) {
    let (mut count, mut worst) = (0, 0.0_f64);
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        let one = Instant::now();
        count = work().expect(what);
        worst = worst.max(one.elapsed().as_secs_f64() * 1e3);
    }
    let mean = begun.elapsed().as_secs_f64() * 1e3 / f64::from(ROUNDS);
    println!("{mean:8.2} ms (worst {worst:.2})  {what}: {count}");
}

fn fill(state: &State) -> Result<()> {
    let now = Utc::now() - TimeDelta::days(50);
    let (list, retention) =
        (vec![], Retention { daily: 7, weekly: 4, monthly: 12, ..Retention::default() });
    let policy = PolicySpec {
        name: "all".into(),
        environments: list.clone(),
        data_classes: list,
        classes: MatchMode::Any,
        retention,
        labels: Vec::new(),
        promise: None,
        check_after_backup: false,
        enabled: true,
    };
    let policy = state.add_policy(&policy, now)?;
    let schedule = |owner, kind, cron: &str| {
        let spec = ScheduleSpec {
            owner,
            kind,
            cron: cron.into(),
            time_zone: "Europe/Berlin".into(),
            enabled: true,
            catch_up: true,
            random_delay_minutes: 0,
        };
        state.add_schedule(&spec, Utc::now())
    };
    schedule(Owner::Policy(policy.id), TaskKind::Check, "0 4 * * 0")?;
    schedule(Owner::Policy(policy.id), TaskKind::Prune, "0 5 1 * *")?;
    for number in 0..100 {
        let app = state.add_app(&spec(number), now)?;
        schedule(Owner::App(app.id), TaskKind::Backup, "30 2 * * *")?;
        for run in 0..100 {
            let now = now + TimeDelta::hours(12 * run);
            let kind = if run % 7 == 0 { TaskKind::Check } else { TaskKind::Backup };
            let task = state.begin(
                &NewTask {
                    app: app.id,
                    kind,
                    cause: Cause::Schedule,
                    input: serde_json::json!({}),
                },
                now,
            )?;
            let how = if run % 5 == 0 { TaskState::Failed } else { TaskState::Succeeded };
            let verdict =
                "backup completed without errors in 12 s (in: 1.2 GiB, out: 3 MiB)".into();
            let finish = TaskResult {
                state: how,
                exit: Some(0),
                verdict,
                errors: 0,
                bytes: Some(1 << 30),
                snapshot: Some("0a1b2c3d".repeat(8)),
                figures: TaskFigures::default(),
            };
            state.finish(task.id, &finish, None, now + TimeDelta::seconds(12))?;
        }
    }
    Ok(())
}

fn spec(number: u32) -> AppSpec {
    AppSpec {
        kind: AppKind::Source,
        name: format!("app-{number}"),
        resource: Resource {
            name: format!("drive-{}", number / 2),
            class: "file-storage".into(),
            subclass: String::new(),
        },
        environment: "production".into(),
        data_classes: vec!["critical".into()],
        integration: "rclone".into(),
        protocol: "opendrive".into(),
        entry: format!("app-{number}"),
        store: Some("/var/backups".into()),
        second_store: None,
        copy_range: Default::default(),
        retention: Retention::default(),
        protection: Protection::default(),
        backup: Default::default(),
    }
}
