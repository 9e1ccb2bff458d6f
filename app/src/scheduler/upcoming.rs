//! What comes next, for a page to show.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::state::EffectiveSchedule;

/// The next run of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextRun {
    /// When.
    pub at: DateTime<Utc>,
    /// Of which schedule.
    #[serde(flatten)]
    pub schedule: EffectiveSchedule,
}

/// The next run of each enabled schedule, the soonest first; of one that is paused the first after
/// its pause.
pub fn next_runs(schedules: Vec<EffectiveSchedule>, now: DateTime<Utc>) -> Vec<NextRun> {
    let next = |schedule: EffectiveSchedule| {
        let spec = &schedule.schedule.spec;
        let at = spec.enabled.then(|| next_after(&schedule, now)).flatten()?;
        Some(NextRun { at, schedule })
    };
    let mut runs: Vec<NextRun> = schedules.into_iter().filter_map(next).collect();
    runs.sort_by(|a, b| {
        (a.at, &a.schedule.app_name, a.schedule.schedule.id).cmp(&(
            b.at,
            &b.schedule.app_name,
            b.schedule.schedule.id,
        ))
    });
    runs
}

fn next_after(schedule: &EffectiveSchedule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (calendar, pauses) = (schedule.calendar().ok()?, schedule.pauses);
    let mut slot = calendar.next_to_begin(now)?;
    // Each pause has one end.
    while let Some(until) = pauses.until(slot) {
        slot = calendar.next_after(until - TimeDelta::milliseconds(1))?;
    }
    Some(calendar.begins(slot))
}
