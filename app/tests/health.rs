//! The verdict on apps from what the state keeps: it finds the task that matters, whatever came
//! after it, and history does not forget it.

mod common;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use common::{end, new_task, run, schedule_spec, source, spec};
use plakar_driver::Plakar;
use source_app::model::{DrillFigures, HealthVerdict, Protection, TaskFigures};
use source_app::service::{AppOverview, Service};
use source_app::state::{
    App, AppKind, AppSpec, EnqueueResult, Owner, ScheduleSpec, State, TaskKind, TaskResult,
    TaskState,
};

struct Site {
    state: State,
    service: Service,
    _directory: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let plakar = Plakar::new(Path::new("/bin/false"), Vec::new(), Vec::new()).unwrap();
        let place = directory.path().join("state");
        let service = Service::open(&place, plakar).unwrap();
        Self { state: State::open(&place).unwrap(), service, _directory: directory }
    }

    async fn overview(&self, app: &App) -> AppOverview {
        let site = self.service.site().await.unwrap();
        let overview = site.apps.into_iter().find(|one| one.app.id == app.id).unwrap();
        // The three ways to ask have one answer.
        let board = self.service.dashboard(app.id).await.unwrap();
        assert_eq!((&board.health, &board.last), (&overview.health, &overview.last));
        let status = self.service.status(Some(app.id)).await.unwrap();
        assert_eq!((status.verdict, status.apps.len()), (overview.health.verdict, 1));
        overview
    }

    async fn told(&self, app: &App) -> (HealthVerdict, Vec<&'static str>) {
        let health = self.overview(app).await.health;
        (health.verdict, health.reasons.iter().map(|reason| reason.code()).collect())
    }
}

fn ago(time: TimeDelta) -> DateTime<Utc> {
    Utc::now() - time
}

#[tokio::test]
async fn after_thirty_missed_nights_the_good_backup_is_the_last_and_too_old() {
    let site = Site::new();
    let app = source(&site.state, "docs");
    let good =
        run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, ago(TimeDelta::days(31)));
    let nightly = ScheduleSpec {
        catch_up: false,
        ..schedule_spec(Owner::App(app.id), TaskKind::Backup, "0 2 * * *")
    };
    site.state.add_schedule(&nightly, ago(TimeDelta::days(31))).unwrap();
    for night in (0..30).rev() {
        let effective = &site.state.effective_schedules(None).unwrap()[0];
        let now = ago(TimeDelta::days(night));
        let slot = effective.schedule.spec.calendar().unwrap().next_after(effective.handled);
        let missed = site.state.miss_slot(effective, slot.unwrap(), now).unwrap();
        assert!(matches!(missed, EnqueueResult::Skipped(_)), "{missed:?}");
    }
    let overview = site.overview(&app).await;
    assert_eq!(overview.last.as_ref().unwrap().id, good.id);
    let codes: Vec<_> = overview.health.reasons.iter().map(|reason| reason.code()).collect();
    assert_eq!(overview.health.verdict, HealthVerdict::NotProtected);
    assert_eq!(codes[0], "older_than_schedule", "{codes:?}");
    // A backup that is stopped by hand is none either.
    run(&site.state, &app, TaskKind::Backup, TaskState::Cancelled, Utc::now());
    assert_eq!(site.overview(&app).await.last.unwrap().id, good.id);
    run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, Utc::now());
    assert_ne!(site.told(&app).await.0, HealthVerdict::NotProtected);
}

#[tokio::test]
async fn a_failed_check_is_said_until_a_later_one_is_good_whatever_follows() {
    let site = Site::new();
    let app = source(&site.state, "docs");
    let hour = |hours: i64| ago(TimeDelta::hours(hours));
    run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, hour(100));
    run(&site.state, &app, TaskKind::Check, TaskState::Succeeded, hour(99));
    let failed = run(&site.state, &app, TaskKind::Check, TaskState::Failed, hour(98));
    for after in 0..50 {
        run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, hour(90 - after));
    }
    // These say nothing of the data.
    for how in [TaskState::Cancelled, TaskState::Missed, TaskState::Interrupted] {
        run(&site.state, &app, TaskKind::Check, how, hour(2));
    }
    let damaged = (HealthVerdict::NotProtected, vec!["check_failed"]);
    assert_eq!(site.told(&app).await, damaged);
    assert_eq!(site.overview(&app).await.health.reasons[0].task(), Some(failed.id));
    // Nor is it forgotten with the history.
    site.state.prune_history(5, Utc::now()).unwrap();
    assert_eq!(site.told(&app).await, damaged);
    run(&site.state, &app, TaskKind::Check, TaskState::CompletedWithErrors, hour(1));
    assert_eq!(site.told(&app).await, damaged);
    run(&site.state, &app, TaskKind::Check, TaskState::Succeeded, Utc::now());
    assert_eq!(site.told(&app).await, (HealthVerdict::Protected, vec![]));
}

