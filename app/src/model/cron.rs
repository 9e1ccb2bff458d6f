//! Cron expressions in a time zone: which instants are slots.
//!
//! The expression speaks of local time. Where the offset changes, three rules hold:
//! - a slot that falls into the gap comes once, at the first instant after it;
//! - a slot in the repeated hour comes once, the first time;
//! - but an expression that names every hour goes on through the repeated hour: else it would pause
//!   for one.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, SubsecRound, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

use super::invalid::Invalid;

/// Maximum length of an expression, in bytes.
const MAX_EXPRESSION_BYTES: usize = 200;

/// Expressions that were read: to read one takes a hundred times as long as to ask it, and the
/// scheduler asks all of them.
static PARSED: LazyLock<Mutex<HashMap<String, CronExpression>>> = LazyLock::new(Mutex::default);

/// Maximum number of expressions that are remembered.
const MAX_PARSED_EXPRESSIONS: usize = 1000;

/// A valid cron expression of five fields (minute, hour, day of month, month, day of week).
#[derive(Clone, Debug)]
pub struct CronExpression {
    text: String,
    cron: Arc<Cron>,
    every_hour: bool,
}

impl CronExpression {
    /// Reads an expression such as `30 2 * * 1-5`, or a nickname such as `@daily`. As in every
    /// cron, a day matches when either the day of month or the day of week does, if both are given.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wrong = |why: &str| {
            let shown: String =
                text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect();
            Invalid(format!(
                "schedule \"{shown}\": {why}; write five fields, such as \"30 2 * * 1-5\" for 02:30 from Monday to Friday"
            ))
        };
        if text.len() > MAX_EXPRESSION_BYTES {
            return Err(wrong(&format!("longer than {MAX_EXPRESSION_BYTES} characters")));
        }
        let mut read = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(expression) = read.get(&text) {
            return Ok(expression.clone());
        }
        if !text.starts_with('@') && text.split(' ').count() != 5 {
            return Err(wrong("not five fields"));
        }
        if text.split(' ').any(|field| field.split(',').any(str::is_empty)) {
            return Err(wrong("an empty item in a list"));
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(&text)
            .map_err(|error| wrong(error.to_string().trim_end_matches('.')))?;
        let every_hour = cron.pattern.hours.is_all_set();
        let expression = Self { text, cron: Arc::new(cron), every_hour };
        if !expression.ever_comes() {
            return Err(Invalid(format!(
                "schedule \"{}\": no such day ever comes; check the day of month and the month",
                expression.text
            )));
        }
        if read.len() >= MAX_PARSED_EXPRESSIONS {
            read.clear();
        }
        read.insert(expression.text.clone(), expression.clone());
        Ok(expression)
    }

    /// Looked up in nine years with two leap days: the library would search up to the year 5000.
    fn ever_comes(&self) -> bool {
        let pattern = &self.cron.pattern;
        let first = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
        let comes = |day: NaiveDate| {
            Ok::<_, CronError>(
                pattern.month_match(day.month())?
                    && pattern.day_match(day.year(), day.month(), day.day())?,
            )
        };
        first.iter_days().take(366 * 9).any(|day| comes(day).unwrap_or(false))
    }

    /// The expression as it was given, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn cron(&self) -> &Cron {
        &self.cron
    }

    /// The first slot after an instant (never the instant itself).
    pub fn next_after(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (mut from, mut inclusive) = (after.trunc_subsecs(0), false);
        loop {
            let offset = offset(zone, from);
            let local = self.next_local(from.naive_utc() + offset, inclusive)?;
            let slot = (local - offset).and_utc();
            if let Some(change) = offset_change(zone, from, slot) {
                if local < change.naive_utc() + self::offset(zone, change)
                    && local >= change.naive_utc() + offset
                {
                    return Some(change);
                }
                (from, inclusive) = (change, true);
            } else if !self.every_hour
                && zone.from_local_datetime(&local).earliest() != Some(slot.with_timezone(&zone))
            {
                (from, inclusive) = (slot, false);
            } else {
                return Some(slot);
            }
        }
    }

    /// The last slot after `after` and not after `until`, found without going through those
    /// between.
    pub fn latest(
        &self,
        zone: Tz,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let comes = |from| self.next_after(zone, from).filter(|slot| *slot <= until);
        let (mut low, mut high) = (after.trunc_subsecs(0), until);
        let mut found = comes(low)?;
        while high - low > TimeDelta::seconds(1) {
            let middle = (low + (high - low) / 2).trunc_subsecs(0);
            if middle <= low {
                break;
            }
            match comes(middle) {
                Some(slot) => (low, found) = (slot.max(middle), slot),
                None => high = middle,
            }
        }
        while let Some(slot) = comes(found) {
            found = slot;
        }
        Some(found)
    }

    /// Looks it up as if local time had no jumps: these are dealt with above, by rules that the
    /// library does not share.
    fn next_local(&self, from: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        self.cron.find_next_occurrence(&from.and_utc(), inclusive).ok().map(|next| next.naive_utc())
    }
}

