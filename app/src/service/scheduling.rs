//! All schedules at once, with what runs on the next days, and pauses.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use crate::model::{Calendar, local_zone, parse_until};
use crate::state::{
    App, AppId, AppKind, EffectiveSchedule, Owner, Policy, Schedule, ScheduleId, TaskKind,
};

/// How many days are told of.
const DAYS: u64 = 7;

/// A schedule that runs more often on a day is one line there.
const MAX_RUNS_A_DAY: usize = 4;

/// An app, as lists name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedApp {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: String,
}

/// An app whose schedules run nothing now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PausedApp {
    /// The app.
    #[serde(flatten)]
    pub app: NamedApp,
    /// Until when.
    pub paused_until: DateTime<Utc>,
}

/// A schedule, with the apps that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleOverview {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The name of its app or policy.
    pub owner_name: String,
    /// When it runs, in words.
    pub timing: String,
    /// The apps that have it.
    pub apps: Vec<NamedApp>,
    /// Its next run for an app that is not paused then.
    pub next: Option<DateTime<Utc>>,
}

/// A run that will come, or several of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayRun {
    /// When, or the first of them.
    pub at: DateTime<Utc>,
    /// Whether it is the first of more on this day than are told one by one.
    pub more: bool,
    /// The schedule.
    pub schedule: ScheduleId,
    /// What it runs.
    pub kind: TaskKind,
    /// When it runs, in words.
    pub timing: String,
    /// Up to so many minutes later it begins, for each app at another time.
    pub random_delay_minutes: u32,
    /// For these apps.
    pub apps: Vec<NamedApp>,
}

/// What runs on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayPlan {
    /// The day, of the overview's time zone.
    pub date: NaiveDate,
    /// Its runs, the soonest first.
    pub runs: Vec<DayRun>,
}

/// All schedules, and what they will run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SchedulingOverview {
    /// The time zone of the days: this machine's.
    pub time_zone: String,
    /// Until when all apps are paused, if they are.
    pub paused_until: Option<DateTime<Utc>>,
    /// The apps that are paused, alone or with all.
    pub paused: Vec<PausedApp>,
    /// The schedules of apps and policies.
    pub schedules: Vec<ScheduleOverview>,
    /// Today and the days after it.
    pub days: Vec<DayPlan>,
}

impl Service {
    /// All schedules, and what they will run.
    ///
    /// # Errors
    /// The database failed.
    pub async fn scheduling(&self) -> Result<SchedulingOverview> {
        self.state(|state| {
            let now = Utc::now();
            let (apps, policies) = (state.apps()?, state.policies()?);
            let (schedules, effective) = (state.schedules()?, state.effective_schedules(None)?);
            let paused_until = state.all_paused_until(now)?;
            let zone = local_zone();
            let plans: Vec<SchedulePlan<'_>> =
                schedules.iter().map(|schedule| SchedulePlan::of(schedule, &effective)).collect();
            let overview = |plan: &SchedulePlan<'_>| plan.overview(&apps, &policies, now);
            Ok(SchedulingOverview {
                paused_until,
                paused: paused(&apps, now),
                schedules: plans.iter().map(overview).collect(),
                days: days(&plans, zone.parse().unwrap_or(Tz::UTC), now),
                time_zone: zone,
            })
        })
        .await
    }

    /// Until when a user means, in this machine's time zone.
    ///
    /// # Errors
    /// It cannot be read, or is no time to come.
    pub fn until(&self, text: &str) -> Result<DateTime<Utc>> {
        Ok(parse_until(text, local_zone().parse().unwrap_or(Tz::UTC), Utc::now())?)
    }

    /// Pauses the schedules of an app, or of all: what they make due is left out and recorded.
    ///
    /// # Errors
    /// The time is not one to come, or the app is a destination or not there.
    pub async fn pause(&self, app: Option<AppId>, until: DateTime<Utc>) -> Result<()> {
        if let Some(id) = app {
            self.source(id).await?;
        }
        self.changing(move |state| state.pause(app, until, Utc::now())).await
    }

    /// Ends the pause of an app's own, or of all; tells whether there was one.
    ///
    /// # Errors
    /// There is no such app.
    pub async fn resume(&self, app: Option<AppId>) -> Result<bool> {
        self.changing(move |state| state.resume(app, Utc::now())).await
    }
}

fn paused(apps: &[App], now: DateTime<Utc>) -> Vec<PausedApp> {
    let paused = |app: &App| {
        let paused_until = app.paused_until(now)?;
        Some(PausedApp { app: NamedApp { id: app.id, name: app.spec.name.clone() }, paused_until })
    };
    let sources = apps.iter().filter(|app| app.spec.kind == AppKind::Source);
    sources.filter_map(paused).collect()
}

/// A schedule with the apps that it holds for.
struct SchedulePlan<'a> {
    schedule: &'a Schedule,
    calendar: Option<Calendar>,
    effective: Vec<&'a EffectiveSchedule>,
}

