//! The backups of an app over time: plots, and the same as a table.

use askama::Template;
use chrono::{DateTime, Utc};

use super::format::{self, DisplayTime};
use super::plot::{BACKUPS, Plot};
use source_app::state::Task;

/// Maximum number of backups that are drawn.
pub const MAX_BACKUPS_DRAWN: u32 = 365;

/// What is said of a value that is not known.
const UNKNOWN: &str = "not known";

/// Plots of the backups of an app, and the same as a table.
pub struct History {
    /// The drawings, as HTML of ours.
    pub plots: Vec<String>,
    /// The newest first.
    pub rows: Vec<HistoryRow>,
}

/// A backup.
pub struct HistoryRow {
    /// The task.
    pub task: i64,
    /// When it ended.
    pub at: DisplayTime,
    /// Bytes of what was backed up, and the others, in words.
    pub size: String,
    pub new: String,
    pub duration: String,
    pub calls: String,
}

fn time(task: &Task) -> DateTime<Utc> {
    task.ended.or(task.started).unwrap_or(task.created)
}

fn seconds(task: &Task) -> Option<f64> {
    Some((task.ended? - task.started?).num_milliseconds().max(0) as f64 / 1000.0)
}

impl History {
    /// Of backups, the newest first.
    pub fn of(backups: &[Task]) -> Result<Self, askama::Error> {
        let values = |value: &dyn Fn(&Task) -> Option<f64>| -> Vec<(DateTime<Utc>, Option<f64>)> {
            backups.iter().rev().map(|task| (time(task), value(task))).collect()
        };
        let bytes = |value: f64| format::size(value.max(0.0) as u64);
        let number = |count: Option<u64>| count.map(|count| count as f64);
        let took = |value: f64| format::duration(chrono::TimeDelta::seconds(value as i64));
        let plots = [
            Plot::new("Size", &BACKUPS, &values(&|task| number(task.bytes)), bytes),
            Plot::new("New data", &BACKUPS, &values(&|task| number(task.figures.written)), bytes),
            Plot::new("Duration", &BACKUPS, &values(&seconds), took),
            Plot::new(
                "API calls",
                &BACKUPS,
                &values(&|task| number(task.figures.calls)),
                |value| format!("{value:.0}"),
            ),
        ];
        let size = |bytes: Option<u64>| bytes.map_or_else(|| UNKNOWN.to_owned(), format::size);
        let row = |task: &Task| HistoryRow {
            task: task.id,
            at: DisplayTime(time(task)),
            size: size(task.bytes),
            new: size(task.figures.written),
            duration: seconds(task).map_or_else(|| UNKNOWN.to_owned(), took),
            calls: task.figures.calls.map_or_else(|| UNKNOWN.to_owned(), |calls| calls.to_string()),
        };
        Ok(Self {
            plots: plots.iter().map(Template::render).collect::<Result<_, _>>()?,
            rows: backups.iter().map(row).collect(),
        })
    }
}
