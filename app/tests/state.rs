//! What the state keeps, for whom, and what it refuses.

mod common;

use std::io::Write;

use chrono::TimeDelta;
use common::{at, end, new_task, run, schedule, schedule_spec, source, spec, start, state};
use source_app::model::{Retention, TaskProgress};
use source_app::state::{
    AppKind, AppSpec, CancelResult, Cause, EnqueueResult, KnownMd5, MatchMode, Owner, PolicySpec,
    ScheduleOrigin, StateError, TaskFilter, TaskKind, TaskState,
};

#[test]
fn apps_are_assigned_edited_and_removed() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let target = state.add_app(&spec(AppKind::Destination, "docs"), start()).unwrap();
    assert_eq!(state.app(app.id).unwrap(), app);
    assert_eq!(state.app_named(AppKind::Source, "docs").unwrap(), app);
    let names: Vec<_> = state
        .apps_of("drive")
        .unwrap()
        .iter()
        .map(|app| (app.spec.kind, app.spec.name.clone()))
        .collect();
    assert_eq!(names, [(AppKind::Source, "docs".into()), (AppKind::Destination, "docs".into())]);

    let mut changed = app.spec.clone();
    changed.name = "papers".into();
    changed.environment = "my own".into();
    let edited = state.edit_app(app.id, app.revision, &changed, start()).unwrap();
    assert_eq!((edited.revision, &edited.spec), (2, &changed));
    let error = state.edit_app(app.id, app.revision, &changed, start()).unwrap_err();
    assert!(matches!(error, StateError::Conflict(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "app papers was changed meanwhile; load it again and repeat the change"
    );

    state.remove_app(target.id).unwrap();
    assert!(matches!(state.app(target.id), Err(StateError::NotFound(_))));
    // The resource goes with its last app, and may then come back with another class.
    let mut other = spec(AppKind::Source, "other");
    other.resource.class = "database".into();
    assert!(
        state
            .add_app(&other, start())
            .unwrap_err()
            .to_string()
            .contains("has the class file-storage")
    );
    state.remove_app(app.id).unwrap();
    let again = state.add_app(&other, start()).unwrap();
    assert!(again.id > target.id, "an id is not given twice");
}

#[test]
fn what_was_read_in_a_store_is_forgotten_with_it() {
    let (_directory, state) = state();
    let (app, other) = (source(&state, "docs"), source(&state, "other"));
    let md5 = KnownMd5 { size: 7, modified: 9, md5: "ab".into(), listed: true };
    for id in [app.id, other.id] {
        state.note_md5(id, &[("/a".into(), md5.clone())]).unwrap();
        state.note_comparison(id, "{}").unwrap();
    }
    let known = |id| (state.known_md5(id).unwrap().len(), state.comparison(id).unwrap().is_some());
    let named = AppSpec { name: "papers".into(), ..app.spec.clone() };
    let app = state.edit_app(app.id, app.revision, &named, start()).unwrap();
    assert_eq!(known(app.id), (1, true));
    let moved = AppSpec { store: Some("/var/others".into()), ..named };
    state.edit_app(app.id, app.revision, &moved, start()).unwrap();
    assert_eq!((known(app.id), known(other.id)), ((0, false), (1, true)));
}

#[test]
fn bad_apps_get_one_clear_line() {
    let (_directory, state) = state();
    source(&state, "taken");
    type Change = fn(&mut source_app::state::AppSpec);
    let cases: [(Change, &str); 11] = [
        (
            |app| app.name = "taken".into(),
            "there is already a source named taken; choose another name",
        ),
        (|app| app.name = "-x".into(), "name \"-x\": write 1 to 63 of a-z"),
        (|app| app.name = "Ä".into(), "name \"Ä\""),
        (|app| app.name = "a".repeat(64), "write 1 to 63"),
        (|app| app.name = "a\n".into(), "name \"a\\n\""),
        (|app| app.environment = "a\u{1b}b".into(), "environment holds a control character"),
        (|app| app.data_classes = vec!["a".into(), "a".into()], "data class \"a\" is given twice"),
        (|app| app.data_classes = vec!["a,b".into()], "holds a comma"),
        (|app| app.store = None, "store is missing"),
        (|app| app.entry = "../x".into(), "entry \"../x\""),
        (|app| app.retention.daily = 99_999, "retention daily"),
    ];
    for (change, expected) in cases {
        let mut app = spec(AppKind::Source, "fine");
        change(&mut app);
        let error = state.add_app(&app, start()).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{expected}: {error}");
    }
    let mut target = spec(AppKind::Destination, "target");
    target.store = Some("x".into());
    assert!(
        state.add_app(&target, start()).unwrap_err().to_string().contains("a destination has none")
    );
    assert_eq!(state.apps().unwrap().len(), 1);
}

#[test]
fn a_running_app_is_not_removed_and_does_not_run_beside_itself() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let task = state.begin(&new_task(&app, TaskKind::Backup), start()).unwrap();
    let error = state.begin(&new_task(&app, TaskKind::Check), start()).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("app docs: task {} (backup) is running; wait for its end, or cancel it", task.id)
    );
    let test = state
        .begin(&new_task(&app, TaskKind::Test), start())
        .expect("a test of the connection disturbs nothing");
    assert!(matches!(state.remove_app(app.id), Err(StateError::Busy(_))));
    state.finish(task.id, &end(TaskState::Succeeded), None, start()).unwrap();
    state.finish(test.id, &end(TaskState::Failed), None, start()).unwrap();
    assert!(
        matches!(
            state.finish(task.id, &end(TaskState::Failed), None, start()),
            Err(StateError::Conflict(_))
        ),
        "ended once"
    );
    state.log_writer(task.id).unwrap().write_all(b"text").unwrap();
    assert!(state.log_path(task.id).exists());
    state.remove_app(app.id).unwrap();
    assert!(!state.log_path(task.id).exists());
    assert!(state.tasks(&TaskFilter::default()).unwrap().is_empty());
}

