//! When an app's schedules come, for every form of export.

use chrono_tz::Tz;

use super::calendar::{self, Times};
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
}
