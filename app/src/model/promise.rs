//! What a policy promises of backups, and whether it was kept.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::words::count_text;

/// Maximum number of backups that may be promised.
const MAX_BACKUPS: u32 = 1000;

/// In which stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromisePeriod {
    /// A day of UTC.
    Day,
    /// A week of UTC, from Monday on.
    Week,
    /// A month of UTC.
    Month,
}

/// At least so many backups without errors in each such stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// How many.
    pub backups: u32,
    /// In which time.
    pub period: PromisePeriod,
}

impl PromisePeriod {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The day that the period of a day begins with.
    fn first(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The first day of the one that follows that which begins so.
    pub(crate) fn after(self, first: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => first + Days::new(1),
            Self::Week => first + Days::new(7),
            Self::Month => first + Months::new(1),
        }
    }

    /// The first day of the last one that is over.
    fn last_full(self, now: DateTime<Utc>) -> NaiveDate {
        let present = self.first(now.date_naive());
        self.first(present - Days::new(1))
    }

    /// The first day of the next one that is whole.
    pub(crate) fn next(self, now: DateTime<Utc>) -> NaiveDate {
        self.after(self.first(now.date_naive()))
    }
}

impl std::str::FromStr for PromisePeriod {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|period| period.as_str() == text).ok_or_else(|| {
            Invalid(format!(
                "\"{}\" is not a valid period; write one of: day, week, month",
                text.escape_debug().take(40).collect::<String>()
            ))
        })
    }
}

impl std::fmt::Display for Promise {
    /// `at least 2 backups a day`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backups = count_text(self.backups.into(), "backup");
        write!(out, "at least {backups} a {}", self.period.as_str())
    }
}

impl Promise {
    /// # Errors
    ///
    /// It promises nothing, or too much.
    pub fn check(self) -> Result<(), Invalid> {
        if (1..=MAX_BACKUPS).contains(&self.backups) {
            return Ok(());
        }
        Err(Invalid(format!(
            "promise: {} backups are not possible; write 1 to {MAX_BACKUPS}, or leave the promise out",
            self.backups
        )))
    }
}

/// That a day begins in UTC.
pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// What a policy promises of one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPromise {
    /// The policy's name.
    pub policy: String,
    /// What it promises.
    pub promise: Promise,
    /// Since when, for this app.
    pub since: DateTime<Utc>,
}

/// A promise that was not kept in the last stretch of time that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenPromise {
    /// The policy's name.
    pub policy: String,
    /// What it promises.
    pub promise: Promise,
    /// How many backups without errors there were.
    pub made: u64,
    /// The first day of that time.
    pub first: NaiveDate,
}

impl BrokenPromise {
    /// `The policy careful promises at least 2 backups a day; on 2026-06-29 there was 1.`
    pub(crate) fn words(&self) -> String {
        let Self { policy, promise, made, first } = self;
        let when = match promise.period {
            PromisePeriod::Day => format!("on {first}"),
            PromisePeriod::Week => format!("in the week from {first}"),
            PromisePeriod::Month => format!("in {}", first.format("%B %Y")),
        };
        let made = match made {
            0 => "there was none".to_owned(),
            1 => "there was 1".to_owned(),
            made => format!("there were {made}"),
        };
        format!("The policy {policy} promises {promise}; {when} {made}.")
    }
}

impl PolicyPromise {
    /// Whether it was broken in the last stretch of time that is over, by the times at which backups
    /// ended without errors. `known_since`: of earlier ones not all may be known.
    pub(crate) fn broken(
        &self,
        good: &[DateTime<Utc>],
        known_since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<BrokenPromise> {
        let Self { policy, promise, since } = self;
        let first = promise.period.last_full(now);
        let (from, until) = (midnight(first), midnight(promise.period.after(first)));
        let made = good.iter().filter(|at| (from..until).contains(*at)).count() as u64;
        // Of a time that it did not hold for, or that is half forgotten, nothing is said.
        if made >= promise.backups.into() || *since > from || known_since > from {
            return None;
        }
        Some(BrokenPromise { policy: policy.clone(), promise: *promise, made, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn broken(
        backups: u32,
        period: PromisePeriod,
        good: &[&str],
        since: &str,
        now: &str,
    ) -> Option<String> {
        let promise = Promise { backups, period };
        let promise = PolicyPromise { policy: "careful".into(), promise, since: at(since) };
        let good: Vec<_> = good.iter().map(|text| at(text)).collect();
        let found = promise.broken(&good, DateTime::UNIX_EPOCH, at(now));
        found.map(|broken| broken.words())
    }

    #[test]
    fn the_last_full_period_counts_by_the_days_of_utc() {
        use PromisePeriod::{Day, Month, Week};
        let long_ago = "2026-01-01T00:00:00Z";
        // A Tuesday.
        let now = "2026-06-30T12:00:00Z";
        let two = ["2026-06-29T00:00:00Z", "2026-06-29T23:59:59Z"];
        assert_eq!(broken(2, Day, &two, long_ago, now), None);
        assert_eq!(
            broken(3, Day, &two, long_ago, now).unwrap(),
            "The policy careful promises at least 3 backups a day; on 2026-06-29 there were 2."
        );
        // What is of the day before or of today does not count.
        let beside = ["2026-06-28T23:59:59Z", "2026-06-30T00:00:00Z"];
        assert_eq!(
            broken(1, Day, &beside, long_ago, now).unwrap(),
            "The policy careful promises at least 1 backup a day; on 2026-06-29 there was none."
        );
        assert_eq!(broken(1, Week, &["2026-06-28T23:59:59Z"], long_ago, now), None);
        assert_eq!(
            broken(2, Week, &["2026-06-22T00:00:00Z", "2026-06-29T00:00:00Z"], long_ago, now)
                .unwrap(),
            "The policy careful promises at least 2 backups a week; in the week from 2026-06-22 there was 1."
        );
        assert_eq!(
            broken(1, Month, &["2026-06-01T00:00:00Z"], long_ago, now).unwrap(),
            "The policy careful promises at least 1 backup a month; in May 2026 there was none."
        );
        let january = "2026-01-31T12:00:00Z";
        assert_eq!(
            broken(1, Month, &["2025-12-31T00:00:00Z"], "2025-01-01T00:00:00Z", january),
            None
        );
    }

    #[test]
    fn a_time_that_it_did_not_hold_for_breaks_nothing() {
        let now = "2026-06-30T12:00:00Z";
        for (since, is_broken) in [
            ("2026-06-29T00:00:00Z", true),
            ("2026-06-29T00:00:01Z", false),
            ("2026-06-30T11:00:00Z", false),
        ] {
            assert_eq!(
                broken(1, PromisePeriod::Day, &[], since, now).is_some(),
                is_broken,
                "{since}"
            );
        }
        let promise = Promise { backups: 1, period: PromisePeriod::Month };
        let promise =
            PolicyPromise { policy: "p".into(), promise, since: at("2026-01-01T00:00:00Z") };
        assert_eq!(
            promise.broken(&[], at("2026-05-02T00:00:00Z"), at(now)),
            None,
            "half forgotten"
        );
    }
}
