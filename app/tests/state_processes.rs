//! Several processes on one state: of a slot one of them gets the task, and what a killed one
//! leaves behind is noticed.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use chrono::TimeDelta;
use common::{at, end, schedule, source, start, state};
use source_app::scheduler::{FakeClock, Scheduler, Settings};
use source_app::state::{Owner, State, StateError, TaskFilter, TaskKind, TaskState};

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

#[test]
fn a_killed_processs_task_is_interrupted_and_the_schedule_goes_on() {
    if let Some(directory) = std::env::var_os("TWIN") {
        let state = State::open_at(Path::new(&directory), start()).unwrap();
        let clock = FakeClock::new(at("2026-06-01T02:00:00Z"));
        let jobs = Scheduler::new(state, clock, Settings::default()).tick(None, 10).unwrap();
        tell(&format!("RUNNING {}", jobs[0].task.id));
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let (_directory, state) = state();
    let app = source(&state, "docs");
    schedule(&state, Owner::App(app.id), TaskKind::Backup, "0 2 * * *");
    let mut twin = Twin::start(
        "a_killed_processs_task_is_interrupted_and_the_schedule_goes_on",
        state.directory(),
    );
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
    let clock = FakeClock::new(now);
    let scheduler = Scheduler::new(again, clock.clone(), Settings::default());
    assert!(scheduler.tick(None, 10).unwrap().is_empty(), "the same slot does not run twice");
    clock.set(at("2026-06-02T02:00:00Z"));
    let jobs = scheduler.tick(None, 10).unwrap();
    assert_eq!(jobs[0].task.slot, Some(at("2026-06-02T02:00:00Z")));
}
