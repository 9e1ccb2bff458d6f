//! What is known of restore points, the check after a backup, who has a store to himself, and prunes
//! that are held.

mod common;

use chrono::TimeDelta;
use common::{end, new_task, run, schedule, source, spec, start, state};
use proptest::prelude::*;
use serde_json::json;
use source_app::model::Protection;
use source_app::state::{
    AppKind, Cause, CheckedPoint, HeldPrune, Owner, State, StateError, TaskKind, TaskResult,
    TaskState,
};

fn made(snapshot: &str) -> TaskResult {
    TaskResult { snapshot: Some(snapshot.into()), ..end(TaskState::Succeeded) }
}

fn checked(state: &State, name: &str) -> source_app::state::App {
    let protection = Protection { check_after_backup: true, ..Protection::default() };
    let spec = source_app::state::AppSpec { protection, ..spec(AppKind::Source, name) };
    state.add_app(&spec, start()).unwrap()
}

#[test]
fn a_check_follows_each_backup_that_made_something() {
    let (_directory, state) = state();
    let (app, plain) = (checked(&state, "checked"), source(&state, "plain"));
    for (app, how, follows) in [
        (&app, made("01"), true),
        (&app, TaskResult { state: TaskState::CompletedWithErrors, ..made("02") }, true),
        (&app, TaskResult { state: TaskState::Failed, ..made("03") }, false),
        (&app, end(TaskState::Succeeded), false),
        (&plain, made("04"), false),
    ] {
        let backup = state.begin(&new_task(app, TaskKind::Backup), start()).unwrap();
        state.finish(backup.id, &how, None, start()).unwrap();
        let check = state.follow_up(&state.task(backup.id).unwrap()).unwrap();
        assert_eq!(check.is_some(), follows, "{how:?}");
        let Some(check) = check else { continue };
        assert_eq!(
            (check.kind, check.state, check.cause, &check.input),
            (TaskKind::Check, TaskState::Queued, Cause::Manual, &json!({"snapshot": how.snapshot}))
        );
        // It is taken once.
        assert_eq!(state.claim_task(check.id, false, start()).unwrap().unwrap().id, check.id);
        assert!(state.claim_task(check.id, false, start()).unwrap().is_none());
        state.finish(check.id, &end(TaskState::Succeeded), None, start()).unwrap();
        assert_eq!(state.claim(None, false, start()).unwrap(), None, "a check has no follow-up");
    }
}

#[test]
fn the_check_has_the_cause_of_the_first_try() {
    let (_directory, state) = state();
    let app = checked(&state, "checked");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "30 0 * * *");
    let effective = state.effective_schedules(None).unwrap().remove(0);
    let slot = start() + TimeDelta::minutes(30);
    state.enqueue_slot(&effective, slot, slot).unwrap();
    let first = state.claim(None, false, slot).unwrap().unwrap();
    let again = state.finish(first.id, &end(TaskState::Failed), Some(slot), slot).unwrap();
    let second = state.claim(None, false, slot).unwrap().unwrap();
    assert_eq!((Some(second.id), second.cause), (again, Cause::Retry));
    state.finish(second.id, &made("01"), None, slot).unwrap();
    let check = state.follow_up(&state.task(second.id).unwrap()).unwrap().unwrap();
    assert_eq!((check.cause, check.slot), (Cause::Schedule, None));
}

#[test]
fn a_maintenance_has_the_store_to_itself() {
    let (_directory, state) = state();
    let (one, two) = (source(&state, "one"), source(&state, "two"));
    // The same store in other words, and another store.
    let other = source_app::state::AppSpec {
        store: Some("/var/others".into()),
        ..spec(AppKind::Source, "other")
    };
    let other = state.add_app(&other, start()).unwrap();
    for kind in [TaskKind::Backup, TaskKind::Check, TaskKind::Prune, TaskKind::Restore] {
        let running = state.begin(&new_task(&two, kind), start()).unwrap();
        let refused = state.begin(&new_task(&one, TaskKind::Maintenance), start()).unwrap_err();
        let StateError::Busy(words) = &refused else { panic!("{refused}") };
        assert!(words.contains(&format!("task {} ({kind} of two)", running.id)), "{words}");
        state.finish(running.id, &end(TaskState::Succeeded), None, start()).unwrap();

        let alone = state.begin(&new_task(&one, TaskKind::Maintenance), start()).unwrap();
        let refused = state.begin(&new_task(&two, kind), start()).unwrap_err();
        assert!(refused.to_string().contains("a maintenance by one, has the store"), "{refused}");
        // What is in another store, or only tests a connection, does not mind.
        run(&state, &other, kind, TaskState::Succeeded, start());
        run(&state, &two, TaskKind::Test, TaskState::Succeeded, start());
        state.finish(alone.id, &end(TaskState::Succeeded), None, start()).unwrap();
    }
}

