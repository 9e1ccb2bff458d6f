//! Random delays: each run begins later than its slot, everybody comes to the same time, and none is
//! missed for it.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use common::{at, end, schedule_spec, source, start, state};
use source_app::scheduler::{
    Clock, FakeClock, Job, Outcome, Runner, Scheduler, Settings, next_runs,
};
use source_app::state::{AppId, Owner, ScheduleSpec, State, TaskFilter, TaskKind, TaskState};
use tokio_util::sync::CancellationToken;

/// Daily at two, up to an hour later, and never caught up.
fn late(app: AppId) -> ScheduleSpec {
    ScheduleSpec {
        random_delay_minutes: 60,
        catch_up: false,
        ..schedule_spec(Owner::App(app), TaskKind::Backup, "0 2 * * *")
    }
}

/// The next run of each app.
fn next(state: &State, now: DateTime<Utc>) -> Vec<(AppId, DateTime<Utc>)> {
    let runs = next_runs(state.effective_schedules(None).unwrap(), now);
    runs.into_iter().map(|run| (run.schedule.app, run.at)).collect()
}

#[test]
fn each_run_begins_once_within_its_minutes_for_each_app_at_another_time() {
    let (_directory, state) = state();
    let apps = ["docs", "photos"].map(|name| source(&state, name));
    for app in &apps {
        state.add_schedule(&late(app.id), start()).unwrap();
    }
    let clock = FakeClock::new(start());
    // Two processes look, and a new one each time: none keeps anything.
    let mut begun: Vec<(AppId, DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    let mut told: Vec<(AppId, DateTime<Utc>)> = Vec::new();
    let mut now = at("2026-06-01T01:50:00Z");
    while now < start() + TimeDelta::days(20) {
        clock.set(now);
        for _process in 0..2 {
            told.extend(next(&state, now));
            let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
            for job in scheduler.tick(None, 10).unwrap() {
                begun.push((job.app.id, job.task.slot.unwrap(), now));
                state.finish(job.task.id, &end(TaskState::Succeeded), None, now).unwrap();
            }
        }
        // Nothing is due in the rest of the day.
        let is_over = now.hour() == 3 && now.minute() == 10;
        now += if is_over { TimeDelta::minutes(22 * 60 + 40) } else { TimeDelta::minutes(1) };
    }
    let all = state.tasks(&TaskFilter { limit: Some(500), ..TaskFilter::default() }).unwrap();
    assert!(all.iter().all(|task| task.state == TaskState::Succeeded), "{all:?}");
    assert_eq!((begun.len(), all.len()), (40, 40));
    for (app, slot, now) in &begun {
        let delay = *now - *slot;
        assert!((TimeDelta::zero()..=TimeDelta::minutes(60)).contains(&delay), "{delay}");
        // It was told before, to the second, and nothing else was.
        let was_told = |(of, at): &(AppId, DateTime<Utc>)| {
            of == app && *at <= *now && *now - *at < TimeDelta::minutes(1)
        };
        assert!(told.iter().any(was_told), "{now} was not told");
    }
    // The two apps may begin in the same second once in a while: their marks are drawn anew.
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 42, "of each run one time, and the next ones");
    let delays = |of: AppId| -> Vec<TimeDelta> {
        let own = begun.iter().filter(|(app, ..)| *app == of);
        own.map(|(_, slot, now)| *now - *slot).collect()
    };
    let [docs, photos] = apps.map(|app| delays(app.id));
    assert!(docs != photos && docs.iter().any(|delay| *delay != docs[0]), "{docs:?} {photos:?}");
}

#[test]
fn nothing_begins_in_a_pause() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    state.add_schedule(&late(app.id), start()).unwrap();
    // The mark of an app is drawn: its run may begin at the slot itself on one day, but not on all.
    let effective = state.effective_schedules(None).unwrap().remove(0);
    let calendar = effective.calendar().unwrap();
    let slots = (0..30).map(|day| at("2026-06-01T02:00:00Z") + TimeDelta::days(day));
    let delayed = |slot: &DateTime<Utc>| calendar.begins(*slot) - *slot > TimeDelta::seconds(1);
    let slot = slots.into_iter().find(delayed).unwrap();
    state.set_handled(app.id, effective.schedule.id, slot - TimeDelta::minutes(1)).unwrap();
    let clock = FakeClock::new(start());
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    // A slot of before the pause is seen to when that is over.
    let (since, until) = (slot + TimeDelta::seconds(1), slot + TimeDelta::hours(2));
    state.pause(Some(app.id), until, since).unwrap();
    let begin = calendar.begins(slot);
    clock.set(begin);
    assert!(scheduler.tick(None, 10).unwrap().is_empty());
    let (shown, next_slot) = (next(&state, begin)[0].1, slot + TimeDelta::days(1));
    assert!((next_slot..next_slot + TimeDelta::hours(1)).contains(&shown), "{shown}");
    clock.set(until);
    // It does not catch up.
    assert!(scheduler.tick(None, 10).unwrap().is_empty());
    assert_eq!(state.tasks(&TaskFilter::default()).unwrap()[0].state, TaskState::Missed);
}