#[test]
fn a_running_task_is_cancelled_by_asking_a_waiting_one_at_once() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let task = state.begin(&new_task(&app, TaskKind::Backup), start()).unwrap();
    assert!(!state.heartbeat(task.id, Some(&TaskProgress::at("half\nway")), start()).unwrap());
    let seen = state.task(task.id).unwrap();
    assert_eq!(seen.progress, "half\u{fffd}way");
    assert_eq!(seen.progress_detail, Some(TaskProgress::at("half\nway")));
    assert_eq!(state.cancel(task.id, start()).unwrap(), CancelResult::Asked);
    assert!(state.heartbeat(task.id, None, start()).unwrap());
    assert!(!state.wait(task.id, start(), "waiting for store lock").unwrap());
    assert_eq!(state.task(task.id).unwrap().state, TaskState::Running);
    state.finish(task.id, &end(TaskState::Cancelled), None, start()).unwrap();

    let task = state.begin(&new_task(&app, TaskKind::Backup), start()).unwrap();
    state.heartbeat(task.id, Some(&TaskProgress::at("halfway")), start()).unwrap();
    assert!(state.wait(task.id, start(), "waiting for store lock").unwrap());
    assert_eq!(state.task(task.id).unwrap().progress_detail, None);
    assert_eq!(state.cancel(task.id, start()).unwrap(), CancelResult::Now);
    assert_eq!(state.cancel(task.id, start()).unwrap(), CancelResult::Over);
    assert_eq!(state.task(task.id).unwrap().state, TaskState::Cancelled);
}

fn policy(
    name: &str,
    environments: &[&str],
    data_classes: &[&str],
    classes: MatchMode,
) -> PolicySpec {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let retention = Retention { daily: 7, ..Retention::default() };
    PolicySpec {
        name: name.into(),
        environments: list(environments),
        data_classes: list(data_classes),
        classes,
        retention,
        labels: Vec::new(),
        promise: None,
        check_after_backup: false,
        enabled: true,
    }
}

#[test]
fn policies_match_on_environment_and_data_classes() {
    let (_directory, state) = state();
    let app = source(&state, "docs"); // production; PII, critical
    for (environments, classes, how, applies) in [
        (&[][..], &[][..], MatchMode::Any, true),
        (&["production"], &[], MatchMode::All, true),
        (&["testing", "production"], &["PII"], MatchMode::All, true),
        (&["testing"], &["PII"], MatchMode::Any, false),
        (&[], &["PII", "database"], MatchMode::Any, true),
        (&[], &["PII", "database"], MatchMode::All, false),
        (&[], &["critical", "PII"], MatchMode::All, true),
        (&["Production"], &[], MatchMode::Any, false),
    ] {
        assert_eq!(
            policy("p", environments, classes, how).applies_to(&app),
            applies,
            "{environments:?} {classes:?} {how}"
        );
    }
    assert!(
        !PolicySpec { enabled: false, ..policy("p", &[], &[], MatchMode::Any) }.applies_to(&app)
    );
    let target = state.add_app(&spec(AppKind::Destination, "docs"), start()).unwrap();
    assert!(
        !policy("p", &[], &[], MatchMode::Any).applies_to(&target),
        "a destination is not backed up"
    );
}

