//! A cron expression as plain lists of numbers, which every other scheduler can say in its own way.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;

use crate::model::CronExpression;
use crate::model::timing::Weekday;

/// Times of day on some days. Never both days of the month and of the week: dialects differ in what
/// that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub minutes: Vec<u32>,
    pub hours: Vec<u32>,
    /// Days of the month; `None` is every day.
    pub days: Option<Vec<u32>>,
    pub months: Vec<u32>,
    /// Days of the week, Sunday 0; `None` is every day.
    pub weekdays: Option<Vec<u32>>,
}

/// The times of an expression. Days that only our cron can say (`L`, `W`, `#`, `+`) become every
/// day of their months: `--due` knows which of them counts.
pub(super) fn times(expression: &CronExpression) -> Vec<Times> {
    let pattern = &expression.cron().pattern;
    let all = |range: std::ops::Range<u32>, matches: &dyn Fn(u32) -> bool| {
        range.filter(|value| matches(*value)).collect::<Vec<_>>()
    };
    let every_day = Times {
        minutes: all(0..60, &|minute| pattern.minute_match(minute).unwrap_or(false)),
        hours: all(0..24, &|hour| pattern.hour_match(hour).unwrap_or(false)),
        days: None,
        months: all(1..13, &|month| pattern.month_match(month).unwrap_or(false)),
        weekdays: None,
    };
    let text = expression.cron().pattern.as_str().replace('?', "*");
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [_, _, day, _, weekday] = fields[..] else { return vec![every_day] };
    let plain = |field: &str| field.chars().all(|c| c.is_ascii_digit() || "*,-/".contains(c));
    if (day == "*" && weekday == "*") || !plain(day) || !plain(weekday) {
        return vec![every_day];
    }
    // Each alone, matched against a month that begins on a Sunday and has 31 days.
    let matching = |alone: String, range: std::ops::Range<u32>, offset: u32| {
        let Ok(alone) = CronExpression::parse(&alone) else { return Vec::new() };
        all(range, &|value| {
            alone.cron().pattern.day_match(2023, 1, value + offset).unwrap_or(false)
        })
    };
    let mut both = Vec::new();
    if day != "*" {
        both.push(Times {
            days: Some(matching(format!("0 0 {day} * *"), 1..32, 0)),
            ..every_day.clone()
        });
    }
    if weekday != "*" {
        both.push(Times {
            weekdays: Some(matching(format!("0 0 * * {weekday}"), 0..7, 1)),
            ..every_day
        });
    }
    both
}

impl Times {
    /// Those of some instants in a zone, and perhaps others; `None` of none.
    pub fn at(instants: &[DateTime<Utc>], zone: Tz) -> Option<Self> {
        let all = |part: &dyn Fn(NaiveDateTime) -> u32| -> Vec<u32> {
            let local = instants.iter().map(|at| at.with_timezone(&zone).naive_local());
            local.map(part).collect::<BTreeSet<u32>>().into_iter().collect()
        };
        (!instants.is_empty()).then(|| Self {
            minutes: all(&|local| local.minute()),
            hours: all(&|local| local.hour()),
            days: None,
            months: all(&|local| local.month()),
            weekdays: Some(all(&|local| local.weekday().num_days_from_sunday())),
        })
    }

    /// Whether a local time is one of them.
    pub fn matches(&self, local: NaiveDateTime) -> bool {
        let day = local.weekday().num_days_from_sunday();
        self.minutes.contains(&local.minute())
            && self.hours.contains(&local.hour())
            && self.months.contains(&local.month())
            && self.days.as_ref().is_none_or(|days| days.contains(&local.day()))
            && self.weekdays.as_ref().is_none_or(|weekdays| weekdays.contains(&day))
    }

    /// As a cron expression that every cron reads alike.
    pub fn cron(&self) -> String {
        let days = self.days.as_deref().map_or("*".into(), |days| list(days, 31, "-", 1));
        let weekdays =
            self.weekdays.as_deref().map_or("*".into(), |weekdays| list(weekdays, 7, "-", 1));
        let [minutes, hours, months] = [(&self.minutes, 60), (&self.hours, 24), (&self.months, 12)]
            .map(|(values, most)| list(values, most, "-", 1));
        format!("{minutes} {hours} {days} {months} {weekdays}")
    }

    /// As a calendar event of systemd.
    pub fn systemd(&self, zone: &str) -> String {
        let weekdays = self.weekdays.as_deref().map_or(String::new(), |weekdays| {
            let names: Vec<&str> =
                weekdays.iter().map(|day| &Weekday::ALL[*day as usize].name()[..3]).collect();
            format!("{} ", names.join(","))
        });
        let days = self.days.as_deref().map_or("*".into(), |days| list(days, 31, "..", 2));
        let [minutes, hours, months] = [(&self.minutes, 60), (&self.hours, 24), (&self.months, 12)]
            .map(|(values, most)| list(values, most, "..", 2));
        format!("{weekdays}*-{months}-{days} {hours}:{minutes}:00 {zone}")
    }

    /// At least as often as this, whatever the time zone: offsets are multiples of a quarter of an
    /// hour.
    pub fn in_any_zone(&self) -> Self {
        let minutes = (0..60)
            .filter(|minute| self.minutes.iter().any(|own| own % 15 == minute % 15))
            .collect();
        Self {
            minutes,
            hours: (0..24).collect(),
            days: None,
            months: (1..13).collect(),
            weekdays: None,
        }
    }
}

/// `0,15,30`, `1-5`, or `*` if there are as many as there can be; numbers of at least `width`
/// digits.
fn list(values: &[u32], most: usize, to: &str, width: usize) -> String {
    if values.len() == most {
        return "*".into();
    }
    let runs = values.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{first:0width$}{to}{last:0width$}"),
        _ => run.iter().map(|value| format!("{value:0width$}")).collect::<Vec<_>>().join(","),
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_gets_plain_numbers() {
        for (cron, expected) in [
            ("30 2 * * *", &["30 2 * * *"][..]),
            ("*/15 8-18 * * MON-FRI", &["0,15,30,45 8-18 * * 1-5"]),
            ("0 0 * * 7", &["0 0 * * 0"]),
            ("@weekly", &["0 0 * * 0"]),
            ("0 3 1,15 * 5", &["0 3 1,15 * *", "0 3 * * 5"]),
            ("0 3 L 6 *", &["0 3 * 6 *"]),
            ("0 3 * * 5#2", &["0 3 * * *"]),
            ("0 3 ? * 0", &["0 3 * * 0"]),
        ] {
            let expression = CronExpression::parse(cron).unwrap();
            let found: Vec<String> = times(&expression).iter().map(Times::cron).collect();
            assert_eq!(found, expected, "{cron}");
        }
    }

    #[test]
    fn systemd_gets_its_own_form() {
        let one =
            |cron: &str| times(&CronExpression::parse(cron).unwrap())[0].systemd("Europe/Berlin");
        assert_eq!(one("30 2 * * *"), "*-*-* 02:30:00 Europe/Berlin");
        assert_eq!(
            one("0,30 8-18 * 1-3 1-5"),
            "mon,tue,wed,thu,fri *-01..03-* 08..18:00,30:00 Europe/Berlin"
        );
    }

    #[test]
    fn another_zones_time_is_met_in_each_quarter() {
        let times = &times(&CronExpression::parse("5 2 1 * *").unwrap())[0];
        assert_eq!(times.in_any_zone().cron(), "5,20,35,50 * * * *");
    }
}
