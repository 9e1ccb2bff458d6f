//! The next runs of a schedule, as the server computes them.

use chrono::{DateTime, Utc};
use chrono_tz::OffsetName;

use super::timing_fields::TimingFields;
use crate::pages::error::sentence;
use crate::pages::format::DisplayTime;
use source_app::model::Calendar;

/// Maximum number of runs that are shown.
const MAX_RUNS_SHOWN: usize = 5;

/// The next runs, or what is wrong with the fields.
pub struct SchedulePreview {
    /// In the schedule's own time zone: `Mon 1 Jun 2026 02:30 CEST`.
    pub runs: Vec<(String, DisplayTime)>,
    /// What is wrong with when it runs.
    pub fault: Option<String>,
    /// What is wrong with the time zone.
    pub zone_fault: Option<String>,
}

impl SchedulePreview {
    /// Of what a form holds.
    pub fn new(when: &TimingFields, zone: &str, now: DateTime<Utc>) -> Self {
        let none = Self { runs: Vec::new(), fault: None, zone_fault: None };
        let cron = match when.cron() {
            Ok(cron) => cron,
            Err(error) => {
                return Self {
                    fault: Some(sentence(&error)),
                    zone_fault: zone_fault(zone),
                    ..none
                };
            }
        };
        match Calendar::new(&cron, zone) {
            Ok(calendar) => {
                let zone = calendar.zone();
                let shown = |at: DateTime<Utc>| {
                    let local = at.with_timezone(&zone);
                    let name = local
                        .offset()
                        .abbreviation()
                        .map_or_else(|| local.format("%:z").to_string(), str::to_owned);
                    (format!("{} {name}", local.format("%a %-d %b %Y %H:%M")), DisplayTime(at))
                };
                Self {
                    runs: calendar.upcoming(now).take(MAX_RUNS_SHOWN).map(shown).collect(),
                    ..none
                }
            }
            Err(error) if zone_fault(zone).is_some() => {
                Self { zone_fault: Some(sentence(&error.to_string())), ..none }
            }
            Err(error) => Self { fault: Some(sentence(&error.to_string())), ..none },
        }
    }
}

/// What is wrong with the name of a time zone.
fn zone_fault(zone: &str) -> Option<String> {
    // Of any schedule.
    Calendar::new("0 0 * * *", zone).err().map(|error| sentence(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(cron: &str, zone: &str, now: &str) -> Vec<String> {
        let fields =
            TimingFields { choice: "cron".into(), cron: cron.into(), ..TimingFields::default() };
        SchedulePreview::new(&fields, zone, now.parse().unwrap())
            .runs
            .into_iter()
            .map(|(local, _)| local)
            .collect()
    }

    #[test]
    fn the_clocks_are_put_back_and_on() {
        let autumn = runs("30 2 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z");
        assert_eq!(
            autumn[..3],
            [
                "Sat 24 Oct 2026 02:30 CEST",
                "Sun 25 Oct 2026 02:30 CEST",
                "Mon 26 Oct 2026 02:30 CET"
            ]
        );
        let spring = runs("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z");
        assert_eq!(
            spring[..3],
            [
                "Sat 28 Mar 2026 02:30 CET",
                "Sun 29 Mar 2026 03:00 CEST",
                "Mon 30 Mar 2026 02:30 CEST"
            ]
        );
        assert_eq!(
            runs("0 0 1 * *", "Asia/Kolkata", "2026-01-01T00:00:00Z")[0],
            "Sun 1 Feb 2026 00:00 IST"
        );
    }
}