#[test]
fn what_is_queued_waits_for_a_maintenance_and_a_maintenance_for_what_runs() {
    let (_directory, state) = state();
    let named = |name: &str, store: &str| {
        let store = Some(store.into());
        let spec = source_app::state::AppSpec { store, ..spec(AppKind::Source, name) };
        state.add_app(&spec, start()).unwrap()
    };
    let (one, two) = (named("one", "vault"), named("two", "@vault"));
    schedule(&state, Owner::App(one.id), TaskKind::Maintenance, "0 0 * * *");
    schedule(&state, Owner::App(two.id), TaskKind::Check, "0 0 * * *");
    let now = start() + TimeDelta::days(1);
    for effective in state.effective_schedules(None).unwrap() {
        state.enqueue_slot(&effective, now, now).unwrap();
    }
    let first = state.claim(None, false, now).unwrap().unwrap();
    assert_eq!(first.kind, TaskKind::Maintenance);
    assert_eq!(state.claim(None, false, now).unwrap(), None);
    state.finish(first.id, &end(TaskState::Succeeded), None, now).unwrap();
    let second = state.claim(None, false, now).unwrap().unwrap();
    assert_eq!(second.kind, TaskKind::Check);
    let later = now + TimeDelta::days(1);
    for effective in state.effective_schedules(Some(one.id)).unwrap() {
        state.enqueue_slot(&effective, later, later).unwrap();
    }
    assert_eq!(state.claim(None, false, later).unwrap(), None);
    state.finish(second.id, &end(TaskState::Succeeded), None, later).unwrap();
    assert_eq!(state.claim(None, false, later).unwrap().unwrap().kind, TaskKind::Maintenance);
}

#[test]
fn a_drill_is_no_writer_of_its_store() {
    for (runs, waits) in [(TaskKind::Backup, TaskKind::Drill), (TaskKind::Drill, TaskKind::Backup)]
    {
        let (_directory, state) = state();
        let (one, two) = (source(&state, "one"), source(&state, "two"));
        let running = state.begin(&new_task(&one, runs), start()).unwrap();
        schedule(&state, Owner::App(two.id), waits, "0 0 * * *");
        let now = start() + TimeDelta::days(1);
        let effective = state.effective_schedules(None).unwrap().remove(0);
        state.enqueue_slot(&effective, now, now).unwrap();
        let claimed = state.claim(None, true, now).unwrap().unwrap();
        assert_eq!((claimed.kind, &claimed.store), (waits, &running.store));
        assert_eq!(claimed.store.as_deref(), Some("/var/backups"));
    }
}

#[test]
fn a_drill_notes_the_store_that_its_app_has_when_it_runs() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Drill, "0 0 * * *");
    let now = start() + TimeDelta::days(1);
    let effective = state.effective_schedules(None).unwrap().remove(0);
    state.enqueue_slot(&effective, now, now).unwrap();
    let store = Some("/var/others".to_owned());
    let moved = source_app::state::AppSpec { store: store.clone(), ..app.spec.clone() };
    state.edit_app(app.id, app.revision, &moved, now).unwrap();
    assert_eq!(state.claim(None, false, now).unwrap().unwrap().store, store);
}

#[test]
fn the_newest_result_of_a_restore_point_counts() {
    let (_directory, state) = state();
    let app = source(&state, "one");
    let result = |at: i64, errors, reason: &str| CheckedPoint {
        at: start() + TimeDelta::seconds(at),
        task: at,
        errors,
        reason: reason.into(),
    };
    for (id, found) in
        [("aa", result(1, 3, "/a is damaged")), ("bb", result(2, 0, "")), ("aa", result(3, 0, ""))]
    {
        state.note_checked(app.id, id, &found).unwrap();
    }
    let known = state.checked_points(app.id).unwrap();
    assert_eq!((known["aa"].task, known["aa"].is_whole(), known.len()), (3, true, 2));
    assert_eq!(
        serde_json::to_value(result(1, 3, "/a is damaged")).unwrap(),
        json!({"state": "damaged", "at": "2026-06-01T00:00:01Z", "task": 1, "errors": 3, "reason": "/a is damaged"})
    );
    state.forget_checked(app.id, &["aa".into()]).unwrap();
    assert_eq!(state.checked_points(app.id).unwrap().into_keys().collect::<Vec<_>>(), ["bb"]);
}