impl<'a> SchedulePlan<'a> {
    fn of(schedule: &'a Schedule, effective: &'a [EffectiveSchedule]) -> Self {
        let of_this = effective.iter().filter(|one| one.schedule.id == schedule.id);
        let enabled = schedule.spec.enabled;
        Self {
            schedule,
            calendar: enabled.then(|| schedule.spec.calendar().ok()).flatten(),
            effective: of_this.collect(),
        }
    }

    /// The apps for which it runs at this time.
    fn apps_at(&self, at: DateTime<Utc>) -> Vec<NamedApp> {
        let running = self.effective.iter().filter(|one| one.pauses.until(at).is_none());
        running.map(|one| NamedApp { id: one.app, name: one.app_name.clone() }).collect()
    }

    fn overview(&self, apps: &[App], policies: &[Policy], now: DateTime<Utc>) -> ScheduleOverview {
        let name = match self.schedule.spec.owner {
            Owner::App(id) => apps.iter().find(|app| app.id == id).map(|app| &app.spec.name),
            Owner::Policy(id) => {
                policies.iter().find(|policy| policy.id == id).map(|policy| &policy.spec.name)
            }
        };
        let named = |one: &&EffectiveSchedule| NamedApp { id: one.app, name: one.app_name.clone() };
        let runs = crate::scheduler::next_runs(
            self.effective.iter().map(|one| (*one).clone()).collect(),
            now,
        );
        ScheduleOverview {
            schedule: self.schedule.clone(),
            owner_name: name.cloned().unwrap_or_default(),
            timing: self.schedule.spec.timing_text(),
            apps: self.effective.iter().map(named).collect(),
            next: runs.first().map(|run| run.at),
        }
    }

    /// What it runs from a time on, before another.
    fn runs(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DayRun> {
        let Some(calendar) = &self.calendar else { return Vec::new() };
        let run = |at: DateTime<Utc>| DayRun {
            at,
            more: false,
            schedule: self.schedule.id,
            kind: self.schedule.spec.kind,
            timing: self.schedule.spec.timing().to_string(),
            random_delay_minutes: self.schedule.spec.random_delay_minutes,
            apps: self.apps_at(at),
        };
        let slots = calendar.upcoming(from - TimeDelta::milliseconds(1));
        let mut runs: Vec<DayRun> = slots
            .take_while(|at| *at < until)
            .take(MAX_RUNS_A_DAY + 1)
            .map(run)
            .filter(|run| !run.apps.is_empty())
            .collect();
        if runs.len() > MAX_RUNS_A_DAY {
            runs.truncate(1);
            runs[0].more = true;
        }
        runs
    }
}

/// What runs today, from now on, and on the days after.
fn days(plans: &[SchedulePlan<'_>], zone: Tz, now: DateTime<Utc>) -> Vec<DayPlan> {
    let today = now.with_timezone(&zone).date_naive();
    let date = |number: u64| today.checked_add_days(Days::new(number));
    let begin = |number: u64| Some(begin_of(zone, date(number)?));
    let day = |number: u64| {
        let (date, from, until) = (date(number)?, begin(number)?.max(now), begin(number + 1)?);
        let mut runs: Vec<DayRun> = plans.iter().flat_map(|plan| plan.runs(from, until)).collect();
        runs.sort_by_key(|run| (run.at, run.schedule));
        Some(DayPlan { date, runs })
    };
    (0..DAYS).filter_map(day).collect()
}

/// When a day of this machine's time zone begins, and when the next one does.
pub fn span_of(date: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let zone = local_zone().parse().unwrap_or(Tz::UTC);
    // Farther than any task, a zone has no times any more.
    let known = (1970..3000).contains(&chrono::Datelike::year(&date));
    let next = date.checked_add_days(Days::new(1)).filter(|_| known)?;
    Some((begin_of(zone, date), begin_of(zone, next)))
}

/// The first instant of a day.
pub(super) fn begin_of(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    // Where midnight is left out, the day begins up to some hours later.
    let hours = (0..24).filter_map(|hour| date.and_hms_opt(hour, 0, 0));
    let first = hours.filter_map(|local| zone.from_local_datetime(&local).earliest()).next();
    first.map_or_else(|| date.and_time(chrono::NaiveTime::MIN).and_utc(), |at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_its_clock_does() {
        let begin = |zone: Tz, date: &str| begin_of(zone, date.parse().unwrap()).to_rfc3339();
        assert_eq!(begin(Tz::UTC, "2026-06-01"), "2026-06-01T00:00:00+00:00");
        assert_eq!(begin(chrono_tz::Europe::Berlin, "2026-06-01"), "2026-05-31T22:00:00+00:00");
        // Midnight was left out in Beirut, and a whole day in Samoa.
        assert_eq!(begin(chrono_tz::Asia::Beirut, "2021-03-28"), "2021-03-27T22:00:00+00:00");
        assert_eq!(begin(chrono_tz::Pacific::Apia, "2011-12-30"), "2011-12-30T00:00:00+00:00");
    }
}