/// A change of a zone's offset from UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OffsetChange {
    /// The first instant with the new one.
    pub(crate) at: DateTime<Utc>,
    /// The offset until then.
    pub(crate) before: TimeDelta,
    /// The offset from then on.
    pub(crate) after: TimeDelta,
}

/// The changes of a zone's offset after an instant and not after another one.
pub(crate) fn offset_changes(
    zone: Tz,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> impl Iterator<Item = OffsetChange> {
    let next = move |from: DateTime<Utc>| offset_change(zone, from, until);
    std::iter::successors(next(after), move |at| next(*at)).map(move |at| OffsetChange {
        at,
        before: offset(zone, at - TimeDelta::seconds(1)),
        after: offset(zone, at),
    })
}

fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(
        zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into(),
    )
}

/// The first instant after `from` and not after `until` with another offset than at `from`.
fn offset_change(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let before = offset(zone, from);
    let (mut low, mut high) = (from, from);
    // No zone changes its offset twice within a day.
    while offset(zone, high) == before {
        if high >= until {
            return None;
        }
        low = high;
        high = (high + TimeDelta::days(1)).min(until);
    }
    while high - low > TimeDelta::seconds(1) {
        let middle = (low + (high - low) / 2).trunc_subsecs(0);
        if offset(zone, middle) == before { low = middle } else { high = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn slots(cron: &str, zone: Tz, from: &str, until: &str) -> Vec<String> {
        let (cron, mut from, until) = (CronExpression::parse(cron).unwrap(), at(from), at(until));
        let mut found = Vec::new();
        while let Some(slot) = cron.next_after(zone, from).filter(|slot| *slot <= until) {
            found.push(slot.with_timezone(&zone).format("%d %H:%M%z").to_string());
            from = slot;
        }
        found
    }

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    #[test]
    fn an_ordinary_day() {
        assert_eq!(
            slots("30 2,14 * * *", BERLIN, "2026-06-01T00:00:00Z", "2026-06-02T06:00:00Z"),
            ["01 02:30+0200", "01 14:30+0200", "02 02:30+0200"]
        );
        let cron = CronExpression::parse("30 2 * * *").unwrap();
        let slot = at("2026-06-01T02:30:00Z");
        assert_eq!(cron.next_after(Tz::UTC, slot - TimeDelta::milliseconds(1)), Some(slot));
        assert_eq!(cron.next_after(Tz::UTC, slot), Some(slot + TimeDelta::days(1)));
        assert_eq!(
            cron.next_after(Tz::UTC, slot + TimeDelta::milliseconds(1)),
            Some(slot + TimeDelta::days(1))
        );
    }

    #[test]
    fn a_slot_in_the_gap_comes_once_right_after_it() {
        // 29 March 2026: 02:00 is followed by 03:00.
        let (from, until) = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(slots("30 2 * * *", BERLIN, from, until), ["29 03:00+0200", "30 02:30+0200"]);
        assert_eq!(slots("0 2 * * *", BERLIN, from, until), ["29 03:00+0200", "30 02:00+0200"]);
        assert_eq!(
            slots("0,20,40 2,3 29 * *", BERLIN, from, until),
            ["29 03:00+0200", "29 03:20+0200", "29 03:40+0200"]
        );
        assert_eq!(
            slots("0 * * * *", BERLIN, "2026-03-28T23:30:00Z", "2026-03-29T02:00:00Z"),
            ["29 01:00+0100", "29 03:00+0200", "29 04:00+0200"]
        );
        // A whole day that Samoa left out.
        assert_eq!(
            slots(
                "0 9 * * *",
                chrono_tz::Pacific::Apia,
                "2011-12-29T18:00:00Z",
                "2011-12-31T10:00:00Z"
            ),
            ["29 09:00-1000", "31 00:00+1400", "31 09:00+1400"]
        );
    }

    #[test]
    fn a_slot_in_the_repeated_hour_comes_once() {
        // 25 October 2026: 03:00 is followed by 02:00.
        let (from, until) = ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(slots("30 2 * * *", BERLIN, from, until), ["25 02:30+0200", "26 02:30+0100"]);
        assert_eq!(
            slots("0 2,3 * * *", BERLIN, from, until),
            ["25 02:00+0200", "25 03:00+0100", "26 02:00+0100", "26 03:00+0100"]
        );
        // What runs in every hour does not pause for one.
        assert_eq!(
            slots("*/30 * * * *", BERLIN, "2026-10-24T23:45:00Z", "2026-10-25T02:00:00Z"),
            ["25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100"]
        );
        // Every six hours does not come twice in the two hours that the Azores call 00.
        assert_eq!(
            slots(
                "0 */6 * * *",
                chrono_tz::Atlantic::Azores,
                "2026-10-24T23:30:00Z",
                "2026-10-25T08:00:00Z"
            ),
            ["25 00:00+0000", "25 06:00-0100"]
        );
    }

    #[test]
    fn rare_slots() {
        assert_eq!(
            slots("0 0 29 2 *", Tz::UTC, "2026-01-01T00:00:00Z", "2033-01-01T00:00:00Z").len(),
            2
        );
        assert_eq!(
            slots("0 0 L * *", Tz::UTC, "2026-01-01T00:00:00Z", "2026-03-02T00:00:00Z"),
            ["31 00:00+0000", "28 00:00+0000"]
        );
        assert_eq!(
            slots("0 0 13 * 5", Tz::UTC, "2026-02-01T00:00:00Z", "2026-02-14T00:00:00Z"),
            ["06 00:00+0000", "13 00:00+0000"]
        );
    }

    #[test]
    fn the_latest_slot_is_the_one_found_by_going_through_all() {
        for (cron, zone) in [
            ("*/7 * * * *", BERLIN),
            ("30 2 * * *", BERLIN),
            ("0 3 * * 1", BERLIN),
            ("0 0 1 1 *", Tz::UTC),
        ] {
            let expression = CronExpression::parse(cron).unwrap();
            let start = at("2026-10-20T00:00:00Z");
            for minutes in [0, 1, 5, 60, 1000, 5 * 1440 + 61, 5 * 1440 + 121, 8 * 1440] {
                let until = start + TimeDelta::minutes(minutes);
                let (mut all, mut from) = (None, start);
                while let Some(slot) =
                    expression.next_after(zone, from).filter(|slot| *slot <= until)
                {
                    (all, from) = (Some(slot), slot);
                }
                assert_eq!(expression.latest(zone, start, until), all, "{cron} {minutes}");
            }
        }
    }

    #[test]
    fn bad_expressions_get_one_clear_line() {
        for (text, word) in [
            ("", "not five fields"),
            ("0 2 * *", "not five fields"),
            ("0 0 2 * * *", "not five fields"),
            ("60 2 * * *", "out of bounds"),
            ("a 2 * * *", "illegal character 'A'"),
            ("0 2,,3 * * *", "empty item"),
            ("0 2 30 2 *", "no such day"),
            ("@reboot", "schedule \"@reboot\""),
            ("0 2 * * \u{7}", "schedule \"0 2 * * ?\""),
            ("*/0 * * * *", "schedule"),
        ] {
            let error = CronExpression::parse(text).expect_err(text).to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{text:?}: {error}");
        }
        assert!(CronExpression::parse(&"1,".repeat(300)).is_err());
    }
}
