//! How times and tasks are shown in lines of lists, and as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use source_app::state::{Task, TaskState};

use crate::failure::Failure;
use terminal::output::{ASIDE, BAD, GOOD, coloured, shown};

/// A time in UTC, to the second.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The name of a row, so wide that what follows stands below one another.
pub(super) fn pad(name: &str) -> String {
    format!("{name:<14}")
}

/// A task's state, in colour on a terminal.
pub(super) fn state(state: TaskState) -> String {
    match state {
        TaskState::Succeeded => coloured(GOOD, state.as_str()),
        TaskState::CompletedWithErrors | TaskState::Failed | TaskState::Interrupted => {
            coloured(BAD, state.as_str())
        }
        _ => state.as_str().to_owned(),
    }
}

/// What a task came to, or how far it is.
pub(super) fn outcome(task: &Task) -> String {
    let text = if task.verdict.is_empty() { &task.progress } else { &task.verdict };
    shown(text)
}

/// A task as JSON, with the name of its app.
pub(super) fn with_name(task: &Task, name: &str) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(task).map_err(std::io::Error::from)?;
    value["app_name"] = name.into();
    Ok(value)
}

/// How long a task ran, for people.
pub(super) fn duration(task: &Task) -> Option<String> {
    let took = (task.ended? - task.started?).to_std().ok()?;
    Some(match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    })
}

/// A task in a list.
pub(super) fn line(task: &Task, name: Option<&str>) -> String {
    let mut parts = vec![
        coloured(ASIDE, &format!("{:>5}", task.id)),
        time(task.started.unwrap_or(task.created)),
    ];
    parts.extend(name.map(str::to_owned));
    parts.extend([format!("{:<7}", task.kind), state(task.state)]);
    parts.extend(duration(task));
    parts.push(shown(&task.about));
    parts.push(outcome(task));
    parts.join("  ").trim_end().to_owned()
}
