//! Single looks of the scheduler at times that a test sets: missed runs, clocks set back, changed
//! schedules, daylight saving.

mod common;

use chrono::TimeDelta;
use common::{at, end, schedule, schedule_spec, source, start, state};
use source_app::scheduler::{Clock, FakeClock, Scheduler, Settings, next_runs};
use source_app::state::{Owner, ScheduleSpec, State, TaskFilter, TaskKind, TaskState};

/// What a look at this time starts, all of which then succeeds.
fn look(state: &State, clock: &FakeClock, now: &str) -> Vec<String> {
    clock.set(at(now));
    let jobs =
        Scheduler::new(state.clone(), clock.clone(), Settings::default()).tick(None, 10).unwrap();
    for job in &jobs {
        state.finish(job.task.id, &end(TaskState::Succeeded), None, clock.now()).unwrap();
    }
    jobs.iter().map(|job| job.task.slot.unwrap().format("%d %H:%M").to_string()).collect()
}

#[test]
fn a_missed_run_is_caught_up_once_or_recorded() {
    let (_directory, state) = state();
    let (clock, app) = (FakeClock::new(start()), source(&state, "docs"));
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let without = ScheduleSpec {
        catch_up: false,
        ..schedule_spec(Owner::App(app.id), TaskKind::Check, "0 3 * * *")
    };
    state.add_schedule(&without, start()).unwrap();
    // The machine wakes up after four days.
    assert_eq!(look(&state, &clock, "2026-06-05T12:00:00Z"), ["05 02:00"]);
    assert!(look(&state, &clock, "2026-06-05T12:00:15Z").is_empty());
    let missed =
        state.tasks(&TaskFilter { kind: Some(TaskKind::Check), ..TaskFilter::default() }).unwrap();
    assert_eq!(
        (missed.len(), missed[0].state, missed[0].slot),
        (1, TaskState::Missed, Some(at("2026-06-05T03:00:00Z")))
    );
    assert!(missed[0].verdict.starts_with("missed: "));
    assert_eq!(look(&state, &clock, "2026-06-06T03:05:00Z"), ["06 02:00"]);
    assert_eq!(
        look(&state, &clock, "2026-06-06T03:05:15Z"),
        ["06 03:00"],
        "which waited for the other"
    );
}

#[test]
fn a_clock_set_back_stops_no_schedule_and_repeats_no_slot() {
    let (_directory, state) = state();
    let (clock, app) = (FakeClock::new(start()), source(&state, "docs"));
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 * * * *");
    assert_eq!(look(&state, &clock, "2026-06-01T05:00:10Z"), ["01 05:00"]);
    assert!(look(&state, &clock, "2026-06-01T03:30:00Z").is_empty(), "set back");
    assert_eq!(
        look(&state, &clock, "2026-06-01T04:00:00Z"),
        ["01 04:00"],
        "which had been left out"
    );
    assert!(look(&state, &clock, "2026-06-01T05:00:00Z").is_empty(), "ran before");
    assert_eq!(look(&state, &clock, "2026-06-01T06:00:00Z"), ["01 06:00"]);
    // Years ahead and back again.
    assert_eq!(look(&state, &clock, "2036-01-01T00:00:00Z"), ["01 00:00"]);
    assert!(look(&state, &clock, "2026-06-01T06:10:00Z").is_empty());
    assert_eq!(look(&state, &clock, "2026-06-01T07:00:00Z"), ["01 07:00"]);
}

#[test]
fn a_schedule_made_by_a_clock_that_is_set_back_goes_on() {
    let (_directory, state) = state();
    let (clock, app) = (FakeClock::new(start()), source(&state, "docs"));
    state
        .add_schedule(
            &schedule_spec(Owner::App(app.id), TaskKind::Backup, "0 * * * *"),
            at("2036-01-01T00:00:00Z"),
        )
        .unwrap();
    assert!(look(&state, &clock, "2026-06-01T00:10:00Z").is_empty());
    assert_eq!(look(&state, &clock, "2026-06-01T01:00:00Z"), ["01 01:00"]);
}

