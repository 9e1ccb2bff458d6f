//! The next runs of a schedule, as the server computes them.

use chrono::Utc;
use chrono_tz::OffsetName;

use super::when::When as Fields;
use crate::schedule::Calendar;
use crate::web::pages::error::sentence;
use crate::web::pages::format::When;

/// So many runs are shown.
const RUNS: usize = 5;

/// The next runs, or what is wrong with the fields.
pub struct Preview {
    /// In the schedule's own time zone: `Mon 1 Jun 2026 02:30 CEST`.
    pub runs: Vec<(String, When)>,
    /// What is wrong with when it runs.
    pub fault: Option<String>,
    /// What is wrong with the time zone.
    pub zone_fault: Option<String>,
}

impl Preview {
    /// Of what a form holds.
    pub fn new(when: &Fields, zone: &str) -> Self {
        let none = Self { runs: Vec::new(), fault: None, zone_fault: None };
        let cron = match when.cron() {
            Ok(cron) => cron,
            Err(error) => return Self { fault: Some(sentence(&error)), zone_fault: zone_fault(zone), ..none },
        };
        match Calendar::new(&cron, zone) {
            Ok(calendar) => {
                let zone = calendar.zone();
                let shown = |at: chrono::DateTime<Utc>| {
                    let local = at.with_timezone(&zone);
                    let name = local.offset().abbreviation().map_or_else(|| local.format("%:z").to_string(), str::to_owned);
                    (format!("{} {name}", local.format("%a %-d %b %Y %H:%M")), When(at))
                };
                Self { runs: calendar.upcoming(Utc::now()).take(RUNS).map(shown).collect(), ..none }
            }
            Err(error) if zone_fault(zone).is_some() => Self { zone_fault: Some(sentence(&error.to_string())), ..none },
            Err(error) => Self { fault: Some(sentence(&error.to_string())), ..none },
        }
    }
}

/// What is wrong with the name of a time zone.
fn zone_fault(zone: &str) -> Option<String> {
    // Of any schedule.
    Calendar::new("0 0 * * *", zone).err().map(|error| sentence(&error.to_string()))
}
