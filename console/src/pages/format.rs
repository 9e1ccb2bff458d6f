//! How things are shown.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use source_app::model::{Health, HealthVerdict, KeptPeriods, Retention};
pub use source_app::model::{duration_text as duration, size_text as size};
use source_app::state::{Task, TaskState};

/// A time as pages show it: `m::time` and `m::ago`.
#[derive(Clone, Copy, Debug)]
pub struct DisplayTime(pub DateTime<Utc>);

impl DisplayTime {
    /// For the attribute `datetime`.
    pub fn iso(&self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// `2026-06-01 02:30 UTC`; the browser shows its own zone.
    pub fn absolute(&self) -> String {
        self.0.format("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// `3 hours ago`, `in 5 minutes`.
    pub fn relative(&self) -> String {
        relative(self.0 - Utc::now())
    }
}

fn relative(until: TimeDelta) -> String {
    let seconds = until.num_seconds();
    let (count, unit) = match seconds.unsigned_abs() {
        0..10 => return "now".into(),
        seconds @ 10..90 => (seconds, "second"),
        seconds @ 90..5_400 => ((seconds + 30) / 60, "minute"),
        seconds @ 5_400..129_600 => ((seconds + 1_800) / 3_600, "hour"),
        seconds => ((seconds + 43_200) / 86_400, "day"),
    };
    let many = if count == 1 { "" } else { "s" };
    if seconds > 0 {
        format!("in {count} {unit}{many}")
    } else {
        format!("{count} {unit}{many} ago")
    }
}

/// How long a task took, or has taken so far; nothing before it began.
pub fn task_duration(task: &Task) -> Option<String> {
    Some(duration(task.ended.unwrap_or_else(Utc::now) - task.started?))
}

/// How many entries failed, of a task that came to its end.
pub fn errors(task: &Task) -> Option<u64> {
    matches!(task.state, TaskState::Succeeded | TaskState::CompletedWithErrors)
        .then_some(task.errors)
}

/// `1 file`, `2 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// A state in one or two words: `m::badge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badge {
    /// `good`, `warn`, `bad`, `busy` or `idle`.
    pub class: &'static str,
    /// The words.
    pub text: &'static str,
}

/// Of an app whose schedules run nothing now.
pub const PAUSED: Badge = Badge { class: "idle", text: "paused" };

impl Badge {
    /// Of a task.
    pub fn of(state: TaskState) -> Self {
        let class = match state {
            TaskState::Succeeded => "good",
            TaskState::CompletedWithErrors => "warn",
            TaskState::Failed | TaskState::Interrupted => "bad",
            TaskState::Running => "busy",
            TaskState::Queued | TaskState::Waiting | TaskState::Cancelled | TaskState::Missed => {
                "idle"
            }
        };
        Self { class, text: state.as_str() }
    }

    /// Of the verdict on an app.
    pub fn of_verdict(verdict: HealthVerdict) -> Self {
        let class = match verdict {
            HealthVerdict::Protected => "good",
            HealthVerdict::AtRisk => "warn",
            HealthVerdict::NotProtected => "bad",
            HealthVerdict::Excluded => "idle",
        };
        Self { class, text: verdict.as_str() }
    }
}

/// Why an app is not simply protected: the words, and the task that tells more.
pub fn reasons(health: &Health) -> Vec<(String, Option<i64>)> {
    health.reasons.iter().map(|reason| (reason.words(), reason.task())).collect()
}

/// A text with a capital letter first.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// `7 days (3 of each), 4 weeks`.
pub fn retention(retention: Retention) -> String {
    let text = |kept: KeptPeriods| {
        let periods = count(kept.count.into(), kept.unit, &format!("{}s", kept.unit));
        match kept.each {
            1 => periods,
            each => format!("{periods} ({each} of each)"),
        }
    };
    retention.periods().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_their_largest_unit() {
        for (seconds, text) in [
            (0, "now"),
            (-45, "45 seconds ago"),
            (-89, "89 seconds ago"),
            (-90, "2 minutes ago"),
            (300, "in 5 minutes"),
            (-5_400, "2 hours ago"),
            (-90_000, "25 hours ago"),
            (-172_800, "2 days ago"),
        ] {
            assert_eq!(relative(TimeDelta::seconds(seconds)), text);
        }
    }
}
