//! Several processes on one state: of a slot one of them gets the task, and what a killed one
//! leaves behind is noticed.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use chrono::TimeDelta;
use common::{at, end, new_task, schedule, source, start, state};
use source_app::scheduler::{FakeClock, Scheduler, Settings};
use source_app::state::{Cause, Owner, State, StateError, TaskFilter, TaskKind, TaskState};

/// This test once more, as a process of its own.
struct Twin(Child, BufReader<ChildStdout>);

impl Twin {
    fn start(test: &str, directory: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([test, "--exact", "--nocapture"])
            .env("TWIN", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self(child, output)
    }

    fn say(&mut self, line: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The rest of the next line that has the word; the test's own frame is passed over.
    fn hear(&mut self, word: &str) -> String {
        let mut line = String::new();
        while self.1.read_line(&mut line).unwrap() > 0 {
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
            line.clear();
        }
        panic!("the other process ended");
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[allow(clippy::print_stdout, reason = "this process's parent reads it")]
fn tell(text: &str) {
    println!("\n{text}");
}

#[test]
fn of_two_processes_one_gets_a_slot() {
    if let Some(directory) = std::env::var_os("TWIN") {
        let clock = FakeClock::new(start());
        let state = State::open_at(Path::new(&directory), start()).unwrap();
        let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
        tell("READY");
        for line in std::io::stdin().lines() {
            clock.set(at(&line.unwrap()));
            let jobs = scheduler.tick(None, 10).unwrap();
            for job in &jobs {
                state.finish(job.task.id, &end(TaskState::Succeeded), None, start()).unwrap();
            }
            tell(&format!("WON {}", jobs.len()));
        }
        return;
    }
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "* * * * *");
    let name = "of_two_processes_one_gets_a_slot";
    let mut twins = [Twin::start(name, state.directory()), Twin::start(name, state.directory())];
    twins.iter_mut().for_each(|twin| drop(twin.hear("READY")));
    let mut wins = [0, 0];
    for minute in 1..=100 {
        let now = (start() + TimeDelta::minutes(minute)).to_rfc3339();
        twins.iter_mut().for_each(|twin| twin.say(&now));
        let won: Vec<i32> =
            twins.iter_mut().map(|twin| twin.hear("WON").parse().unwrap()).collect();
        assert_eq!(won[0] + won[1], 1, "minute {minute}");
        (0..2).for_each(|twin| wins[twin] += won[twin]);
    }
    let tasks = state.tasks(&TaskFilter { limit: Some(500), ..TaskFilter::default() }).unwrap();
    let mut slots: Vec<_> = tasks.iter().map(|task| task.slot.unwrap()).collect();
    slots.dedup();
    assert_eq!((tasks.len(), slots.len()), (100, 100), "wins {wins:?}");
    assert!(tasks.iter().all(|task| task.state == TaskState::Succeeded));
}

/// A process that runs what is due, until it is killed.
fn twin_that_runs(directory: &std::ffi::OsStr, now: &str) {
    let state = State::open_at(Path::new(directory), at(now)).unwrap();
    let scheduler = Scheduler::new(state, FakeClock::new(at(now)), Settings::default());
    let jobs = scheduler.tick(None, 10).unwrap();
    tell(&format!("RUNNING {}", jobs[0].task.id));
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn a_killed_processs_task_is_interrupted_and_run_once_more() {
    if let Some(directory) = std::env::var_os("TWIN") {
        return twin_that_runs(&directory, "2026-06-01T02:00:00Z");
    }
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let name = "a_killed_processs_task_is_interrupted_and_run_once_more";
    let mut twin = Twin::start(name, state.directory());
    let task: i64 = twin.hear("RUNNING").parse().unwrap();
    let now = at("2026-06-01T02:30:00Z");
    let other = State::open_at(state.directory(), now).unwrap();
    assert_eq!(other.task(task).unwrap().state, TaskState::Running, "its process lives");
    assert!(
        matches!(
            other.finish(task, &end(TaskState::Failed), None, now),
            Err(StateError::Conflict(_))
        ),
        "not ours to end"
    );
    drop(twin); // kill -9
    let again = State::open_at(state.directory(), now).unwrap();
    let interrupted = again.task(task).unwrap();
    assert_eq!((interrupted.state, interrupted.ended), (TaskState::Interrupted, Some(now)));
    let slot = at("2026-06-01T02:00:00Z");
    let queued = again.tasks(&TaskFilter::default()).unwrap().remove(0);
    assert_eq!(
        (queued.state, queued.cause, queued.attempt, queued.slot),
        (TaskState::Queued, Cause::Retry, 2, Some(slot))
    );
    assert_eq!(queued.verdict, format!("task {task} was interrupted and is run once more"));
    // The process that runs it is killed too: that is all.
    let mut twin = Twin::start(name, state.directory());
    assert_eq!(twin.hear("RUNNING"), queued.id.to_string());
    drop(twin);
    let clock = FakeClock::new(now);
    let scheduler = Scheduler::new(again.clone(), clock.clone(), Settings::default());
    assert!(scheduler.tick(None, 10).unwrap().is_empty(), "not a third time");
    assert_eq!(again.task(queued.id).unwrap().state, TaskState::Interrupted);
    assert_eq!(again.tasks(&TaskFilter::default()).unwrap().len(), 2);
    clock.set(at("2026-06-02T02:00:00Z"));
    let jobs = scheduler.tick(None, 10).unwrap();
    assert_eq!(jobs[0].task.slot, Some(at("2026-06-02T02:00:00Z")));
}

#[test]
fn what_somebody_asked_for_is_not_run_again_by_itself() {
    if let Some(directory) = std::env::var_os("TWIN") {
        let state = State::open_at(Path::new(&directory), start()).unwrap();
        let app = state.apps().unwrap().remove(0);
        let task = state.begin(&new_task(&app, TaskKind::Backup), start()).unwrap();
        tell(&format!("RUNNING {}", task.id));
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let (_directory, state) = state();
    source(&state, "docs");
    let name = "what_somebody_asked_for_is_not_run_again_by_itself";
    let mut twin = Twin::start(name, state.directory());
    let task: i64 = twin.hear("RUNNING").parse().unwrap();
    drop(twin);
    assert_eq!(state.mark_interrupted(start()).unwrap(), [task]);
    assert_eq!(state.tasks(&TaskFilter::default()).unwrap().len(), 1);
}

/// One process may have its state open several times.
#[test]
fn what_a_job_sees_to_is_left_alone_and_what_none_does_is_over() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let (clock, new) = (FakeClock::new(start()), new_task(&app, TaskKind::Backup));
    let scheduler = Scheduler::new(state.clone(), clock.clone(), Settings::default());
    let job = scheduler.begin(&new).unwrap();
    let (id, work) = (job.task.id, job.clone());
    let later = start() + TimeDelta::hours(5);
    let other = State::open_at(state.directory(), later).unwrap();
    for state in [&state, &other] {
        assert!(!state.is_given_up(id).unwrap(), "it goes on");
        assert!(state.mark_interrupted(later).unwrap().is_empty(), "it goes on");
    }
    drop(job);
    assert!(!other.is_given_up(id).unwrap(), "its work goes on");
    assert!(other.mark_interrupted(later).unwrap().is_empty(), "its work goes on");
    drop(work);
    assert!(state.is_given_up(id).unwrap() && other.is_given_up(id).unwrap());
    assert_eq!(other.mark_interrupted(later).unwrap(), [id]);
    assert!(!state.is_given_up(id).unwrap(), "it has an end");
    let left = state.task(id).unwrap();
    assert_eq!((left.state, left.ended), (TaskState::Interrupted, Some(later)));
    assert!(left.verdict.starts_with("interrupted: the process that ran it "), "{left:?}");

    // Where nobody looks, it is at least in nobody's way.
    drop(scheduler.begin(&new).unwrap());
    clock.set(later);
    let job = scheduler.begin(&new).unwrap();
    let tasks = state.tasks(&TaskFilter::default()).unwrap();
    let states: Vec<_> = tasks.iter().map(|task| task.state).collect();
    assert_eq!(states, [TaskState::Running, TaskState::Interrupted, TaskState::Interrupted]);
    state.finish(job.task.id, &end(TaskState::Succeeded), None, later).unwrap();
}
