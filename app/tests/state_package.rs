//! While Plakar's package is replaced nothing runs, and while something runs it is not replaced; and
//! what is kept of a task's use of the machine.

mod common;

use chrono::TimeDelta;
use common::{end, new_task, source, start, state};
use source_app::model::{TaskUsage, UsagePoint};
use source_app::state::{StateError, TaskKind, TaskState};

#[test]
fn a_package_is_replaced_while_nothing_runs_and_nothing_begins_meanwhile() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let (backup, test) = (new_task(&app, TaskKind::Backup), new_task(&app, TaskKind::Test));
    let running = state.begin(&test, start()).unwrap();
    let refused = state.begin_package_change(start()).map(drop).unwrap_err();
    assert!(matches!(&refused, StateError::Busy(_)), "{refused}");
    assert!(refused.to_string().starts_with("task 1 (test) is running"), "{refused}");
    state.finish(running.id, &end(TaskState::Succeeded), None, start()).unwrap();

    let changing = state.begin_package_change(start()).unwrap();
    let again = state.begin_package_change(start()).map(drop).unwrap_err().to_string();
    assert!(again.contains("is being replaced"), "{again}");
    for new in [&backup, &test] {
        let refused = state.begin(new, start()).unwrap_err().to_string();
        assert!(refused.contains("is being replaced"), "{refused}");
    }
    assert_eq!(state.claim(None, false, start()).unwrap(), None);
    drop(changing);
    let running = state.begin(&backup, start()).unwrap();
    state.finish(running.id, &end(TaskState::Succeeded), None, start()).unwrap();

    // One that never ends holds up nothing for ever.
    std::mem::forget(state.begin_package_change(start()).unwrap());
    assert!(state.begin(&backup, start() + TimeDelta::minutes(9)).is_err());
    state.begin(&backup, start() + TimeDelta::minutes(11)).unwrap();
}

#[test]
fn what_a_task_took_stays_with_it_and_is_that_of_its_last_run() {
    let (_directory, state) = state();
    let app = source(&state, "docs");
    let task = state.begin(&new_task(&app, TaskKind::Backup), start()).unwrap().id;
    assert_eq!(state.usage(task).unwrap(), TaskUsage::default());
    assert!(matches!(state.usage(task + 1), Err(StateError::NotFound(_))));
    let point = UsagePoint { seconds: 2.0, processor: 150.5, memory: 7 };
    let usage = TaskUsage { points: vec![point] };
    state.note_usage(task, &usage).unwrap();
    assert_eq!(state.usage(task).unwrap(), usage);
    // It waits for a locked store, and runs again.
    let next = start() + TimeDelta::minutes(3);
    assert!(state.wait(task, next, "locked").unwrap());
    state.note_usage(task, &TaskUsage::default()).unwrap();
    assert_eq!(state.usage(task).unwrap(), usage, "this process does not run it");
    assert_eq!(state.claim(None, false, next).unwrap().unwrap().id, task);
    assert_eq!(state.usage(task).unwrap(), TaskUsage::default());
    state.note_usage(task, &usage).unwrap();
    state.finish(task, &end(TaskState::Succeeded), None, next).unwrap();
    assert_eq!(state.usage(task).unwrap(), usage);
}
