//! The nights on which the clocks change.
//!
//! A scheduler by local time has no 02:30 where 03:00 follows 02:00; our cron has a slot at 03:00
//! then. And systemd (252) leaves out the second of two hours of one name, through which what runs
//! in every hour goes on.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::calendar::Times;
use crate::model::offset_changes;

/// The years whose changes are looked at: in so many, a change by a day of the week has been on each
/// of its dates. The clock is not asked, so that a schedule is always exported alike.
const YEARS: std::ops::Range<i32> = 2026..2038;

/// The slots right after a gap, of times that lie in it.
pub(super) fn after_gaps(times: &Times, zone: Tz) -> Vec<DateTime<Utc>> {
    let lie_in_gap = offset_changes(zone, begin(YEARS.start), begin(YEARS.end)).filter(|change| {
        let at = change.at.naive_utc();
        let (first, next) = (at + change.before, at + change.after);
        minutes(first, next).any(|minute| times.matches(minute)) && !times.matches(next)
    });
    lie_in_gap.map(|change| change.at).collect()
}

/// The slots in an hour that comes twice, the second time: only times in every hour have any.
pub(super) fn repeated(times: &Times, zone: Tz) -> Vec<DateTime<Utc>> {
    if times.hours.len() < 24 {
        return Vec::new();
    }
    let mut slots = Vec::new();
    for change in offset_changes(zone, begin(YEARS.start), begin(YEARS.end)) {
        let at = change.at.naive_utc();
        let again = minutes(at, at + (change.before - change.after));
        let matching = again.filter(|minute| times.matches(*minute + change.after));
        slots.extend(matching.map(|minute| minute.and_utc()));
    }
    slots
}

/// The minutes from one on and before another; none if that is not later.
fn minutes(first: NaiveDateTime, next: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
    std::iter::successors(Some(first), |minute| Some(*minute + TimeDelta::minutes(1)))
        .take_while(move |minute| *minute < next)
}

fn begin(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).earliest().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::calendar::times;
    use crate::model::CronExpression;

    fn told(slots: &[DateTime<Utc>], zone: Tz) -> Option<String> {
        Times::at(slots, zone).map(|times| times.cron())
    }

    #[test]
    fn what_lies_in_a_gap_comes_right_after_it() {
        for (zone, cron, expected) in [
            (chrono_tz::Europe::Berlin, "30 2 * * *", Some("0 3 * 3 0")),
            (chrono_tz::Europe::Berlin, "30 3 * * *", None),
            (chrono_tz::Europe::Berlin, "*/30 * * * *", None),
            (chrono_tz::Europe::Berlin, "30 2 * 4 *", None),
            (chrono_tz::America::New_York, "0 2 * * *", Some("0 3 * 3 0")),
            (chrono_tz::America::Nuuk, "15 23 * * *", Some("0 0 * 3 0")),
            (chrono_tz::Australia::Lord_Howe, "0 2 * * *", Some("30 2 * 10 0")),
            (Tz::UTC, "30 2 * * *", None),
        ] {
            let times = &times(&CronExpression::parse(cron).unwrap())[0];
            let found = told(&after_gaps(times, zone), zone);
            assert_eq!(found.as_deref(), expected, "{zone} {cron}");
        }
    }

    #[test]
    fn what_runs_in_every_hour_goes_on_through_one_that_comes_twice() {
        let of = |cron: &str| {
            let times = &times(&CronExpression::parse(cron).unwrap())[0];
            told(&repeated(times, chrono_tz::Europe::Berlin), Tz::UTC)
        };
        assert_eq!(of("20,50 * * * *").as_deref(), Some("20,50 1 * 10 0"));
        assert_eq!(of("30 0-22 * * *"), None);
    }
}
