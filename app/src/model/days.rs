//! How the backups of an app went, day by day.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;

/// How many days are told of.
pub const DAYS_TOLD: u64 = 30;

/// How a backup went, or a day of backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DayState {
    /// Without errors.
    Good,
    /// To its end, but some entries failed.
    Errors,
    /// It failed, or was interrupted.
    Failed,
    /// Its time passed without a run.
    Missed,
    /// There was none.
    None,
}

impl DayState {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Errors => "errors",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::None => "none",
        }
    }

    /// One letter that says the same without a colour.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Errors => "!",
            Self::Failed => "✗",
            Self::Missed => "–",
            Self::None => "·",
        }
    }
}

/// How the backups of a day went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DayOutcome {
    /// The day, of this machine's time zone.
    pub date: NaiveDate,
    /// How the last of them went that ran; missed if none ran that should have.
    pub state: DayState,
    /// How many went without errors.
    pub good: u32,
    /// How many had errors.
    pub errors: u32,
    /// How many failed or were interrupted.
    pub failed: u32,
    /// How many did not run.
    pub missed: u32,
}

impl DayOutcome {
    fn none(date: NaiveDate) -> Self {
        Self { date, state: DayState::None, good: 0, errors: 0, failed: 0, missed: 0 }
    }

    fn take(&mut self, state: DayState) {
        let count = match state {
            DayState::Good => &mut self.good,
            DayState::Errors => &mut self.errors,
            DayState::Failed => &mut self.failed,
            DayState::Missed => &mut self.missed,
            DayState::None => return,
        };
        *count += 1;
        if state != DayState::Missed || self.state == DayState::None {
            self.state = state;
        }
    }

    /// `2 good, 1 failed`, or `no backup`.
    pub fn words(&self) -> String {
        let counts = [
            (self.good, "good"),
            (self.errors, "with errors"),
            (self.failed, "failed"),
            (self.missed, "missed"),
        ];
        let said: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if said.is_empty() { "no backup".to_owned() } else { said.join(", ") }
    }
}

/// The first of the days that are told of.
pub fn first_day(zone: Tz, now: DateTime<Utc>) -> NaiveDate {
    let today = now.with_timezone(&zone).date_naive();
    today.checked_sub_days(Days::new(DAYS_TOLD - 1)).unwrap_or(today)
}

/// The days up to today, of backups in the order in which they were.
pub fn days(
    backups: &[(DateTime<Utc>, DayState)],
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<DayOutcome> {
    let dates = first_day(zone, now).iter_days().take(DAYS_TOLD as usize);
    let mut days: BTreeMap<NaiveDate, DayOutcome> =
        dates.map(|date| (date, DayOutcome::none(date))).collect();
    for (at, state) in backups {
        if let Some(day) = days.get_mut(&at.with_timezone(&zone).date_naive()) {
            day.take(*state);
        }
    }
    days.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_its_last_run_and_missed_only_without_one() {
        let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
        let zone = chrono_tz::Europe::Berlin;
        let backups = [
            (at("2026-05-01T12:00:00Z"), DayState::Good),
            // The 30th in Berlin.
            (at("2026-05-29T22:30:00Z"), DayState::Failed),
            (at("2026-05-30T02:00:00Z"), DayState::Good),
            (at("2026-05-30T04:00:00Z"), DayState::Missed),
            (at("2026-05-31T04:00:00Z"), DayState::Missed),
            (at("2026-06-01T01:00:00Z"), DayState::Good),
            (at("2026-06-01T02:00:00Z"), DayState::Errors),
        ];
        let days = days(&backups, zone, at("2026-06-01T12:00:00Z"));
        assert_eq!((days.len(), days[0].date.to_string()), (30, "2026-05-03".to_owned()));
        let told: String = days.iter().map(|day| day.state.symbol()).collect();
        assert_eq!(told, format!("{}✓–!", "·".repeat(27)));
        let words: Vec<String> = days[26..].iter().map(DayOutcome::words).collect();
        assert_eq!(
            words,
            ["no backup", "1 good, 1 failed, 1 missed", "1 missed", "1 good, 1 with errors"]
        );
    }
}
