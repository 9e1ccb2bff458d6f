//! Pauses: what they leave out, what they do not, and that they never hide that an app is not
//! protected.

mod common;

use chrono::{DateTime, TimeDelta, Utc};
use common::{at, end, run, schedule, schedule_spec, source, start, state};
use source_app::model::{HealthVerdict, Pause};
use source_app::scheduler::{FakeClock, Scheduler, Settings, next_runs};
use source_app::state::{Owner, ScheduleSpec, State, Task, TaskFilter, TaskKind, TaskState};

fn tasks(state: &State) -> Vec<(TaskState, String)> {
    let mut tasks = state.tasks(&TaskFilter::default()).unwrap();
    tasks.reverse();
    tasks.into_iter().map(|Task { state, verdict, .. }| (state, verdict)).collect()
}

fn paused(until: &str) -> (TaskState, String) {
    (TaskState::Missed, format!("left out: paused until {until}"))
}

#[test]
fn slots_in_a_pause_are_left_out_and_recorded_however_late_somebody_looks() {
    let (_directory, state) = state();
    let app = source(&state, "drive");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let clock = FakeClock::new(start());
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    let tick = |time: &str| {
        clock.set(at(time));
        scheduler.tick(None, 0).unwrap();
        tasks(&state)
    };
    let until = at("2026-06-03T12:00:00Z");
    state.pause(Some(app.id), until, at("2026-06-01T01:00:00Z")).unwrap();
    assert_eq!(tick("2026-06-01T01:59:00Z"), []);
    assert_eq!(tick("2026-06-01T02:00:30Z"), [paused("2026-06-03 12:00 UTC")]);
    assert_eq!(tick("2026-06-01T02:05:00Z").len(), 1, "once");
    let next = |now| next_runs(state.effective_schedules(None).unwrap(), at(now))[0].at;
    assert_eq!(next("2026-06-01T03:00:00Z"), at("2026-06-04T02:00:00Z"));
    // The machine was off for the rest: the slot of the third was in the pause.
    let all = tick("2026-06-03T13:00:00Z");
    assert_eq!(all, [paused("2026-06-03 12:00 UTC"), paused("2026-06-03 12:00 UTC")]);
    // It goes on by itself.
    assert_eq!(tick("2026-06-04T02:00:30Z")[2].0, TaskState::Queued);
}

#[test]
fn a_slot_whose_run_was_to_begin_in_a_pause_is_left_out() {
    let (_directory, state) = state();
    let app = source(&state, "drive");
    let spec = schedule_spec(Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let spec = ScheduleSpec { random_delay_minutes: 60, ..spec };
    state.add_schedule(&spec, start()).unwrap();
    let calendar = state.effective_schedules(None).unwrap()[0].calendar().unwrap();
    let slots = (0..30).map(|day| at("2026-06-01T02:00:00Z") + TimeDelta::days(day));
    let delayed = |slot: &DateTime<Utc>| calendar.begins(*slot) - *slot > TimeDelta::minutes(5);
    let slot = slots.into_iter().find(delayed).unwrap();
    let clock = FakeClock::new(slot - TimeDelta::minutes(1));
    let effective = state.effective_schedules(None).unwrap().remove(0);
    state.set_handled(app.id, effective.schedule.id, slot - TimeDelta::minutes(1)).unwrap();
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    let until = slot + TimeDelta::days(1);
    state.pause(Some(app.id), until, slot + TimeDelta::minutes(2)).unwrap();
    for minutes in [3, 61, 300] {
        clock.set(slot + TimeDelta::minutes(minutes));
        scheduler.tick(None, 0).unwrap();
    }
    let left_out = paused(&until.format("%Y-%m-%d %H:%M UTC").to_string());
    assert_eq!(tasks(&state), [left_out]);
}

#[test]
fn what_was_missed_before_a_pause_is_caught_up_after_it() {
    let (_directory, state) = state();
    let app = source(&state, "drive");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let clock = FakeClock::new(at("2026-06-01T03:00:00Z"));
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    // Of all apps: until an earlier time first, then longer.
    state.pause(None, at("2026-06-01T04:00:00Z"), clock_time(&clock)).unwrap();
    state.pause(None, at("2026-06-01T05:00:00Z"), clock_time(&clock)).unwrap();
    scheduler.tick(None, 0).unwrap();
    assert_eq!(tasks(&state), []);
    clock.set(at("2026-06-01T03:30:00Z"));
    assert!(state.resume(None, clock_time(&clock)).unwrap());
    assert!(!state.resume(None, clock_time(&clock)).unwrap());
    scheduler.tick(None, 0).unwrap();
    assert_eq!(tasks(&state)[0].0, TaskState::Queued);
    let pauses = state.app(app.id).unwrap().pauses;
    let all = Pause { since: at("2026-06-01T03:00:00Z"), until: at("2026-06-01T03:30:00Z") };
    assert_eq!((pauses.own, pauses.all), (None, Some(all)));
}

fn clock_time(clock: &FakeClock) -> chrono::DateTime<chrono::Utc> {
    use source_app::scheduler::Clock;
    clock.now()
}

#[test]
fn what_waits_of_a_schedule_is_left_out_and_what_somebody_asked_for_is_not() {
    let (_directory, state) = state();
    let app = source(&state, "drive");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let now = at("2026-06-01T02:00:10Z");
    let clock = FakeClock::new(now);
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    let jobs = scheduler.tick(None, 1).unwrap();
    let task = jobs[0].task.id;
    // It fails, and would be tried again.
    let again = now + TimeDelta::minutes(5);
    state.finish(task, &end(TaskState::Failed), Some(again), now).unwrap();
    state.pause(Some(app.id), at("2026-06-01T12:00:00Z"), now).unwrap();
    let asked = run(&state, &app, TaskKind::Backup, TaskState::Succeeded, now);
    assert_eq!(asked.state, TaskState::Succeeded);
    clock.set(again + TimeDelta::minutes(1));
    assert!(scheduler.tick(None, 1).unwrap().is_empty());
    assert_eq!(tasks(&state)[1], paused("2026-06-01 12:00 UTC"));
}

#[test]
fn a_pause_that_cannot_be_is_refused() {
    let (_directory, state) = state();
    let error = |app, until| state.pause(app, until, start()).unwrap_err().to_string();
    assert_eq!(error(Some(7), start() + TimeDelta::days(1)), "there is no app with the id 7");
    assert!(error(None, start()).contains("is over already; write a time to come"));
    assert!(error(None, start() + TimeDelta::days(400)).contains("longer than a year"));
    assert_eq!(state.all_paused_until(start()).unwrap(), None);
}

#[tokio::test]
async fn a_paused_app_goes_on_to_age() {
    use source_app::service::Service;
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("state");
    let plakar = plakar_driver::Plakar::new("/bin/false".as_ref(), Vec::new(), Vec::new()).unwrap();
    let service = Service::open(&place, plakar).unwrap();
    let state = State::open(&place).unwrap();
    let now = chrono::Utc::now();
    let app = source(&state, "drive");
    run(&state, &app, TaskKind::Backup, TaskState::Succeeded, now - TimeDelta::days(40));
    service.pause(Some(app.id), now + TimeDelta::days(2)).await.unwrap();
    let report = service.status(None).await.unwrap();
    assert_eq!(report.verdict, HealthVerdict::NotProtected);
    assert!(report.apps[0].paused_until.is_some());
    assert!(!report.apps[0].health.reasons.is_empty());
}
