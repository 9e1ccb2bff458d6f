//! The scheduler's loop over hours that pass in milliseconds: what runs, is left out, waits, is
//! tried again.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use common::{at, end, new_task, schedule, source, start, state};
use source_app::model::TaskProgress;
use source_app::scheduler::{Clock, Job, Outcome, Runner, Scheduler, Settings};
use source_app::state::{
    App, Cause, Owner, State, StateError, Task, TaskFilter, TaskKind, TaskState,
};
use tokio_util::sync::CancellationToken;

/// Wall clock of Tokio's virtual time, which runs ahead whenever everything waits.
#[derive(Clone)]
struct Virtual(DateTime<Utc>, tokio::time::Instant);

impl Virtual {
    fn at(time: DateTime<Utc>) -> Self {
        Self(time, tokio::time::Instant::now())
    }
}

impl Clock for Virtual {
    fn now(&self) -> DateTime<Utc> {
        self.0 + TimeDelta::from_std(self.1.elapsed()).unwrap()
    }
}

type Script = Box<dyn Fn(&Job) -> (Duration, Outcome) + Send + Sync>;

/// Takes so long and then ends so, or is cancelled.
struct Fake {
    script: Script,
    cancelled: Outcome,
    ran: Mutex<Vec<String>>,
}

impl Fake {
    fn new(script: impl Fn(&Job) -> (Duration, Outcome) + Send + Sync + 'static) -> Arc<Self> {
        let cancelled = over(TaskState::Cancelled, true);
        Arc::new(Self { script: Box::new(script), cancelled, ran: Mutex::default() })
    }

    /// It finds its store locked as it is cancelled.
    fn locked_when_cancelled() -> Arc<Self> {
        let endless = |_: &Job| (Duration::from_secs(6000), over(TaskState::Succeeded, false));
        let cancelled = Outcome::StoreLocked("by maintenance".into());
        Arc::new(Self { script: Box::new(endless), cancelled, ran: Mutex::default() })
    }

    fn succeeding(minutes: u64) -> Arc<Self> {
        Self::new(move |_| (Duration::from_secs(60 * minutes), over(TaskState::Succeeded, false)))
    }

    fn ran(&self) -> Vec<String> {
        self.ran.lock().unwrap().clone()
    }
}

impl Runner for Fake {
    async fn run(&self, job: Job) -> Outcome {
        let slot = job.task.slot.map_or("now".into(), |slot| slot.format("%d %H:%M").to_string());
        self.ran.lock().unwrap().push(format!("{} {slot} #{}", job.task.kind, job.task.attempt));
        let (time, outcome) = (self.script)(&job);
        job.progress(TaskProgress::at("on the way"));
        tokio::select! {
            () = tokio::time::sleep(time) => outcome,
            () = job.cancel.cancelled() => self.cancelled.clone(),
        }
    }
}

fn over(state: TaskState, retry: bool) -> Outcome {
    Outcome::Ended { result: end(state), retry }
}

/// All tasks, oldest first.
fn tasks(state: &State) -> Vec<Task> {
    let mut tasks = state.tasks(&TaskFilter { limit: Some(500), ..TaskFilter::default() }).unwrap();
    tasks.reverse();
    tasks
}

fn states(state: &State) -> Vec<TaskState> {
    tasks(state).iter().map(|task| task.state).collect()
}

/// Runs the loop for so many hours.
async fn hours(state: &State, runner: &Arc<Fake>, settings: Settings, hours: u64) {
    let (clock, stop) = (Virtual::at(start()), CancellationToken::new());
    let scheduler = Scheduler::new(state.clone(), clock, settings);
    let running = tokio::spawn({
        let (runner, stop) = (Arc::clone(runner), stop.clone());
        async move { scheduler.run(runner, stop).await }
    });
    tokio::time::sleep(Duration::from_secs(hours * 3600)).await;
    stop.cancel();
    running.await.unwrap();
}