#[test]
fn a_delay_that_is_too_long_is_refused() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let hourly = ScheduleSpec { cron: "0 * * * *".into(), ..late(app.id) };
    let refused = state.add_schedule(&hourly, start()).unwrap_err().to_string();
    let said = "random delay: 60 minutes are more than half of the 60 minutes between two runs; write 0 to 30";
    assert_eq!(refused, said);
    // Nor by a change of the times alone; and one of the delay alone makes nothing due again.
    let made = state.add_schedule(&late(app.id), start()).unwrap();
    let often = ScheduleSpec { cron: "0 * * * *".into(), ..made.spec.clone() };
    let later = at("2026-06-01T12:00:00Z");
    let refused = state.edit_schedule(made.id, made.revision, &often, later).unwrap_err();
    assert_eq!(refused.to_string(), said);
    let less = ScheduleSpec { random_delay_minutes: 5, ..made.spec.clone() };
    let changed = state.edit_schedule(made.id, made.revision, &less, later).unwrap();
    assert_eq!((changed.spec.random_delay_minutes, changed.since), (5, made.since));
}

/// Tokio's virtual time as a clock.
#[derive(Clone)]
struct Virtual(DateTime<Utc>, tokio::time::Instant);

impl Clock for Virtual {
    fn now(&self) -> DateTime<Utc> {
        self.0 + TimeDelta::from_std(self.1.elapsed()).unwrap()
    }
}

struct Noting(Virtual, Mutex<Vec<DateTime<Utc>>>);

impl Runner for Noting {
    async fn run(&self, _: Job) -> Outcome {
        self.1.lock().unwrap().push(self.0.now());
        Outcome::Ended { result: end(TaskState::Succeeded), retry: false }
    }
}

/// Cron and timers call it at the slot, and once.
#[tokio::test(start_paused = true)]
async fn what_is_called_at_the_slot_waits_for_the_run() {
    let (_directory, state) = state();
    let (app, other) = (source(&state, "docs"), source(&state, "photos"));
    state.add_schedule(&late(app.id), start()).unwrap();
    let slot = at("2026-06-01T02:00:00Z");
    let effective = state.effective_schedules(Some(app.id)).unwrap().remove(0);
    let begin = effective.calendar().unwrap().begins(slot);
    let clock = Virtual(slot, tokio::time::Instant::now());
    let runner = Arc::new(Noting(clock.clone(), Mutex::default()));
    let settings = Settings { max_sleep: Duration::from_secs(15), ..Settings::default() };
    let scheduler = Scheduler::new(state.clone(), clock.clone(), settings);
    let never = CancellationToken::new();
    assert!(scheduler.run_due(Arc::clone(&runner), other.id, &never).await.unwrap().is_empty());
    assert_eq!(clock.now(), slot, "nothing of another app is waited for");
    let ran = scheduler.run_due(Arc::clone(&runner), app.id, &never).await.unwrap();
    let began = runner.1.lock().unwrap().clone();
    assert_eq!((ran.len(), began.len()), (1, 1));
    assert!(began[0] >= begin && began[0] - begin < TimeDelta::minutes(1), "{began:?} {begin}");
    assert!(scheduler.run_due(runner, app.id, &never).await.unwrap().is_empty(), "once");
    // Who stops it stops the waiting.
    clock_stops(&state, app.id).await;
}

async fn clock_stops(state: &State, app: AppId) {
    let slot = at("2026-06-02T02:00:00Z");
    let clock = Virtual(slot, tokio::time::Instant::now());
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    let stop = CancellationToken::new();
    stop.cancel();
    let runner = Arc::new(Noting(clock, Mutex::default()));
    assert!(scheduler.run_due(runner, app, &stop).await.unwrap().is_empty());
}