#[test]
fn changing_or_enabling_a_schedule_catches_nothing_up() {
    let (_directory, state) = state();
    let (clock, app) = (FakeClock::new(start()), source(&state, "docs"));
    let made = schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let off = ScheduleSpec { enabled: false, ..made.spec.clone() };
    let made = state.edit_schedule(made.id, made.revision, &off, start()).unwrap();
    assert!(look(&state, &clock, "2026-06-03T12:00:00Z").is_empty(), "disabled");
    let on = ScheduleSpec { enabled: true, ..off };
    let made =
        state.edit_schedule(made.id, made.revision, &on, at("2026-06-03T12:00:00Z")).unwrap();
    assert!(look(&state, &clock, "2026-06-03T12:00:00Z").is_empty(), "enabled again");
    assert_eq!(look(&state, &clock, "2026-06-04T02:00:00Z"), ["04 02:00"]);
    // 02:00 in New York has not come yet that day; in Tokyo it is long past and not made up for.
    let moved = |zone: &str| ScheduleSpec { time_zone: zone.into(), ..on.clone() };
    let made = state
        .edit_schedule(made.id, made.revision, &moved("Asia/Tokyo"), at("2026-06-04T03:00:00Z"))
        .unwrap();
    assert!(look(&state, &clock, "2026-06-04T03:00:00Z").is_empty());
    state
        .edit_schedule(
            made.id,
            made.revision,
            &moved("America/New_York"),
            at("2026-06-04T03:00:00Z"),
        )
        .unwrap();
    assert_eq!(look(&state, &clock, "2026-06-04T06:00:00Z"), ["04 06:00"]);
}

#[test]
fn daylight_saving_neither_leaves_out_nor_repeats() {
    let (_directory, state) = state();
    let (clock, app) = (FakeClock::new(start()), source(&state, "docs"));
    let berlin = ScheduleSpec {
        time_zone: "Europe/Berlin".into(),
        ..schedule_spec(Owner::App(app.id), TaskKind::Backup, "30 2 * * *")
    };
    state.add_schedule(&berlin, at("2026-10-24T12:00:00Z")).unwrap();
    let mut slots = Vec::new();
    let mut now = at("2026-10-24T12:00:00Z");
    while now < at("2026-10-26T12:00:00Z") {
        slots.extend(look(&state, &clock, &now.to_rfc3339()));
        now += TimeDelta::minutes(15);
    }
    assert_eq!(slots, ["25 00:30", "26 01:30"], "in UTC");
    look(&state, &clock, "2027-03-27T12:00:00Z");
    let mut slots = Vec::new();
    now = at("2027-03-27T12:00:00Z");
    while now < at("2027-03-29T12:00:00Z") {
        slots.extend(look(&state, &clock, &now.to_rfc3339()));
        now += TimeDelta::minutes(15);
    }
    assert_eq!(slots, ["28 01:00", "29 00:30"], "in UTC; 02:30 did not exist on the 28th");
}

#[test]
fn the_next_runs_are_listed_soonest_first() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    schedule(&state, Owner::App(app.id), TaskKind::Check, "0 1 * * *");
    let off = ScheduleSpec {
        enabled: false,
        ..schedule_spec(Owner::App(app.id), TaskKind::Prune, "* * * * *")
    };
    state.add_schedule(&off, start()).unwrap();
    let runs = next_runs(state.effective_schedules(None).unwrap(), at("2026-06-01T01:30:00Z"));
    let runs: Vec<_> = runs.iter().map(|run| (run.schedule.schedule.spec.kind, run.at)).collect();
    assert_eq!(
        runs,
        [
            (TaskKind::Backup, at("2026-06-01T02:00:00Z")),
            (TaskKind::Check, at("2026-06-02T01:00:00Z"))
        ]
    );
}