#[test]
fn an_app_has_its_own_schedules_and_those_of_its_policies() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let mut other = spec(AppKind::Source, "other");
    (other.environment, other.retention.weekly) = ("testing".into(), 4);
    let other = state.add_app(&other, start()).unwrap();
    let policy_of =
        state.add_policy(&policy("prod", &["production"], &[], MatchMode::Any), start()).unwrap();
    let own = schedule(&state, Owner::App(app.id), TaskKind::Check, "0 3 * * *");
    let shared = schedule(&state, Owner::Policy(policy_of.id), TaskKind::Backup, "0 2 * * *");
    let of = |id| {
        state
            .effective_schedules(Some(id))
            .unwrap()
            .into_iter()
            .map(|e| (e.schedule.id, e.origin))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(app.id),
        [(own.id, ScheduleOrigin::App), (shared.id, ScheduleOrigin::Policy("prod".into()))]
    );
    assert_eq!(of(other.id), []);
    assert_eq!(
        state.effective_retention(other.id).unwrap(),
        Retention { weekly: 4, ..Retention::default() }
    );

    // An app that comes under a policy does not catch up what was before.
    let later = at("2026-06-10T12:00:00Z");
    let moved =
        source_app::state::AppSpec { environment: "production".into(), ..other.spec.clone() };
    state.edit_app(other.id, other.revision, &moved, later).unwrap();
    assert_eq!(state.effective_schedules(Some(other.id)).unwrap()[0].handled, later);
    assert_eq!(
        state.effective_retention(other.id).unwrap(),
        Retention { daily: 7, weekly: 4, ..Retention::default() }
    );

    state.remove_policy(policy_of.id).unwrap();
    assert_eq!(of(app.id), [(own.id, ScheduleOrigin::App)]);
    assert!(matches!(state.schedule(shared.id), Err(StateError::NotFound(_))));
}

