//! What tasks cost a drive that counts calls and volume.

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use crate::model::{count_text, size_text};
use crate::state::{AppId, SpentCalls, State, StateError};

/// OpenDrive's day of downloads begins at noon there.
const VOLUME_ZONE: chrono_tz::Tz = chrono_tz::America::Los_Angeles;

/// The protocol of drives that have such a day.
const WITH_VOLUME: &str = "opendrive";

/// What was used in a day and in 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SpentSpans {
    /// In the last 24 hours.
    pub day: SpentCalls,
    /// In the last 30 days.
    pub month: SpentCalls,
}

/// What an account may download in a day, as far as tasks of this console were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DailyVolume {
    /// Since when it counts: the last noon Pacific time.
    pub since: DateTime<Utc>,
    /// When it counts anew.
    pub until: DateTime<Utc>,
    /// How many tasks were told that it is used up; `None` if of no task that is known.
    pub used_up: Option<u64>,
    /// Bytes of it that these tasks used; `None` if that is known of none. Others may use the
    /// account too: the drive does not tell how much is left.
    pub read: Option<u64>,
}

/// What an app costs its drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiBudget {
    /// Its own tasks.
    pub app: SpentSpans,
    /// Those of all apps of its resource.
    pub account: SpentSpans,
    /// Of a drive that limits downloads by the day.
    pub volume: Option<DailyVolume>,
}

impl SpentCalls {
    /// `12 tasks, 340 calls, 3 waits for 429, 1.5 MiB downloaded`.
    pub fn words(&self) -> String {
        let waits = |count: u64| match count {
            0 => "no wait for 429".to_owned(),
            count => format!("{} for 429", count_text(count, "wait")),
        };
        let mut words = vec![
            count_text(self.tasks, "task"),
            self.calls.map_or("calls not known".into(), |count| count_text(count, "call")),
            self.waits.map_or("waits for 429 not known".into(), waits),
        ];
        words.extend(self.read.map(|bytes| format!("{} downloaded", size_text(bytes))));
        words.join(", ")
    }
}

impl DailyVolume {
    /// What is known of it.
    pub fn words(&self) -> String {
        let read = self.read.map(size_text);
        let used = match (self.used_up, read) {
            (Some(1..), None) => "used up, as these tasks were told,".to_owned(),
            (Some(1..), Some(read)) => {
                format!("used up, as these tasks were told, {read} of it by them,")
            }
            (_, Some(read)) => {
                format!("at least {read} of it used, which is what these tasks did,")
            }
            (Some(0), None) => "not used up, as far as these tasks were told,".to_owned(),
            (None, None) => "not known how much of it is used".to_owned(),
        };
        let since = self.since.format("%Y-%m-%d %H:%M UTC");
        let until = self.until.format("%Y-%m-%d %H:%M UTC");
        format!(
            "{used} since {since}; OpenDrive gives 1,024 MB a day to a free account and 10,240 MB to a paid one, and counts anew at {until}"
        )
    }

    fn of(
        state: &State,
        apps: &[AppId],
        now: DateTime<Utc>,
    ) -> std::result::Result<Self, StateError> {
        let (since, until) = volume_day(now);
        let SpentCalls { used_up, read, .. } = spent(state, apps, since)?;
        Ok(Self { since, until, used_up, read })
    }
}

/// From noon to noon there, around a time.
fn volume_day(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    // By the date there: a day has 23 or 25 hours twice a year.
    let today = now.with_timezone(&VOLUME_ZONE).date_naive();
    let noon = |days: i64| {
        let local = today.and_time(NaiveTime::MIN) + TimeDelta::days(days) + TimeDelta::hours(12);
        VOLUME_ZONE.from_local_datetime(&local).earliest().map_or(now, |at| at.to_utc())
    };
    if noon(0) <= now { (noon(0), noon(1)) } else { (noon(-1), noon(0)) }
}

fn spent(
    state: &State,
    apps: &[AppId],
    since: DateTime<Utc>,
) -> std::result::Result<SpentCalls, StateError> {
    apps.iter()
        .try_fold(SpentCalls::default(), |sum, app| Ok(sum.and(state.spent_calls(*app, since)?)))
}

impl Service {
    /// What an app and its account were used for, as far as it is known.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn budget(&self, id: AppId) -> Result<ApiBudget> {
        self.state(move |state| {
            let (app, now) = (state.app(id)?, Utc::now());
            let siblings: Vec<AppId> =
                state.apps_of(&app.spec.resource.name)?.iter().map(|app| app.id).collect();
            let spans = |apps: &[AppId]| {
                Ok::<_, StateError>(SpentSpans {
                    day: spent(state, apps, now - TimeDelta::days(1))?,
                    month: spent(state, apps, now - TimeDelta::days(30))?,
                })
            };
            let volume = (app.spec.protocol == WITH_VOLUME)
                .then(|| DailyVolume::of(state, &siblings, now))
                .transpose()?;
            Ok(ApiBudget { app: spans(&[id])?, account: spans(&siblings)?, volume })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_downloads_is_from_noon_to_noon_over_there() {
        let day = |now: &str| {
            let (since, until) = volume_day(now.parse().unwrap());
            (since.to_rfc3339(), until.to_rfc3339())
        };
        let times = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        // In summer noon is 19:00 UTC, in winter 20:00.
        let first = times("2026-06-01T19:00:00+00:00", "2026-06-02T19:00:00+00:00");
        assert_eq!(day("2026-06-01T19:00:00Z"), first);
        assert_eq!(day("2026-06-02T18:59:59Z"), first);
        assert_eq!(
            day("2026-11-01T19:30:00Z"),
            times("2026-10-31T19:00:00+00:00", "2026-11-01T20:00:00+00:00")
        );
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        assert_eq!(
            SpentCalls::default().words(),
            "0 tasks, calls not known, waits for 429 not known"
        );
        let known =
            SpentCalls { tasks: 2, calls: Some(1), waits: Some(0), used_up: None, read: None };
        assert_eq!(known.and(SpentCalls::default()).words(), "2 tasks, 1 call, no wait for 429");
        let more = SpentCalls { read: Some(3 << 19), ..known };
        assert_eq!(
            more.and(known).words(),
            "4 tasks, 2 calls, no wait for 429, 1.5 MiB downloaded"
        );
    }

    #[test]
    fn the_daily_volume_is_told_as_far_as_it_is_known() {
        let now = "2026-06-01T19:00:00Z".parse().unwrap();
        let words = |used_up, read| {
            let words = DailyVolume { since: now, until: now, used_up, read }.words();
            words.split(" since ").next().unwrap().to_owned()
        };
        assert_eq!(words(None, None), "not known how much of it is used");
        assert_eq!(words(Some(0), None), "not used up, as far as these tasks were told,");
        assert_eq!(
            words(Some(0), Some(3 << 19)),
            "at least 1.5 MiB of it used, which is what these tasks did,"
        );
        assert_eq!(words(Some(2), None), "used up, as these tasks were told,");
        assert_eq!(
            words(Some(2), Some(1 << 20)),
            "used up, as these tasks were told, 1.0 MiB of it by them,"
        );
    }
}