#[tokio::test]
async fn one_good_backup_of_two_years_ago_is_no_protection() {
    let site = Site::new();
    let app = source(&site.state, "docs");
    run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, ago(TimeDelta::days(730)));
    let old = (HealthVerdict::NotProtected, vec!["older_than_allowed"]);
    assert_eq!(site.told(&app).await, old);
    site.state.prune_history(500, ago(TimeDelta::days(365))).unwrap();
    assert_eq!(site.told(&app).await, old, "the only backup is not forgotten");
}

#[tokio::test]
async fn a_drill_proves_nothing_of_another_store() {
    let site = Site::new();
    let app = source(&site.state, "docs");
    run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, ago(TimeDelta::hours(3)));
    let drill = site.state.begin(&new_task(&app, TaskKind::Drill), ago(TimeDelta::hours(2)));
    let drill = drill.unwrap().id;
    let figures = DrillFigures { files: 5, bytes: 5, seconds: 1.0, ..DrillFigures::default() };
    let figures = TaskFigures { drill: Some(figures), ..TaskFigures::default() };
    let well = TaskResult { figures, ..end(TaskState::Succeeded) };
    site.state.finish(drill, &well, None, ago(TimeDelta::hours(2))).unwrap();
    // The four ways to ask have one answer.
    let proven = async || {
        let overview = site.overview(&app).await.proven;
        let board = site.service.dashboard(app.id).await.unwrap().proven;
        let status = site.service.status(Some(app.id)).await.unwrap().apps.remove(0).proven;
        let alone = site.service.proven_restorable(app.id).await.unwrap();
        assert_eq!([&board, &status, &alone], [&overview; 3]);
        overview.map(|proven| proven.task)
    };
    let move_to = |store: &str| {
        let now = site.state.app(app.id).unwrap();
        let spec = AppSpec { store: Some(store.into()), ..now.spec };
        site.state.edit_app(app.id, now.revision, &spec, Utc::now()).unwrap();
    };
    assert_eq!(proven().await, Some(drill));
    move_to("/var/others");
    run(&site.state, &app, TaskKind::Backup, TaskState::Succeeded, ago(TimeDelta::hours(1)));
    assert_eq!(proven().await, None);
    move_to("/var/backups");
    assert_eq!(proven().await, Some(drill));
}

#[tokio::test]
async fn history_keeps_the_newest_of_all_that_matters() {
    let site = Site::new();
    let app = source(&site.state, "docs");
    let (mut day, mut kept) = (400, Vec::new());
    let mut add = |kind, how| {
        day -= 1;
        run(&site.state, &app, kind, how, ago(TimeDelta::days(day))).id
    };
    for kind in [
        TaskKind::Backup,
        TaskKind::Check,
        TaskKind::Prune,
        TaskKind::Restore,
        TaskKind::Maintenance,
    ] {
        add(kind, TaskState::Succeeded);
        kept.push(add(kind, TaskState::Succeeded));
        kept.push(add(kind, TaskState::CompletedWithErrors));
        kept.push(add(kind, TaskState::Failed));
        kept.push(add(kind, TaskState::Interrupted));
        add(kind, TaskState::Cancelled);
        add(kind, TaskState::Missed);
    }
    let before = site.overview(&app).await;
    assert_eq!(site.state.prune_history(0, Utc::now()).unwrap(), 15);
    let left = site.state.tasks(&Default::default()).unwrap();
    let mut left: Vec<_> = left.iter().map(|task| task.id).collect();
    left.reverse();
    assert_eq!(left, kept);
    assert_eq!(site.overview(&app).await, before);
}

#[tokio::test]
async fn who_needs_no_protection_is_excluded_and_says_why() {
    let site = Site::new();
    let protection = Protection { excluded: "is retired".into(), ..Protection::default() };
    let retired = common::spec(AppKind::Source, "retired");
    let retired = source_app::state::AppSpec { protection, ..retired };
    let retired = site.state.add_app(&retired, Utc::now()).unwrap();
    assert_eq!(site.told(&retired).await, (HealthVerdict::Excluded, vec!["excluded"]));
    let spare = site.state.add_app(&spec(AppKind::Destination, "spare"), Utc::now()).unwrap();
    assert_eq!(site.told(&spare).await, (HealthVerdict::Excluded, vec!["destination"]));
    let app = source(&site.state, "docs");
    assert_eq!(site.told(&app).await, (HealthVerdict::NotProtected, vec!["never_backed_up"]));
    let all = site.service.status(None).await.unwrap();
    assert_eq!((all.verdict, all.apps.len()), (HealthVerdict::NotProtected, 3));
}
