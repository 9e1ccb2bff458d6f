//! Tasks that hang, or fail on everything, come to an end that says why.

use std::process::Command;
use std::time::Duration;

use opendrive_sim::{Fault, What};
use source_app::scheduler::{Scheduler, Settings, SystemClock, WatchSettings};
use source_app::service::{Assign, Service, Work};
use source_app::state::{
    App, AppKind, Cause, NewTask, Owner, ScheduleSpec, State, Task, TaskKind, TaskState,
};

use crate::serving::run;
use crate::world::{World, noise};

impl World {
    /// A service that loses its patience soon.
    fn impatient(&self, plakar: &plakar_driver::Plakar) -> Service {
        let watch = WatchSettings {
            interval: Duration::from_millis(200),
            sample_interval: Duration::from_millis(200),
            silence_warning: Duration::from_secs(2),
            silence_limit: Duration::from_secs(6),
            lines_only_factor: 1,
            max_failures_in_a_row: 20,
            end_timeout: Duration::from_secs(60),
        };
        let settings =
            Settings { watch, heartbeat: Duration::from_millis(100), ..Settings::default() };
        Service::open_with(&self.user.home().join("state"), plakar.clone(), settings).unwrap()
    }

    /// How the command line of the connector begins that reads the drive, once it runs.
    async fn plugin(&self) -> String {
        let found = async {
            loop {
                let lines = self.processes();
                let found = lines.into_iter().find(|line| line.trim_end().ends_with(" importer"));
                if let Some(line) = found {
                    return line;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("the connector")
    }

    /// Stops the process of this user that has this in its command line.
    async fn stop(&self, part: &str) {
        let found = async {
            loop {
                let with = |process: &std::path::PathBuf| {
                    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
                    String::from_utf8_lossy(&line).replace('\0', " ").starts_with(part)
                };
                if let Some(process) = self.user.processes().into_iter().find(with) {
                    return process;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), found).await.expect(part);
        let id = found.file_name().unwrap();
        assert!(Command::new("kill").arg("-STOP").arg(id).status().unwrap().success());
    }
}

/// Waits until a task is as it should be.
async fn until(service: &Service, task: &Task, wanted: impl Fn(&Task) -> bool) -> Task {
    let wait = async {
        loop {
            let task = service.task(task.id).await.unwrap();
            if wanted(&task) {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), wait).await.unwrap()
}

async fn failed(service: &Service, task: &Task) -> String {
    let ended = until(service, task, |task| task.state.is_final()).await;
    assert_eq!(ended.state, TaskState::Failed, "{}", ended.verdict);
    ended.verdict
}

async fn assigned(world: &World, service: &Service) -> App {
    let password = world.simulator.password();
    service.assign(world.assign(AppKind::Source, "mine", "opendrive://", password)).await.unwrap()
}

#[tokio::test]
async fn what_is_stopped_is_said_and_ended_and_the_next_one_runs() {
    let world = World::new().await;
    let service = world.impatient(&world.plakar);
    world.put("large", &noise(1, 3_000_000));
    let app = assigned(&world, &service).await;
    let slow = || Fault::new(What::Delay { ms: 3_600_000 }).endpoint("download/file").always();
    // The connector; plakar waits for it.
    world.simulator.set_faults(vec![slow()]);
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    until(&service, &begun, |task| task.progress.contains("backing up")).await;
    let plugin = world.plugin().await;
    world.stop(&plugin).await;
    // On a busy machine it may be silent for so long before it is stopped: then that is said first.
    let is_warned = |task: &Task| {
        task.progress.contains("no sign of life") && task.progress.contains("is stopped")
    };
    let warned = until(&service, &begun, |task| is_warned(task) || task.state.is_final()).await;
    assert!(warned.state == TaskState::Running && is_warned(&warned), "{warned:?}");
    assert!(warned.progress_detail.unwrap().silence.contains("no sign of life"));
    let verdict = failed(&service, &begun).await;
    assert!(
        verdict.starts_with("it gave no sign of life for ") && verdict.contains("is stopped"),
        "{verdict}"
    );
    world.quiet().await;
    // Plakar itself, which does not hear that it shall end.
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    world.plugin().await;
    world.stop("plakar at ").await;
    let verdict = failed(&service, &begun).await;
    assert!(verdict.contains("(plakar) is stopped"), "{verdict}");
    world.quiet().await;
    // Nothing of it is in the way of the next slot.
    world.simulator.set_faults(vec![]);
    let schedule = ScheduleSpec {
        owner: Owner::App(app.id),
        kind: TaskKind::Backup,
        cron: "* * * * *".into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    };
    let since = chrono::Utc::now() - chrono::TimeDelta::minutes(3);
    let state = State::open(&world.user.home().join("state")).unwrap();
    state.add_schedule(&schedule, since).unwrap();
    let made = service.run_due(app.id).await.unwrap().remove(0);
    assert_eq!((made.state, made.cause), (TaskState::Succeeded, Cause::Schedule), "{made:?}");
    assert!(made.about.starts_with("back up mine (opendrive) to the store "), "{}", made.about);
    service.stop().await;
}

/// Only this process can tell that it gave the task up, and it looks also where it runs no schedules.
#[tokio::test]
async fn a_task_that_was_given_up_ends_where_no_schedules_run() {
    let world = World::new().await;
    let service = world.service();
    let password = world.simulator.password();
    let assign = world.assign(AppKind::Destination, "mine", "opendrive://Spare", password);
    let app = service.assign(Assign { skip_test: true, ..assign }).await.unwrap();
    // As when its end could not be written down for an hour.
    let state = State::open(service.directory()).unwrap();
    let scheduler = Scheduler::new(state, SystemClock, Settings::default());
    let input = serde_json::json!({});
    let new = NewTask { app: app.id, kind: TaskKind::Test, cause: Cause::Manual, input };
    let task = scheduler.begin(&new).unwrap().task.clone();
    assert_eq!(service.task(task.id).await.unwrap().state, TaskState::Running);
    let watching = service.clone();
    let watch = tokio::spawn(async move { watching.watch_apps().await });
    let ended = until(&service, &task, |task| task.state.is_final()).await;
    assert_eq!(ended.state, TaskState::Interrupted, "{}", ended.verdict);
    service.stop().await;
    watch.await.unwrap();
}

#[tokio::test]
async fn a_run_that_fails_on_everything_is_given_up() {
    let world = World::new().await;
    let told = "for file in $(seq 30); do echo \"630e9ca1: KO ✘ /file$file: the drive answers 503\" >&2; done; sleep 600";
    let service = world.impatient(&world.meddled("backup", told));
    let app = assigned(&world, &service).await;
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    let verdict = failed(&service, &begun).await;
    // It is looked now and then: perhaps when only a part of them was told.
    let given_up = |count: u64| {
        format!(
            "it gave up after {count} failures in a row; the last was: /file{count}: the drive answers 503"
        )
    };
    assert!((20..=30).any(|count| verdict == given_up(count)), "{verdict}");
    world.quiet().await;
    service.stop().await;
}

#[tokio::test]
async fn what_plakar_complained_of_before_it_hung_is_the_reason() {
    let world = World::new().await;
    // As it does with a full folder for temporary files.
    let told =
        "echo 'error: Worker group error: write /tmp/x: no space left on device' >&2; sleep 600";
    let service = world.impatient(&world.meddled("backup", told));
    let app = assigned(&world, &service).await;
    let begun = service.start(app.id, &Work::Backup).await.unwrap();
    let verdict = failed(&service, &begun).await;
    assert!(
        verdict.starts_with("it gave no sign of life for ")
            && verdict.ends_with(
                "and was ended: plakar said Worker group error: write /tmp/x: no space left on device"
            ),
        "{verdict}"
    );
    world.quiet().await;
    service.stop().await;
}

#[tokio::test]
async fn an_unchanged_drive_is_counted_too() {
    let world = World::new().await;
    let service = world.service();
    for number in 0..40_u64 {
        world.put(&format!("folder{}/file{number}", number % 4), &noise(number, 1000));
    }
    let app = assigned(&world, &service).await;
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    let state = State::open(&world.user.home().join("state")).unwrap();
    let first = state.expected(app.id, TaskKind::Backup).unwrap();
    assert_eq!((first.entries.unwrap() >= 44, first.bytes), (true, Some(40_000)), "{first:?}");
    // Plakar says "OK" of what it takes from its cache, too: the next one has as many.
    let (made, log) = run(&service, &app, Work::Backup).await;
    assert_eq!(made.state, TaskState::Succeeded, "{log}");
    assert_eq!(state.expected(app.id, TaskKind::Backup).unwrap(), first);
    service.stop().await;
}