#[test]
fn alarms_are_released_by_who_has_seen_the_newest() {
    let (_directory, state) = state();
    let app = source(&state, "docs").id;
    let hold = |task: i64, reason: &str| {
        let at = start() + TimeDelta::hours(task);
        let held = HeldPrune { at, task, reason: reason.into(), examples: Vec::new() };
        state.hold_prune(app, &held).unwrap();
    };
    let held = || -> Vec<String> {
        state.held_prunes(app).unwrap().into_iter().map(|one| one.reason).collect()
    };
    assert!(!state.release_prune(app, None).unwrap());
    hold(7, "a half");
    hold(7, "the same task again");
    hold(9, "two thirds");
    // One that waited for a lock comes after a later one.
    hold(8, "all");
    assert_eq!(held(), ["all", "two thirds", "a half"]);
    for (seen, said) in [
        (
            None,
            "3 change alarms hold the prunes of docs; look at them, then release that of task 8",
        ),
        (Some(9), "that holds the prunes of docs is that of task 8, not of task 9; look at it"),
        (Some(70), "is that of task 8, not of task 70"),
    ] {
        let refused = state.release_prune(app, seen).unwrap_err();
        assert!(matches!(refused, StateError::Conflict(_)), "{refused:?}");
        assert!(refused.to_string().contains(said), "{refused}");
    }
    assert_eq!(held().len(), 3);
    assert!(state.release_prune(app, Some(8)).unwrap());
    assert!(held().is_empty());
    let changes = state.setting_changes(&Default::default()).unwrap();
    assert_eq!(changes[0].fields.len(), 3, "{changes:?}");
    // Who names none may release a single one.
    hold(10, "a half");
    assert!(state.release_prune(app, None).unwrap() && held().is_empty());
}

#[test]
fn where_the_change_alarm_begins_is_kept_by_app() {
    let (_directory, state) = state();
    let (app, other) = (source(&state, "docs").id, source(&state, "photos").id);
    assert_eq!(state.alarm_baseline(app).unwrap(), None);
    state.note_alarm_baseline(app, "01").unwrap();
    state.note_alarm_baseline(other, "02").unwrap();
    state.note_alarm_baseline(app, "03").unwrap();
    assert_eq!(state.alarm_baseline(app).unwrap().as_deref(), Some("03"));
    assert_eq!(state.pruning(app).unwrap().baseline.as_deref(), Some("03"));
    state.remove_app(app).unwrap();
    assert_eq!(state.alarm_baseline(app).unwrap(), None);
    assert_eq!(state.alarm_baseline(other).unwrap().as_deref(), Some("02"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is asked for in whatever order: a maintenance never runs beside anything else in its
    /// store, and what was refused goes when the store is free.
    #[test]
    fn nothing_ever_runs_beside_a_maintenance(steps in proptest::collection::vec((0..3_usize, 0..6_usize, any::<bool>()), 1..40)) {
        let (_directory, state) = state();
        let apps = ["one", "two", "three"].map(|name| source(&state, name));
        let mut running = Vec::new();
        for (app, kind, ends) in steps {
            if ends && !running.is_empty() {
                let (id, _): (i64, TaskKind) = running.remove(app % running.len());
                state.finish(id, &end(TaskState::Succeeded), None, start()).unwrap();
                continue;
            }
            let kind = TaskKind::ALL[kind];
            if let Ok(task) = state.begin(&new_task(&apps[app], kind), start()) {
                running.push((task.id, kind));
            }
            let disturbing = running.iter().filter(|(_, kind)| *kind != TaskKind::Test).count();
            let alone = running.iter().any(|(_, kind)| *kind == TaskKind::Maintenance);
            prop_assert!(!alone || disturbing == 1, "{running:?}");
        }
    }
}
