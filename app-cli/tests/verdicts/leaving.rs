//! Whoever reads the output leaves before it is written: the exit status tells how it is all the same.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use chrono::{TimeDelta, Utc};
use source_app::model::{Protection, TaskFigures};
use source_app::state::{
    AppSpec, Cause, NewTask, State, TaskFilter, TaskKind, TaskResult, TaskState,
};

use crate::histories::{ended, source};
use crate::prepared;

/// A pipe that nobody reads.
fn left() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The exit status of a command with this standard output, and what it says.
fn told(directory: &Path, arguments: &[&str], output: Stdio) -> (i32, String) {
    let output = prepared(directory, arguments).stdout(output).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A state with so many sources, each with a check that is queued and cannot be done.
fn with_checks(directory: &Path, sources: usize) -> State {
    let state = State::open(directory).unwrap();
    for number in 0..sources {
        let app = source(&state, &format!("drive-{number}"));
        let protection = Protection { check_after_backup: true, ..Protection::default() };
        let spec = AppSpec { protection, ..app.spec };
        let app = state.edit_app(app.id, app.revision, &spec, Utc::now()).unwrap();
        let (kind, cause) = (TaskKind::Backup, Cause::Manual);
        let new = NewTask { app: app.id, kind, cause, input: serde_json::json!({}) };
        let task = state.begin(&new, Utc::now()).unwrap();
        let result = TaskResult {
            state: TaskState::Succeeded,
            exit: None,
            verdict: String::new(),
            errors: 0,
            bytes: None,
            snapshot: Some("ab".repeat(32)),
            figures: TaskFigures::default(),
        };
        state.finish(task.id, &result, None, Utc::now()).unwrap();
        state.follow_up(&state.task(task.id).unwrap()).unwrap().unwrap();
    }
    state
}

fn failed_checks(state: &State) -> usize {
    let failed = TaskFilter { state: Some(TaskState::Failed), ..TaskFilter::default() };
    state.tasks(&failed).unwrap().iter().filter(|task| task.kind == TaskKind::Check).count()
}

#[test]
fn the_exit_status_tells_the_verdict_to_whoever_reads_no_more() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("state");
    let state = State::open(&directory).unwrap();
    let good = source(&state, "good");
    ended(&state, &good, TaskState::Succeeded, Utc::now() - TimeDelta::minutes(1));
    source(&state, "bare");
    let told = |arguments: &[&str]| told(&directory, arguments, left());
    let silent = |exit: i32| (exit, String::new());
    assert_eq!(told(&["status", "good"]), silent(0));
    assert_eq!(told(&["status", "bare"]), silent(1));
    assert_eq!(told(&["status", "--json"]), silent(1));
    // More than is kept before it is written.
    (0..200).for_each(|number| drop(source(&state, &format!("more-{number}"))));
    assert_eq!(told(&["status"]), silent(1));
    // Listings have told enough.
    assert_eq!(told(&["list"]), silent(0));
    assert_eq!(told(&["tasks"]), silent(0));
    let (exit, said) = told(&["backup", "good", "--json"]);
    assert_eq!(exit, 1, "{said}");
}

#[test]
fn what_is_due_runs_to_its_end_though_nobody_reads_of_it() {
    for full in [false, true] {
        // Not everywhere there is such a file.
        let output = match full {
            false => left(),
            true => match File::options().write(true).open("/dev/full") {
                Ok(file) => file.into(),
                Err(_) => continue,
            },
        };
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("state");
        let state = with_checks(&directory, 4);
        let (exit, said) = told(&directory, &["run", "--due", "--json"], output);
        assert_eq!((exit, failed_checks(&state)), (1, 4), "{said}");
        assert_eq!(said.contains("cannot write to standard output"), full, "{said}");
    }
}
