//! The last 30 days of an app as a strip of cells: `m::strip`.

use source_app::model::{DayOutcome, DayState};
use source_app::state::AppId;

/// A strip.
pub struct DayStrip {
    /// Whose, for its label.
    pub name: String,
    /// The oldest first.
    pub cells: Vec<DayCell>,
}

/// A day.
pub struct DayCell {
    /// The word for its state, which is a class too.
    pub state: &'static str,
    /// One letter that says the same.
    pub symbol: &'static str,
    /// `29 Nov: 2 good, 1 failed`.
    pub words: String,
    /// The backups of that day; empty if there were none.
    pub href: String,
}

impl DayStrip {
    /// Of an app.
    pub fn new(app: AppId, name: &str, days: &[DayOutcome]) -> Self {
        let cell = |day: &DayOutcome| DayCell {
            state: day.state.as_str(),
            symbol: day.state.symbol(),
            words: format!("{}: {}", day.date.format("%-d %b"), day.words()),
            href: match day.state {
                DayState::None => String::new(),
                _ => format!("/tasks?app={app}&kind=backup&day={}", day.date),
            },
        };
        Self { name: name.to_owned(), cells: days.iter().map(cell).collect() }
    }
}
