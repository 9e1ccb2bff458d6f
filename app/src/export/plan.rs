//! When an app's schedules come, for every form of export.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::calendar::{self, Times};
use super::clock_changes;
use crate::model::{Calendar, Invalid};
use crate::state::EffectiveSchedule;

/// An app's name and when its enabled schedules come.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) app: String,
    pub(super) calendars: Vec<Calendar>,
}

impl Plan {
    /// # Errors
    ///
    /// The app has no enabled schedule.
    pub(super) fn new(app: &str, schedules: &[EffectiveSchedule]) -> Result<Self, Invalid> {
        let enabled = schedules
            .iter()
            .filter(|schedule| schedule.app_name == app && schedule.schedule.spec.enabled);
        let calendars: Vec<Calendar> =
            enabled.map(|schedule| schedule.schedule.spec.calendar()).collect::<Result<_, _>>()?;
        if calendars.is_empty() {
            return Err(Invalid(format!(
                "app {app} has no enabled schedule; add one, or a policy that gives it one"
            )));
        }
        Ok(Self { app: app.to_owned(), calendars })
    }

    /// Every time of every schedule once.
    pub(super) fn times(&self) -> Vec<(Times, Tz)> {
        let mut all = Vec::new();
        for calendar in &self.calendars {
            for times in calendar::times(calendar.expression()) {
                let entry = (times, calendar.zone());
                if !all.contains(&entry) {
                    all.push(entry);
                }
            }
        }
        all
    }

    /// The times of slots that have none in [`Plan::times`], as the clocks pass over it, in a zone or
    /// each in its own. They are few: `--due` knows on which night there is something to do.
    pub(super) fn after_gaps(&self, told_in: Option<Tz>) -> Vec<(Times, Tz)> {
        self.beside(|times, zone| (clock_changes::after_gaps(times, zone), told_in.unwrap_or(zone)))
    }

    /// The times of slots whose local time was there before, in UTC.
    pub(super) fn repeated(&self) -> Vec<(Times, Tz)> {
        self.beside(|times, zone| (clock_changes::repeated(times, zone), Tz::UTC))
    }

    /// Of each time, those of some slots in a zone.
    fn beside(&self, slots: impl Fn(&Times, Tz) -> (Vec<DateTime<Utc>>, Tz)) -> Vec<(Times, Tz)> {
        let mut all = Vec::new();
        for (times, zone) in self.times() {
            let (slots, zone) = slots(&times, zone);
            if let Some(times) = Times::at(&slots, zone)
                && !all.contains(&(times.clone(), zone))
            {
                all.push((times, zone));
            }
        }
        all
    }
}