/// Fewer looks than in earnest: the hours pass faster.
fn settings() -> Settings {
    Settings {
        heartbeat: Duration::from_secs(600),
        max_sleep: Duration::from_secs(60),
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_runs_what_is_due_on_time() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "30 */2 * * *");
    schedule(&state, Owner::App(app.id), TaskKind::Check, "35 2 * * *");
    let runner = Fake::succeeding(10);
    hours(&state, &runner, settings(), 5).await;
    assert_eq!(
        runner.ran(),
        ["backup 01 00:30 #1", "backup 01 02:30 #1", "check 01 02:35 #1", "backup 01 04:30 #1"]
    );
    let all = tasks(&state);
    for task in &all[..2] {
        let late = task.started.unwrap() - task.slot.unwrap();
        assert!(late >= TimeDelta::zero() && late < TimeDelta::seconds(2), "{late}");
    }
    // The check's time came while the backup ran: it waited for its end.
    let (backup, check) = (&all[1], &all[2]);
    assert_eq!(check.started.unwrap().timestamp(), backup.ended.unwrap().timestamp());
    assert!(
        all.iter().all(|task| task.state == TaskState::Succeeded && task.cause == Cause::Schedule)
    );
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_left_out_while_the_last_run_of_its_kind_goes_on() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 * * * *");
    let runner = Fake::succeeding(90);
    hours(&state, &runner, settings(), 5).await;
    assert_eq!(runner.ran(), ["backup 01 01:00 #1", "backup 01 03:00 #1"]);
    let all = tasks(&state);
    assert_eq!(
        states(&state),
        [TaskState::Succeeded, TaskState::Missed, TaskState::Succeeded, TaskState::Missed]
    );
    assert_eq!(all[1].verdict, format!("left out: task {} (backup) is still running", all[0].id));
    assert_eq!(all[1].slot, Some(at("2026-06-01T02:00:00Z")));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_with_growing_waits_and_then_left() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    let runner = Fake::new(|_| (Duration::ZERO, over(TaskState::Failed, true)));
    hours(&state, &runner, settings(), 4).await;
    assert_eq!(runner.ran(), ["backup 01 01:00 #1", "backup 01 01:00 #2", "backup 01 01:00 #3"]);
    let all = tasks(&state);
    let minutes: Vec<i64> =
        all.iter().map(|task| (task.started.unwrap() - start()).num_minutes()).collect();
    // Retries wait five and ten minutes, and are looked for every minute.
    assert!(
        minutes[0] == 60 && (65..=66).contains(&minutes[1]) && (75..=77).contains(&minutes[2]),
        "{minutes:?}"
    );
    let causes: Vec<Cause> = all.iter().map(|task| task.cause).collect();
    assert_eq!(causes, [Cause::Schedule, Cause::Retry, Cause::Retry]);
    assert!(all.iter().all(|task| task.state == TaskState::Failed));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_go_well_later_is_not_tried_again() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    let runner = Fake::new(|_| (Duration::ZERO, over(TaskState::Failed, false)));
    hours(&state, &runner, settings(), 3).await;
    assert_eq!(states(&state), [TaskState::Failed]);
    let panicking = Fake::new(|_| panic!("a fault in the runner"));
    let scheduler = Scheduler::new(state.clone(), Virtual::at(start()), settings());
    let job = scheduler.begin(&new_task(&app, TaskKind::Check)).unwrap();
    let task = scheduler.run_job(panicking, job, &CancellationToken::new()).await.unwrap();
    assert_eq!(
        (task.state, task.verdict.as_str()),
        (TaskState::Failed, "the program failed inside; its log says where")
    );
}

#[tokio::test(start_paused = true)]
async fn a_locked_store_is_waited_for_but_not_for_ever() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 1 * *");
    let tries = Mutex::new(0);
    let runner = Fake::new(move |_| {
        *tries.lock().unwrap() += 1;
        let outcome = if *tries.lock().unwrap() > 3 {
            over(TaskState::Succeeded, false)
        } else {
            Outcome::StoreLocked("by maintenance".into())
        };
        (Duration::ZERO, outcome)
    });
    hours(&state, &runner, settings(), 2).await;
    let all = tasks(&state);
    assert_eq!(
        (runner.ran().len(), all.len(), all[0].attempt, all[0].state),
        (4, 1, 1, TaskState::Succeeded),
        "{all:?}"
    );
    let waited = (all[0].ended.unwrap() - all[0].started.unwrap()).num_minutes();
    assert!(
        (9..=12).contains(&waited),
        "three times three minutes, looked for every minute: {waited}"
    );

    let locked = Fake::new(|_| (Duration::ZERO, Outcome::StoreLocked("by maintenance".into())));
    let impatient = Settings { lock_timeout: TimeDelta::minutes(30), ..settings() };
    let scheduler = Scheduler::new(state.clone(), Virtual::at(start()), impatient);
    let job = scheduler.begin(&new_task(&app, TaskKind::Prune)).unwrap();
    let first =
        scheduler.run_job(Arc::clone(&locked), job, &CancellationToken::new()).await.unwrap();
    assert_eq!(
        (first.state, first.verdict.as_str()),
        (TaskState::Waiting, "waiting for store lock: by maintenance")
    );
    scheduler.run_due(locked, app.id, &CancellationToken::new()).await.unwrap();
    let task = state.task(first.id).unwrap();
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.verdict.starts_with("the store stayed locked for 3"), "{}", task.verdict);
}

