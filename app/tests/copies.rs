//! Second copies in the state: who may copy where, and what is known of what was copied.

mod common;

use common::{end, new_task, schedule, source, spec, start, state};
use source_app::state::{
    App, AppKind, AppSpec, CopiedPoint, MatchMode, Owner, PolicySpec, ScheduleSpec, State,
    StoreFacts, TaskKind, TaskState,
};

fn copied(state: &State, name: &str, second: &str) -> App {
    let second_store = Some(second.to_owned());
    let spec = AppSpec { second_store, ..spec(AppKind::Source, name) };
    state.add_app(&spec, start()).unwrap()
}

#[test]
fn what_has_no_second_store_is_not_copied() {
    let (_directory, state) = state();
    let (plain, app) = (source(&state, "plain"), copied(&state, "copied", "/media/away"));
    let spec = |owner| ScheduleSpec {
        owner,
        kind: TaskKind::Sync,
        cron: "0 5 * * *".into(),
        time_zone: "UTC".into(),
        enabled: true,
        catch_up: true,
        random_delay_minutes: 0,
    };
    let refused = state.add_schedule(&spec(Owner::App(plain.id)), start()).unwrap_err().to_string();
    assert!(refused.contains("plain has no second store") && !refused.contains('\n'), "{refused}");
    schedule(&state, Owner::App(app.id), TaskKind::Sync, "0 5 * * *");
    // By a policy, those that have one.
    let policy = PolicySpec {
        name: "careful".into(),
        environments: Vec::new(),
        data_classes: Vec::new(),
        classes: MatchMode::Any,
        retention: Default::default(),
        labels: Vec::new(),
        promise: None,
        check_after_backup: false,
        enabled: true,
    };
    let policy = state.add_policy(&policy, start()).unwrap();
    state.add_schedule(&spec(Owner::Policy(policy.id)), start()).unwrap();
    let all = state.effective_schedules(None).unwrap();
    assert!(all.iter().all(|one| one.app == app.id) && !all.is_empty(), "{all:?}");

    // The first store is no second one, and a destination has none.
    let same = AppSpec { second_store: app.spec.store.clone(), ..app.spec.clone() };
    assert!(same.check().unwrap_err().to_string().contains("is the first store"));
    let none =
        AppSpec { second_store: Some("/x".into()), ..common::spec(AppKind::Destination, "d") };
    assert!(none.check().unwrap_err().to_string().contains("a destination has none"));
}

#[test]
fn a_copy_and_a_maintenance_of_the_second_store_do_not_run_beside_each_other() {
    let (_directory, state) = state();
    let app = copied(&state, "copied", "/media/away");
    let other = AppSpec { store: Some("/media/away/".into()), ..spec(AppKind::Source, "other") };
    let other = state.add_app(&other, start()).unwrap();
    for (one, first, two, second) in [
        (&app, TaskKind::Sync, &other, TaskKind::Maintenance),
        (&other, TaskKind::Maintenance, &app, TaskKind::Sync),
    ] {
        let running = state.begin(&new_task(one, first), start()).unwrap();
        state.begin(&new_task(two, second), start()).unwrap_err();
        let store = if first == TaskKind::Sync { "/media/away" } else { "/media/away/" };
        assert_eq!(running.store.as_deref(), Some(store));
        state.finish(running.id, &end(TaskState::Succeeded), None, start()).unwrap();
    }
    // A backup of the other one minds neither.
    let running = state.begin(&new_task(&app, TaskKind::Sync), start()).unwrap();
    let backup = state.begin(&new_task(&other, TaskKind::Backup), start()).unwrap();
    for id in [running.id, backup.id] {
        state.finish(id, &end(TaskState::Succeeded), None, start()).unwrap();
    }
    let newest = state.newest_tasks(app.id).unwrap();
    assert_eq!(
        (newest.sync.map(|task| task.id), newest.last_sync.map(|task| task.id)),
        (Some(running.id), Some(running.id))
    );
}

#[test]
fn the_newest_reading_counts_and_each_store_has_its_own() {
    let (_directory, state) = state();
    let app = copied(&state, "copied", "away");
    let read = |task, errors| CopiedPoint {
        taken: start(),
        at: start(),
        task,
        errors,
        reason: if errors > 0 { "/a is missing".into() } else { String::new() },
    };
    state.note_copied(app.id, "away", "aa", &read(1, 2)).unwrap();
    state.note_copied(app.id, "away", "aa", &read(2, 0)).unwrap();
    state.note_copied(app.id, "elsewhere", "aa", &read(3, 1)).unwrap();
    let known = state.copied_points(app.id, "away").unwrap();
    assert_eq!((known.len(), known["aa"].task, known["aa"].errors), (1, 2, 0));
    let facts = StoreFacts { points: Some(7), encrypted: Some(true), ..StoreFacts::default() };
    state.note_store("away", &facts, start()).unwrap();
    assert_eq!(state.known_stores().unwrap()["away"].facts, facts);
    state.remove_app(app.id).unwrap();
    assert!(state.copied_points(app.id, "away").unwrap().is_empty());
}