#[test]
fn bad_schedules_and_policies_are_refused() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let target = state.add_app(&spec(AppKind::Destination, "target"), start()).unwrap();
    let fine = schedule_spec(Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    for (spec, expected) in [
        (
            schedule_spec(Owner::App(app.id), TaskKind::Restore, "0 2 * * *"),
            "a restore has no schedule",
        ),
        (schedule_spec(Owner::App(app.id), TaskKind::Backup, "0 2 * *"), "not five fields"),
        (
            source_app::state::ScheduleSpec { time_zone: "Moon".into(), ..fine.clone() },
            "time zone \"Moon\" is unknown",
        ),
        (schedule_spec(Owner::App(target.id), TaskKind::Backup, "0 2 * * *"), "is a destination"),
        (schedule_spec(Owner::App(99), TaskKind::Backup, "0 2 * * *"), "no app with the id 99"),
        (
            schedule_spec(Owner::Policy(99), TaskKind::Backup, "0 2 * * *"),
            "no policy with the id 99",
        ),
    ] {
        let error = state.add_schedule(&spec, start()).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let made = state.add_schedule(&fine, start()).unwrap();
    state.edit_schedule(made.id, 1, &fine, start()).unwrap();
    assert!(matches!(
        state.edit_schedule(made.id, 1, &fine, start()),
        Err(StateError::Conflict(_))
    ));
    let named = state.add_policy(&policy("p", &[], &[], MatchMode::Any), start()).unwrap();
    assert!(
        state
            .add_policy(&named.spec, start())
            .unwrap_err()
            .to_string()
            .contains("already a policy named p")
    );
    state.edit_policy(named.id, 1, &named.spec, start()).unwrap();
    assert!(matches!(
        state.edit_policy(named.id, 1, &named.spec, start()),
        Err(StateError::Conflict(_))
    ));
}

#[test]
fn history_is_pruned_but_never_the_last_success() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let success = run(&state, &app, TaskKind::Backup, TaskState::Succeeded, start());
    let check = run(&state, &app, TaskKind::Check, TaskState::Succeeded, start());
    state.log_writer(success.id).unwrap().write_all(b"kept").unwrap();
    let failed: Vec<_> = (0..10)
        .map(|day| {
            run(&state, &app, TaskKind::Backup, TaskState::Failed, start() + TimeDelta::days(day))
                .id
        })
        .collect();
    state.log_writer(failed[0]).unwrap().write_all(b"gone").unwrap();
    let open = state.begin(&new_task(&app, TaskKind::Backup), start()).unwrap();
    assert_eq!(state.prune_history(5, start()).unwrap(), 6);
    let left = || {
        state.tasks(&TaskFilter::default()).unwrap().iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(left(), [open.id, failed[9], failed[8], failed[7], failed[6], check.id, success.id]);
    assert!(state.log_path(success.id).exists() && !state.log_path(failed[0]).exists());
    assert_eq!(state.prune_history(5, start() + TimeDelta::days(9)).unwrap(), 3);
    assert_eq!(left(), [open.id, failed[9], check.id, success.id]);
    assert_eq!(state.last_success(app.id, TaskKind::Backup).unwrap().unwrap().id, success.id);
}

#[test]
fn tasks_are_listed_by_filters_and_in_pages() {
    let (_directory, state) = state();
    let (a, b) = (source(&state, "a"), source(&state, "b"));
    for hour in 0..10 {
        let now = start() + TimeDelta::hours(hour);
        let how = if hour % 2 == 0 { TaskState::Succeeded } else { TaskState::Failed };
        run(&state, &a, TaskKind::Backup, how, now);
        run(&state, &b, TaskKind::Check, TaskState::Succeeded, now);
    }
    let count = |filter: TaskFilter| state.tasks(&filter).unwrap().len();
    let all = TaskFilter::default;
    assert_eq!(count(all()), 20);
    assert_eq!(count(TaskFilter { app: Some(a.id), ..all() }), 10);
    assert_eq!(count(TaskFilter { state: Some(TaskState::Failed), ..all() }), 5);
    assert_eq!(
        count(TaskFilter { kind: Some(TaskKind::Check), state: Some(TaskState::Failed), ..all() }),
        0
    );
    assert_eq!(count(TaskFilter { cause: Some(Cause::Manual), ..all() }), 20);
    assert_eq!(count(TaskFilter { since: Some(start() + TimeDelta::hours(8)), ..all() }), 4);
    assert_eq!(count(TaskFilter { until: Some(start() + TimeDelta::hours(8)), ..all() }), 16);
    let first = state.tasks(&TaskFilter { limit: Some(15), ..all() }).unwrap();
    let second = state
        .tasks(&TaskFilter { limit: Some(15), before: first.last().map(|task| task.id), ..all() })
        .unwrap();
    assert_eq!((first.len(), second.len()), (15, 5));
    assert!(first.windows(2).all(|pair| pair[0].id > pair[1].id) && first[14].id > second[0].id);
    let overview = state.overview().unwrap();
    let (of_a, of_b) = (&overview[0].1, &overview[1].1);
    assert_eq!(of_a.tried.as_ref().unwrap().state, TaskState::Failed);
    for made in [&of_a.last, &of_a.last_success] {
        assert_eq!(made.as_ref().unwrap().created, start() + TimeDelta::hours(8));
    }
    assert_eq!((&of_b.last, &of_b.tried), (&None, &None), "b has had no backup");
    assert_eq!(of_b, &state.newest_tasks(b.id).unwrap());
}

#[cfg(unix)]
#[test]
fn a_slot_of_a_schedule_that_was_changed_meanwhile_is_not_queued() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let made = schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let seen = state.effective_schedules(None).unwrap().remove(0);
    let off = source_app::state::ScheduleSpec { enabled: false, ..made.spec.clone() };
    state.edit_schedule(made.id, made.revision, &off, start()).unwrap();
    let slot = at("2026-06-01T02:00:00Z");
    assert_eq!(state.enqueue_slot(&seen, slot, slot).unwrap(), EnqueueResult::Gone);
    assert!(state.tasks(&TaskFilter::default()).unwrap().is_empty());
}

#[test]
fn a_pinned_restore_point_stays_so_until_it_is_unpinned() {
    let (_directory, state) = state();
    let (a, b) = (source(&state, "a"), source(&state, "b"));
    let (one, other) = ("1".repeat(64), "2".repeat(64));
    state.pin(a.id, &one, start()).unwrap();
    state.pin(a.id, &one, start() + TimeDelta::days(1)).unwrap();
    state.pin(b.id, &other, start()).unwrap();
    assert_eq!(state.pinned(a.id).unwrap(), [(one.clone(), start())].into());
    assert!(!state.unpin(b.id, &one).unwrap(), "another app's");
    assert!(state.unpin(a.id, &one).unwrap() && !state.unpin(a.id, &one).unwrap());
    assert!(state.pinned(a.id).unwrap().is_empty());
    assert!(matches!(state.pin(99, &one, start()), Err(StateError::NotFound(_))));
    state.remove_app(b.id).unwrap();
    assert!(state.pinned(b.id).unwrap().is_empty());
}