#[tokio::test(start_paused = true)]
async fn a_running_task_hears_that_it_is_cancelled() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let scheduler = Scheduler::new(state.clone(), Virtual::at(start()), Settings::default());
    let job = scheduler.begin(&new_task(&app, TaskKind::Backup)).unwrap();
    let id = job.task.id;
    let running = tokio::spawn(async move {
        scheduler.run_job(Fake::succeeding(600), job, &CancellationToken::new()).await
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(state.task(id).unwrap().progress, "on the way");
    state.cancel(id, start()).unwrap();
    let task = running.await.unwrap().unwrap();
    assert_eq!(task.state, TaskState::Cancelled);
    assert!((task.ended.unwrap() - start()) < TimeDelta::seconds(10), "{:?}", task.ended);
    assert_eq!(tasks(&state).len(), 1, "what was cancelled is not tried again");
}

/// Its runner ends before the next heartbeat says so: what was cancelled neither waits nor runs
/// once more.
#[tokio::test(start_paused = true)]
async fn what_is_cancelled_at_its_end_does_not_come_back() {
    let locked = Outcome::StoreLocked("by maintenance".into());
    for (outcome, wanted) in
        [(locked, TaskState::Cancelled), (over(TaskState::Failed, true), TaskState::Failed)]
    {
        let (_directory, state) = state();
        let app = source(&state, "docs");
        schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 1 * *");
        let cancelling = state.clone();
        let runner = Fake::new(move |job| {
            cancelling.cancel(job.task.id, start()).unwrap();
            (Duration::ZERO, outcome.clone())
        });
        hours(&state, &runner, settings(), 2).await;
        assert_eq!((runner.ran().len(), states(&state)), (1, vec![wanted]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_runs_when_the_loop_is_stopped_is_run_once_more() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    hours(&state, &Fake::succeeding(6000), settings(), 2).await;
    assert_eq!(states(&state), [TaskState::Interrupted, TaskState::Queued]);
    let all = tasks(&state);
    assert_eq!(all[0].verdict, "the process that ran it was told to end");
    assert_eq!((all[1].cause, all[1].attempt, all[1].slot), (Cause::Retry, 2, all[0].slot));
    // The next process does it.
    let clock = Virtual::at(start() + TimeDelta::hours(3));
    let scheduler = Scheduler::new(state.clone(), clock, settings());
    let runner = Fake::succeeding(10);
    let never = CancellationToken::new();
    let ran = scheduler.run_due(Arc::clone(&runner), app.id, &never).await.unwrap();
    assert_eq!(runner.ran(), ["backup 01 01:00 #2"]);
    assert_eq!((ran.len(), ran[0].state), (1, TaskState::Succeeded));
}

/// A process that is told to end after three seconds, long before the next heartbeat.
async fn told_to_end(state: &State, app: &App, runner: Arc<Fake>) -> Vec<Task> {
    let clock = Virtual::at(at("2026-06-01T01:00:30Z"));
    let scheduler = Scheduler::new(state.clone(), clock, settings());
    let stop = CancellationToken::new();
    let soon = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        soon.cancel();
    });
    scheduler.run_due(runner, app.id, &stop).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_is_told_from_a_wish_to_cancel() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    // Whatever became of it meanwhile, it is tried again.
    let ran = told_to_end(&state, &app, Fake::succeeding(600)).await;
    assert_eq!((ran.len(), ran[0].state), (1, TaskState::Interrupted));
    assert_eq!(states(&state), [TaskState::Interrupted, TaskState::Queued]);
    // Interrupted once more, it is left at that, as after a crash.
    let ran = told_to_end(&state, &app, Fake::succeeding(600)).await;
    assert_eq!((ran.len(), ran[0].attempt), (1, 2));
    assert_eq!(states(&state), [TaskState::Interrupted, TaskState::Interrupted]);

    // Somebody has asked to cancel it before.
    let other = source(&state, "photos");
    schedule(&state, Owner::App(other.id), TaskKind::Backup, "0 1 * * *");
    let cancelling = state.clone();
    let runner = Fake::new(move |job| {
        cancelling.cancel(job.task.id, start()).unwrap();
        (Duration::from_secs(6000), over(TaskState::Succeeded, false))
    });
    let ran = told_to_end(&state, &other, runner).await;
    assert_eq!((ran[0].state, ran[0].verdict.as_str()), (TaskState::Cancelled, "cancelled"));
    assert_eq!(tasks(&state).len(), 3, "what was cancelled is not run once more");

    // Nobody has to do again what somebody asked for.
    let stop = CancellationToken::new();
    stop.cancel();
    let scheduler = Scheduler::new(state.clone(), Virtual::at(start()), settings());
    let job = scheduler.begin(&new_task(&app, TaskKind::Restore)).unwrap();
    let task = scheduler.run_job(Fake::succeeding(600), job, &stop).await.unwrap();
    assert_eq!((task.state, tasks(&state).len()), (TaskState::Interrupted, 4));
}

/// A store that is locked is waited for by whoever comes next.
#[tokio::test(start_paused = true)]
async fn what_waits_for_a_lock_goes_on_after_the_end_of_the_process() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    let ran = told_to_end(&state, &app, Fake::locked_when_cancelled()).await;
    assert_eq!((ran.len(), ran[0].state), (1, TaskState::Waiting));
    assert_eq!(tasks(&state).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_writer_per_store_if_it_is_wanted() {
    let (_directory, state) = state();
    for name in ["a", "b"] {
        let app = source(&state, name);
        schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    }
    let one = Settings { one_writer_per_store: true, ..settings() };
    hours(&state, &Fake::succeeding(10), one, 2).await;
    let all = tasks(&state);
    assert!(all[1].started >= all[0].ended, "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn run_due_runs_what_is_due_for_one_app_and_ends() {
    let (_directory, state) = state();
    let apps = ["a", "b"].map(|name| source(&state, name));
    for app in &apps {
        schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
        schedule(&state, Owner::App(app.id), TaskKind::Check, "0 1 * * *");
    }
    let scheduler =
        Scheduler::new(state.clone(), Virtual::at(at("2026-06-01T01:00:30Z")), settings());
    let failing_once = Fake::new(|job| {
        let how = if job.task.kind == TaskKind::Backup && job.task.attempt == 1 {
            TaskState::Failed
        } else {
            TaskState::Succeeded
        };
        (Duration::from_secs(60), over(how, true))
    });
    let ran = scheduler
        .run_due(Arc::clone(&failing_once), apps[0].id, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        failing_once.ran(),
        ["backup 01 01:00 #1", "check 01 01:00 #1", "backup 01 01:00 #2"]
    );
    assert_eq!(
        ran.iter().map(|task| task.state).collect::<Vec<_>>(),
        [TaskState::Failed, TaskState::Succeeded, TaskState::Succeeded]
    );
    assert!(
        scheduler
            .run_due(failing_once, apps[0].id, &CancellationToken::new())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(tasks(&state).iter().all(|task| task.app == apps[0].id));
}

/// From here on the state refuses these changes of tasks, as it might when a disk is full.
fn refuse(state: &State, changes: &str) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(state.directory().join("state.db")).unwrap();
    let trigger = format!(
        "CREATE TRIGGER broken BEFORE UPDATE ON task WHEN {changes} BEGIN SELECT RAISE(ABORT, 'no room'); END"
    );
    database.execute_batch(&trigger).unwrap();
    database
}

fn accept(database: &rusqlite::Connection) {
    database.execute_batch("DROP TRIGGER broken").unwrap();
}

/// No task comes to its end.
const ENDS: &str = "OLD.state = 'running' AND NEW.state <> 'running'";

/// A scheduler at one o'clock, and the job of the backup that is due then.
fn due_at_one(state: &State) -> (Scheduler<Virtual>, Job) {
    let app = source(state, "docs");
    schedule(state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    let clock = Virtual::at(at("2026-06-01T01:00:30Z"));
    let scheduler = Scheduler::new(state.clone(), clock, settings());
    let job = scheduler.tick(None, 1).unwrap().remove(0);
    (scheduler, job)
}

#[tokio::test(start_paused = true)]
async fn a_task_without_an_end_is_interrupted_and_its_slot_is_run_once_more() {
    let (_directory, state) = state();
    let (scheduler, job) = due_at_one(&state);
    let begun = tokio::time::Instant::now();
    let database = refuse(&state, ENDS);
    let ran = scheduler.run_job(Fake::succeeding(10), job, &CancellationToken::new()).await;
    assert!(matches!(ran, Err(StateError::Database(_))), "{ran:?}");
    let minutes = begun.elapsed().as_secs() / 60;
    assert!((70..75).contains(&minutes), "ten, and an hour of tries: {minutes}");
    assert!(scheduler.tick(None, 1).is_err());
    assert_eq!(states(&state), [TaskState::Running]);
    accept(&database);
    let again = scheduler.tick(None, 1).unwrap().remove(0);
    assert_eq!(states(&state), [TaskState::Interrupted, TaskState::Running]);
    let all = tasks(&state);
    assert_eq!((all[1].attempt, all[1].cause, all[1].slot), (2, Cause::Retry, all[0].slot));
    let never = CancellationToken::new();
    let task = scheduler.run_job(Fake::succeeding(10), again, &never).await.unwrap();
    assert_eq!(task.state, TaskState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_for_some_minutes_makes_no_interrupted_task_of_a_good_one() {
    let (_directory, state) = state();
    let (scheduler, job) = due_at_one(&state);
    let database = refuse(&state, ENDS);
    let running = tokio::spawn({
        let scheduler = scheduler.clone();
        async move { scheduler.run_job(Fake::succeeding(10), job, &CancellationToken::new()).await }
    });
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    // It has its job still, so nobody takes it for gone.
    assert!(scheduler.tick(None, 1).unwrap().is_empty());
    assert_eq!(states(&state), [TaskState::Running]);
    accept(&database);
    let task = running.await.unwrap().unwrap();
    assert_eq!((task.state, tasks(&state).len()), (TaskState::Succeeded, 1));
    let took = (task.ended.unwrap() - task.started.unwrap()).num_minutes();
    assert_eq!(took, 10, "it ended when it did, not when that could be written down");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_told_to_end_does_not_wait_for_room() {
    let (_directory, state) = state();
    let (scheduler, job) = due_at_one(&state);
    let database = refuse(&state, ENDS);
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (scheduler, stop) = (scheduler.clone(), stop.clone());
        async move { scheduler.run_job(Fake::succeeding(10), job, &stop).await }
    });
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    let stopped = tokio::time::Instant::now();
    stop.cancel();
    assert!(running.await.unwrap().is_err());
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
    // Whoever looks next does it once more.
    accept(&database);
    assert_eq!(scheduler.tick(None, 1).unwrap()[0].task.attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_is_run_when_the_next_claim_fails() {
    let (_directory, state) = state();
    for name in ["a", "b"] {
        let app = source(&state, name);
        schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 1 * * *");
    }
    let clock = Virtual::at(at("2026-06-01T01:00:30Z"));
    let scheduler = Scheduler::new(state.clone(), clock, settings());
    let second = "NEW.state = 'running' AND EXISTS (SELECT 1 FROM task WHERE state = 'running')";
    let database = refuse(&state, second);
    let first = scheduler.tick(None, 2).unwrap();
    assert_eq!((first.len(), states(&state)), (1, vec![TaskState::Running, TaskState::Queued]));
    assert!(scheduler.tick(None, 2).is_err(), "nothing was claimed");
    accept(&database);
    let next = scheduler.tick(None, 2).unwrap();
    assert_eq!((next.len(), next[0].task.id > first[0].task.id), (1, true));
}
