//! Pauses: for how long schedules run nothing.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::invalid::Invalid;

/// Maximum length of a pause: one that is longer was meant for a schedule to be turned off.
const MAX_PAUSE: TimeDelta = TimeDelta::days(366);

/// No clock leaves out more.
const MINUTES_A_DAY: i64 = 24 * 60;

/// A stretch of time in which schedules run nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// From when.
    pub since: DateTime<Utc>,
    /// Until when, exclusive.
    pub until: DateTime<Utc>,
}

impl Pause {
    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.since <= at && at < self.until
    }
}

/// The newest pause of an app, and that of all apps; they may be over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The app's own.
    pub own: Option<Pause>,
    /// Of all apps.
    pub all: Option<Pause>,
}

impl Pauses {
    /// Until when schedules run nothing that would run at this time; `None` if they run.
    pub fn until(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let both = [self.own, self.all].into_iter().flatten();
        both.filter(|pause| pause.covers(at)).map(|pause| pause.until).max()
    }
}

/// Reads until when a pause goes: `2026-12-24 08:00` or `2026-12-24` in a time zone, with a `T`
/// between them too, an instant such as `2026-12-24T08:00:00Z`, or `3d`, `12h` and `45m` from now.
///
/// # Errors
///
/// One line that says what is wrong and what to write.
pub fn parse_until(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<DateTime<Utc>, Invalid> {
    let text = text.trim();
    let until = read(text, zone, now).ok_or_else(|| {
        let shown: String = text.escape_debug().take(60).collect();
        Invalid(format!(
            "time \"{shown}\" cannot be read; write \"2026-12-24 08:00\" (in {zone}), a day such as \"2026-12-24\", or \"3d\", \"12h\", \"45m\" from now"
        ))
    })?;
    check_until(until, now)?;
    Ok(until)
}

/// Whether a pause may go until then.
///
/// # Errors
///
/// One line that says what is wrong and what to write.
pub fn check_until(until: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Invalid> {
    let shown = until.format("%Y-%m-%d %H:%M UTC");
    if until <= now {
        return Err(Invalid(format!(
            "a pause until {shown} is over already; write a time to come"
        )));
    }
    if until - now > MAX_PAUSE {
        return Err(Invalid(format!(
            "a pause until {shown} is longer than a year; write an earlier time, or turn the schedules off"
        )));
    }
    Ok(())
}

fn read(text: &str, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    if let Some((number, unit)) = text.split_at_checked(text.len().saturating_sub(1))
        && let Ok(count) = number.trim().parse::<i64>()
    {
        let length = match unit {
            "d" => TimeDelta::try_days(count),
            "h" => TimeDelta::try_hours(count),
            "m" => TimeDelta::try_minutes(count),
            _ => None,
        };
        return now.checked_add_signed(length?);
    }
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let local = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| {
            Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN))
        })?;
    // A time that the clock leaves out is taken as the first one after it.
    let after = |minutes: i64| {
        let local = local.checked_add_signed(TimeDelta::minutes(minutes))?;
        zone.from_local_datetime(&local).earliest()
    };
    (0..=MINUTES_A_DAY).find_map(after).map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_read_as_people_write_it() {
        let (now, zone) = (at("2026-06-01T10:00:00Z"), chrono_tz::Europe::Berlin);
        for (text, instant) in [
            ("2026-06-03 08:00", "2026-06-03T06:00:00Z"),
            ("2026-06-03T08:00", "2026-06-03T06:00:00Z"),
            ("2026-06-03", "2026-06-02T22:00:00Z"),
            ("2026-06-03T08:00:00+01:00", "2026-06-03T07:00:00Z"),
            (" 3d ", "2026-06-04T10:00:00Z"),
            ("12h", "2026-06-01T22:00:00Z"),
        ] {
            assert_eq!(parse_until(text, zone, now), Ok(at(instant)), "{text}");
        }
        for (text, part) in [
            ("", "cannot be read"),
            ("d", "cannot be read"),
            ("ä", "cannot be read"),
            ("tomorrow\n", "cannot be read; write \"2026-12-24 08:00\" (in Europe/Berlin)"),
            ("99999999999999d", "cannot be read"),
            ("2026-06-01 11:59", "until 2026-06-01 09:59 UTC is over already"),
            ("-1h", "is over already"),
            ("400d", "longer than a year"),
        ] {
            let error = parse_until(text, zone, now).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_time_that_no_clock_shows_is_the_first_one_after_it() {
        // 02:30 was left out in Berlin, midnight in Beirut, and a whole day in Samoa.
        for (text, zone, instant) in [
            ("2026-03-29 02:30", chrono_tz::Europe::Berlin, "2026-03-29T01:00:00Z"),
            ("2021-03-28", chrono_tz::Asia::Beirut, "2021-03-27T22:00:00Z"),
            ("2011-12-30 08:00", chrono_tz::Pacific::Apia, "2011-12-30T10:00:00Z"),
        ] {
            let (instant, now) = (at(instant), at(instant) - TimeDelta::days(3));
            assert_eq!(parse_until(text, zone, now), Ok(instant), "{text}");
        }
    }

    #[test]
    fn the_later_end_of_both_pauses_counts() {
        let pause = |since: &str, until: &str| Some(Pause { since: at(since), until: at(until) });
        let own = pause("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z");
        let all = pause("2026-06-01T12:00:00Z", "2026-06-03T00:00:00Z");
        let pauses = Pauses { own, all };
        assert_eq!(pauses.until(at("2026-06-01T06:00:00Z")), own.map(|own| own.until));
        assert_eq!(pauses.until(at("2026-06-01T18:00:00Z")), all.map(|all| all.until));
        assert_eq!(pauses.until(at("2026-06-03T00:00:00Z")), None);
        assert_eq!(Pauses::default().until(at("2026-06-03T00:00:00Z")), None);
    }
}
